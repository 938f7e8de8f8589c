#include "cli/model_argument.h"

#include <CLI/CLI.hpp>
#include <iostream>

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

}  // namespace retort::cli
