#include "cli/prompt_template.h"

#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/parts/option_flags.h"
#include "model/chat.h"

namespace retort::cli {

void AddTemplateFlag(CLI::App& app, std::string& name, bool any_prompt) {
  std::vector<std::string> names{"auto"};
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) names.push_back(text);
  if (any_prompt) names.insert(names.end(), {"chat", "none"});
  AddChoice(app, "--template", name, names,
            "What goes around a question; auto: what the folder names. [default auto]");
}

std::optional<model::PromptTemplate> ChooseTemplate(const std::string& name,
                                                    const std::filesystem::path& folder) {
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) {
    if (name == text) return value;
  }
  const auto file = folder / "tokenizer_config.json";
  if (name == "none" || name == "chat" || !std::filesystem::exists(file)) return std::nullopt;
  const Json config = ParseJson(ReadFile(file), file.string());
  const auto chat_template = config.find("chat_template");
  if (chat_template == config.end()) return std::nullopt;
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) {
    if (*chat_template == model::ChatTemplate(value)) return value;
  }
  return std::nullopt;
}

PromptEncoder ChooseEncoder(const std::string& name, const std::filesystem::path& folder,
                            const std::string& system, const model::Tokenizer& tokenizer) {
  const auto own = ChooseTemplate(name, folder);
  const auto chat = own || name == "none" ? std::nullopt : model::LoadChatTemplate(folder);
  RETORT_CHECK(chat || name != "chat", folder.string(),
               ": no chat template: expected chat_template.jinja, or chat_template in "
               "tokenizer_config.json");
  RETORT_CHECK(chat || system.empty(), "--system: the prompts of ", folder.string(),
               " have no place for it; leave it out, or give the folder a chat template");
  if (own) {
    return [own = *own, &tokenizer](const std::string& prompt) {
      return model::RenderPrompt(tokenizer, own, prompt);
    };
  }
  if (chat) {
    return [chat = *chat, system, &tokenizer](const std::string& prompt) {
      Json messages = Json::array();
      if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
      messages.push_back({{"role", "user"}, {"content", prompt}});
      return model::EncodeConversation(tokenizer, chat,
                                       {{"messages", messages}, {"add_generation_prompt", true}});
    };
  }
  return [&tokenizer](const std::string& prompt) {
    std::vector<int32_t> ids = tokenizer.Encode(prompt, model::AddedTokens::kMatch);
    if (tokenizer.bos_id()) ids.insert(ids.begin(), *tokenizer.bos_id());
    return ids;
  };
}

}  // namespace retort::cli
