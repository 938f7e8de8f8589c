#include "cli/prompt_template.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/parts/option_flags.h"
#include "model/chat.h"

namespace retort::cli {

void AddTemplateFlag(CLI::App& app, std::string& name, bool allow_none) {
  std::vector<std::string> names{"auto"};
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) names.push_back(text);
  if (allow_none) names.push_back("none");
  AddChoice(app, "--template", name, names,
            "What goes around a question; auto: what the folder names. [default auto]");
}

void AddSystemFlag(CLI::App& app, std::string& system) {
  app.add_option("--system,--system-prompt,--sys", system,
                 "What the system message says, where the folder's chat template has one.")
      ->type_name("TEXT");
}

std::optional<model::PromptTemplate> ChooseTemplate(const std::string& name,
                                                    const std::filesystem::path& folder,
                                                    const model::Tokenizer& tokenizer) {
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) {
    if (name == text) return value;
  }
  if (name == "none") return std::nullopt;
  if (!tokenizer.has_chat_template()) {
    if (!std::filesystem::exists(folder / "chat_template.jinja")) return std::nullopt;
    return model::PromptTemplate::kChat;  // what is wrong with it will be told
  }
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) {
    if (tokenizer.chat_template().source() == model::ChatTemplate(tokenizer, value)) return value;
  }
  return std::nullopt;
}

std::tm LocalTime() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return local;
}

PromptEncoder ChooseEncoder(const std::string& name, const std::filesystem::path& folder,
                            const std::string& system, const model::Tokenizer& tokenizer) {
  const auto chosen = ChooseTemplate(name, folder, tokenizer);
  const bool chat = chosen && chosen->chat;
  RETORT_CHECK(chat || system.empty(), "--system: the prompts of ", folder.string(),
               " have no place for it; leave it out, or choose --template chat");
  if (!chosen) {
    return [&tokenizer](const std::string& prompt) {
      std::vector<int32_t> ids = tokenizer.Encode(prompt, model::AddedTokens::kMatch);
      if (tokenizer.bos_id()) ids.insert(ids.begin(), *tokenizer.bos_id());
      return ids;
    };
  }
  if (!chat) {
    return [chosen, &tokenizer](const std::string& prompt) {
      return model::RenderPrompt(tokenizer, *chosen, prompt);
    };
  }
  return [system, &tokenizer, now = LocalTime()](const std::string& prompt) {
    Json messages = Json::array();
    if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
    messages.push_back({{"role", "user"}, {"content", prompt}});
    return model::EncodeConversation(tokenizer, tokenizer.chat_template(),
                                     {{"messages", messages}, {"add_generation_prompt", true}},
                                     now);
  };
}

void PrintNotes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) std::cerr << "retort: " << note << "\n";
}

}  // namespace retort::cli
