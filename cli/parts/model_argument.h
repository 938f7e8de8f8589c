#pragma once
// MODEL: a model folder, or a run that holds one.

#include <cstdint>
#include <filesystem>
#include <string>

#include "model/config.h"

namespace CLI {
class App;
}

namespace retort::cli {

void AddModelArgument(CLI::App& app, std::string& path);

/// train::FindModel; its note goes to standard error.
std::filesystem::path ModelFolder(const std::string& path);

/// Says in the help of --max-completion-length that its default is FittingLength.
void DescribeFittingLength(CLI::App& app);
/// `most`, or what the context of a model leaves beside the longest prompt, but no less than half
/// of it. Tells standard error when it is less.
int64_t FittingLength(const model::ModelConfig& config, int64_t longest_prompt, int64_t most);

}  // namespace retort::cli
