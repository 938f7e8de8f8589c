#pragma once
// What a path that a user gives means: a run directory, its final/, a checkpoint and traces.db all
// lead to the run's models and traces.

#include <filesystem>
#include <string>

namespace retort::train {

struct ModelPlace {
  std::filesystem::path folder;  ///< a Hugging Face folder
  std::string note;              ///< what to tell the user of the choice, or empty
};

/// The model of: a Hugging Face folder; a run directory, that is its final/, or while there is none
/// its newest checkpoint; a run's traces.db; a file inside a model folder. Throws Error naming what
/// was looked for.
ModelPlace FindModel(const std::filesystem::path& path);

/// The trace database of: the file itself; a run directory; its final/ or a checkpoint. Throws
/// Error naming what was looked for.
std::filesystem::path FindTraces(const std::filesystem::path& path);

}  // namespace retort::train
