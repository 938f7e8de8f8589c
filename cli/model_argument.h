#pragma once
// MODEL: a model folder, or a run that holds one.

#include <filesystem>
#include <string>

#include "rollout/sampler.h"

namespace CLI {
class App;
}

namespace retort::cli {

void AddModelArgument(CLI::App& app, std::string& path);

/// train::FindModel; its note goes to standard error.
std::filesystem::path ModelFolder(const std::string& path);

/// Shortens the default completion to half the model's context, and says so: a default that leaves
/// a small model's prompts no room is none.
void FitDefaultLength(const std::filesystem::path& folder, rollout::SamplingOptions& sampling);

}  // namespace retort::cli
