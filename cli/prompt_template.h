#pragma once
// Which prompt template a model folder was trained with.

#include <filesystem>
#include <optional>
#include <string>

#include "model/template.h"

namespace CLI {
class App;
}

namespace retort::cli {

/// `--template auto|short|r1_zero`, and `none` where bare prompts are allowed.
void AddTemplateFlag(CLI::App& app, std::string& name, bool allow_none);

/// The template of that name; "auto" is the one the folder's tokenizer_config.json names. Empty for
/// "none", and when the folder names none of Retort's own.
std::optional<model::PromptTemplate> ChooseTemplate(const std::string& name,
                                                    const std::filesystem::path& folder);

}  // namespace retort::cli
