#include "cli/prompt_template.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "base/file.h"
#include "base/json.h"

namespace retort::cli {

void AddTemplateFlag(CLI::App& app, std::string& name, bool allow_none) {
  std::vector<std::string> names{"auto"};
  for (const auto& [value, text] : EnumNames(model::PromptTemplate{})) names.push_back(text);
  if (allow_none) names.push_back("none");
  app.add_option("--template", name, "What goes around a question; auto: what the folder names.")
      ->type_name("NAME")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
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
