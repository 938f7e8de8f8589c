#include "cli/parts/model_argument.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "base/plural.h"
#include "train/problems.h"
#include "train/run_places.h"

namespace retort::cli {

void AddModelArgument(CLI::App& app, std::string& path) {
  app.add_option("MODEL", path, "A model folder, a run directory, or a run's traces.db.")
      ->required()
      ->type_name("");
}

std::filesystem::path ModelFolder(const std::string& path) {
  const train::ModelPlace place = train::FindModel(path);
  if (!place.note.empty()) std::cerr << "retort: " << place.note << "\n";
  return place.folder;
}

void DescribeFittingLength(CLI::App& app) {
  CLI::Option* option = app.get_option("--max-completion-length");
  std::string help = option->get_description();
  help.insert(help.rfind(']'), ", or what the context leaves");
  option->description(help);
}

int64_t FittingLength(const model::ModelConfig& config, int64_t longest_prompt, int64_t most) {
  const int64_t positions = train::Positions(config);
  // The last token of a completion needs no position.
  const int64_t room = positions - longest_prompt + 1;
  const int64_t length = std::max(room, positions / 2);  // a long prompt cuts nobody's answer short
  if (length >= most) return most;
  std::cerr << "retort: completions have up to " << Counted(length, "token")
            << " here; the model has " << positions << " positions\n";
  return length;
}

}  // namespace retort::cli
