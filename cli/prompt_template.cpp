#include "cli/prompt_template.h"

#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "cli/parts/option_flags.h"

namespace retort::cli {

void AddTemplateFlag(CLI::App& app, std::string& name, bool allow_none) {
  std::vector<std::string> names{"auto"};
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) names.push_back(text);
  if (allow_none) names.push_back("none");
  AddChoice(app, "--template", name, names,
            "What goes around a question; auto: what the folder names. [default auto]");
}

std::optional<model::PromptTemplate> ChooseTemplate(const std::string& name,
                                                    const std::filesystem::path& folder) {
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) {
    if (name == text) return value;
  }
  const auto file = folder / "tokenizer_config.json";
  if (name == "none" || !std::filesystem::exists(file)) return std::nullopt;
  const Json config = ParseJson(ReadFile(file), file.string());
  const auto chat_template = config.find("chat_template");
  if (chat_template == config.end()) return std::nullopt;
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) {
    if (*chat_template == model::ChatTemplate(value)) return value;
  }
  return std::nullopt;
}

}  // namespace retort::cli
