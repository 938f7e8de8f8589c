#pragma once
// MODEL: a model folder, or a run that holds one.

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace retort::cli {

void AddModelArgument(CLI::App& app, std::string& path);

/// train::FindModel; its note goes to standard error.
std::filesystem::path ModelFolder(const std::string& path);

}  // namespace retort::cli
