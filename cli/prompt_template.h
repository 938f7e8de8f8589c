#pragma once
// Which prompt template a model folder was trained with.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/template.h"

namespace CLI {
class App;
}

namespace retort::cli {

/// `--template auto|short|r1_zero`, and where any prompt will do `chat` (the folder's own chat
/// template) and `none`.
void AddTemplateFlag(CLI::App& app, std::string& name, bool any_prompt);

/// The template of that name; "auto" is the one the folder's tokenizer_config.json names. Empty for
/// "none", and when the folder names none of Retort's own.
std::optional<model::PromptTemplate> ChooseTemplate(const std::string& name,
                                                    const std::filesystem::path& folder);

using PromptEncoder = std::function<std::vector<int32_t>(const std::string& prompt)>;
/// What makes a prompt's ids: the template of that name; with "auto" Retort's own that the folder
/// names, else the folder's chat template, else the bare text behind a begin token. `system` goes
/// in front where a chat template is used; throws Error elsewhere unless it is "". `tokenizer` must
/// outlive it.
PromptEncoder ChooseEncoder(const std::string& name, const std::filesystem::path& folder,
                            const std::string& system, const model::Tokenizer& tokenizer);

}  // namespace retort::cli
