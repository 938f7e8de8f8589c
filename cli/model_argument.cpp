#include "cli/model_argument.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "model/pretrained.h"
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

void FitDefaultLength(const std::filesystem::path& folder, rollout::SamplingOptions& sampling) {
  const int64_t half = train::Positions(model::ReadModelConfig(folder)) / 2;
  if (sampling.max_completion_length <= half) return;
  sampling.max_completion_length = std::max<int64_t>(1, half);
  std::cerr << "retort: completions end after " << sampling.max_completion_length
            << " tokens, half of the model's context; --max-completion-length says otherwise\n";
}

}  // namespace retort::cli
