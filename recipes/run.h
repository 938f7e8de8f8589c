#pragma once
// Running a recipe: its stages in order, into a run directory (DESIGN section 4), resumable to the
// same bits at any moment.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "recipes/recipe.h"
#include "train/recorder.h"

namespace retort::recipes {

struct RunOptions {
  std::filesystem::path out;
  int threads = 0;      ///< 0: one per core
  bool resume = false;  ///< continue what is in `out`; otherwise `out` must not hold a run
  bool allow_environment_change = false;  ///< resume although instruction set or libraries differ
  bool allow_changed_inputs = false;  ///< resume although files that begun stages read have changed
  std::filesystem::path profile = {};  ///< where to write a timeline of ops and stages, if anywhere
  int judge_threads = 0;               ///< answers judged at a time; 0: as `threads`
};

/// What the caller may watch; all may be empty, and are called on the calling thread. Only
/// stop_requested is also asked by others, one at a time, while that thread waits for them.
struct RunEvents {
  std::function<void(size_t index, size_t count, const Stage&)> stage_started;
  /// `done` of `total` steps of the stage; the latest metrics, if any.
  std::function<void(int64_t done, int64_t total, const train::Metrics&)> progress;
  std::function<void(const struct StageResult&)> stage_finished;
  std::function<void(const std::string&)> note;
  std::function<bool()> stop_requested;  ///< true: checkpoint and return
};

/// One row of the final table; absent values do not apply to the stage.
struct StageResult {
  std::string name;
  std::string type;
  std::string model;
  double seconds = 0;
  std::optional<double> tokens_per_second;
  std::optional<double> accuracy;
  std::optional<int64_t> problems;
  std::optional<double> mean_completion_length;
  Json details = Json::object();  ///< whatever else the stage reports
};
Json ToJson(const StageResult& result);

struct RunOutcome {
  std::vector<StageResult> stages;  ///< finished stages, those of earlier sessions too
  bool interrupted = false;         ///< stop_requested: everything is saved, resume to go on
};

/// Throws Error; whatever was done before stays on disk and can be resumed.
RunOutcome Run(const Recipe& recipe, const RunOptions& options, const RunEvents& events = {});

}  // namespace retort::recipes
