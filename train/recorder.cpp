#include "train/recorder.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "train/internal/tensorboard.h"

namespace retort::train {
namespace fs = std::filesystem;
namespace {

// TensorBoard wants times and a unique name; nothing that is computed depends on either.
double WallTime() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// What others have put beside them stays.
void RemoveOwnEvents(const fs::path& folder) {
  std::vector<fs::path> own;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("events.out.tfevents.") && name.find(".retort.") != std::string::npos) {
      own.push_back(entry.path());
    }
  }
  for (const fs::path& path : own) fs::remove(path);
}

}  // namespace

Recorder::Recorder(const fs::path& folder, datasets::TraceStore& store, int64_t run)
    : store_(store), run_(run) {
  const fs::path lines = folder / "metrics.jsonl", events = folder / "tb";
  std::error_code error;
  fs::create_directories(events, error);
  RETORT_CHECK(!error, events.string(), ": cannot create the folder: ", error.message());
  RemoveOwnEvents(events);
  fs::remove(lines, error);
  lines_ = std::make_unique<AppendFile>(lines);
  const auto seconds = static_cast<int64_t>(WallTime());
  events_ = std::make_unique<AppendFile>(
      events / StrCat("events.out.tfevents.", seconds, ".retort.", ::getpid(), ".0"));
  events_->Write(TensorBoardHeader(WallTime()));
  for (const datasets::StepRecord& step : store_.Steps(run_)) {
    Emit(step.key.stage_index, step.stage, step.key.step, step.metrics);
  }
}

std::vector<int64_t> Recorder::Step(const datasets::StepRecord& record) {
  std::vector<int64_t> ids = store_.AppendStep(record);
  Emit(record.key.stage_index, record.stage, record.key.step, record.metrics);
  return ids;
}

void Recorder::Emit(int64_t stage_index, const std::string& stage, int64_t step,
                    const Metrics& metrics) {
  Json line = {{"stage_index", stage_index}, {"stage", stage}, {"step", step}};
  Metrics sorted = metrics, tagged;  // by name, as the database gives them back
  std::ranges::sort(sorted, {}, &Metrics::value_type::first);
  for (const auto& [name, value] : sorted) {
    line[name] = std::isfinite(value) ? Json(value) : Json(nullptr);
    if (std::isfinite(value)) tagged.emplace_back(stage + "/" + name, value);  // a gap, not a NaN
  }
  lines_->Write(ToJsonLine(line) + "\n");
  events_->Write(TensorBoardScalars(WallTime(), step, tagged));
}

}  // namespace retort::train
