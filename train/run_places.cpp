#include "train/run_places.h"

#include <optional>
#include <tuple>

#include "base/error.h"
#include "train/checkpoint.h"

namespace retort::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kConfig = "config.json";
constexpr const char* kDatabase = "traces.db";
constexpr const char* kFinal = "final";
constexpr std::string_view kCheckpoint = "checkpoint-";

bool IsCheckpointName(const std::string& name) {
  return name.starts_with(kCheckpoint) && name.size() > kCheckpoint.size() &&
         name.find_first_not_of("0123456789", kCheckpoint.size()) == std::string::npos;
}

// The folder that a path is in, also of "final/", "final" and ".".
fs::path Parent(const fs::path& path) {
  fs::path clean = path.lexically_normal();
  if (clean == "." || clean.filename() == ".." || clean == "./") {
    clean = fs::absolute(clean).lexically_normal();
  }
  if (!clean.has_filename()) clean = clean.parent_path();
  return clean.has_parent_path() ? clean.parent_path() : fs::path(".");
}

std::optional<ModelPlace> NewestCheckpoint(const fs::path& run) {
  std::optional<ModelPlace> newest;
  std::tuple<int64_t, int64_t, int64_t> last;
  for (const fs::directory_entry& entry : fs::directory_iterator(run)) {
    if (!IsCheckpointName(entry.path().filename().string()) || !entry.is_directory()) continue;
    try {
      const TrainerState state = ReadTrainerState(entry.path());
      const std::tuple place(state.stage_index, state.step, state.global_step);
      if (newest && place < last) continue;
      last = place;
      newest = {entry.path(), StrCat(run.string(), ": has no ", kFinal, "/ yet; taking ",
                                     entry.path().filename().string(), ", model '", state.model,
                                     "' after step ", state.step, " of stage '", state.stage, "'")};
    } catch (const Error&) {
      // not one of a run
    }
  }
  return newest;
}

void RequireExists(const fs::path& path, const char* expected) {
  std::error_code error;
  const bool exists = fs::exists(path, error);
  RETORT_CHECK(!error, path.string(), ": cannot be looked at: ", error.message());
  RETORT_CHECK(exists, path.string(), ": no such file or folder; expected ", expected);
}

}  // namespace

ModelPlace FindModel(const fs::path& path) {
  constexpr const char* kExpected =
      "a model folder (with config.json), a run directory, or a run's traces.db";
  RequireExists(path, kExpected);
  const fs::path folder = fs::is_directory(path) ? path : Parent(path);
  if (fs::exists(folder / kConfig)) return {folder, ""};
  if (fs::exists(folder / kFinal / kConfig)) return {folder / kFinal, ""};
  if (auto checkpoint = NewestCheckpoint(folder)) return *checkpoint;
  Fail(path.string(), ": holds no model: there is neither ", kConfig, " nor ", kFinal, "/ nor a ",
       kCheckpoint, "N/ in ", folder.string(), "; expected ", kExpected);
}

fs::path FindTraces(const fs::path& path) {
  constexpr const char* kExpected =
      "a trace database, a run directory, or a run's final/ or checkpoint";
  RequireExists(path, kExpected);
  if (!fs::is_directory(path)) return path;
  if (fs::exists(path / kDatabase)) return path / kDatabase;
  const fs::path run = Parent(path);
  if (fs::exists(path / kConfig) && fs::exists(run / kDatabase)) return run / kDatabase;
  Fail(path.string(), ": is a folder without ", kDatabase,
       fs::exists(path / kConfig) ? ", and there is none beside it" : "", "; expected ", kExpected);
}

}  // namespace retort::train
