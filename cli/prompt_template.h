#pragma once
// Which prompt template a model folder was trained with.

#include <ctime>
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

/// `--template auto|short|r1_zero|chat`, and `none` where bare prompts are allowed.
void AddTemplateFlag(CLI::App& app, std::string& name, bool allow_none);

/// `--system TEXT`, also as llama.cpp spells it.
void AddSystemFlag(CLI::App& app, std::string& system);

/// The template of that name; "auto" is that of Retort's own which the folder's
/// tokenizer_config.json names, else the folder's chat template. Empty for "none", and when the
/// folder has neither.
std::optional<model::PromptTemplate> ChooseTemplate(const std::string& name,
                                                    const std::filesystem::path& folder,
                                                    const model::Tokenizer& tokenizer);

/// The time here, for templates that ask what day it is.
std::tm LocalTime();

using PromptEncoder = std::function<std::vector<int32_t>(const std::string& prompt)>;
/// What makes a prompt's ids: that template, today, or the bare text behind a begin token. `system`
/// goes in front where it is a chat; throws Error elsewhere unless it is "". `tokenizer` must
/// outlive it.
PromptEncoder ChooseEncoder(const std::string& name, const std::filesystem::path& folder,
                            const std::string& system, const model::Tokenizer& tokenizer);

/// What a model's folder was found to hold besides, on standard error.
void PrintNotes(const std::vector<std::string>& notes);

}  // namespace retort::cli
