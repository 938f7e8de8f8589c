#pragma once
// Where metrics go: the trace database, metrics.jsonl and a TensorBoard event file. The database is
// the truth; the other two can be made from it again, and are when a run is resumed.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "datasets/trace_store.h"

namespace retort::train {

using Metrics = std::vector<std::pair<std::string, double>>;

/// Used by one thread.
class Recorder {
 public:
  /// Writes into `folder`: traces.db must be open as `store`; metrics.jsonl and tb/ are rewritten
  /// from the rows that the run has in it.
  Recorder(const std::filesystem::path& folder, datasets::TraceStore& store, int64_t run);

  /// One step, with its traces: first a transaction in the database, then the two files.
  std::vector<int64_t> Step(const datasets::StepRecord& record);

 private:
  void Emit(int64_t stage_index, const std::string& stage, int64_t step, const Metrics& metrics);

  datasets::TraceStore& store_;
  int64_t run_;
  std::unique_ptr<AppendFile> lines_, events_;
};

}  // namespace retort::train
