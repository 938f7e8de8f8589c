#pragma once
// Everything the model ever said, in one SQLite file: WAL, one writer and many readers.
//
// Schema 1 (PRAGMA user_version), made for SQL by hand:
//   runs(id, name, recipe, created)                 one per run; recipe is JSON
//   steps(run, stage_index, step, stage)            one per optimizer (or collection) step
//   metrics(run, stage_index, step, name, value)    one per logged value; NaN is NULL
//   problems(id, fingerprint, problem_id, family, prompt, answer, solution, canonical, difficulty,
//   extra) groups(id, run, stage_index, step, problem, prompt_ids)          samples of one prompt
//   completions(id, group_id, run, stage_index, stage, step, sample, token_ids, logprobs, experts,
//               text, finish, length, reward, advantage, policy_version)
//   verdicts(completion, position, verifier, status, score, reason, extracted)
//   checkpoints(run, stage_index, step, stage, path)
//   selections(id, filter, ids, hash, created)      a distillation set; filter and ids are JSON
//   replay_groups, replay_completions, replay_verdicts: see CutBack
//   views: traces (completions with run, problem, finished and correct), curves (metrics with run,
//   stage)
// token_ids and prompt_ids are little-endian int32, logprobs float32, experts uint16.
// `correct` is 1 when every verdict is "right", 0 when one is not, NULL without verdicts.
//
// Blobs and text come back bit for bit. In the REAL columns (reward, advantage, score, value)
// SQLite keeps every number but turns NaN into NULL (read as NaN) and -0 into 0.
//
// Thread-safety: one TraceStore per thread. A reader sees whole steps, also while the writer
// writes.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/records.h"
#include "datasets/trace_filter.h"

namespace retort::datasets {

/// A place in a run. Stages are ordered by their index, steps within a stage by their number.
struct StepKey {
  int64_t run = 0;  ///< runs.id
  int64_t stage_index = 0;
  int64_t step = 0;
};

/// All that one step leaves behind. The `id` and `step` of the traces are not read; a trace without
/// a `stage` of its own (such as "collect/revision") is of the step's.
/// Neighbouring traces with the same problem, the same prompt ids and rising samples form a group.
struct StepRecord {
  StepKey key;
  std::string stage;
  std::vector<std::pair<std::string, double>> metrics;
  std::vector<Trace> traces;
};

struct CheckpointRecord {
  StepKey key;
  std::string stage;
  std::string path;
};

struct RunSummary {
  int64_t id = 0;
  std::string name;
  std::string created;  ///< UTC
  Json recipe;
  int64_t steps = 0;
  int64_t traces = 0;
};

struct StageStats {
  std::string run;
  int64_t stage_index = 0;
  std::string stage;
  int64_t steps = 0;
  int64_t traces = 0;
  int64_t correct = 0;
  int64_t unjudged = 0;  ///< traces without a verdict
  int64_t finished = 0;
  int64_t tokens = 0;      ///< completion tokens
  double mean_reward = 0;  ///< NaN without traces
};

struct MetricPoint {
  int64_t stage_index = 0;
  std::string stage;
  int64_t step = 0;
  double value = 0;
};

struct Selection {
  int64_t id = 0;
  Json filter;
  std::vector<int64_t> ids;  ///< trace ids, ascending
  std::string hash;          ///< of the selected prompts' and completions' token ids, in order
};

/// A result of raw SQL: NULLs, integers (exact), numbers and texts; a blob is the text x'0a1b'.
struct SqlTable {
  std::vector<std::string> columns;
  std::vector<std::vector<Json>> rows;
};
/// A cell for people: "NULL", a number, the text itself.
std::string CellText(const Json& cell);

class TraceStore {
 public:
  enum class Mode { kRead, kWrite };

  /// kWrite creates the file when it is missing. Throws Error naming the path and the remedy for a
  /// folder, a missing or read-only file, a file that is no trace database, or a newer schema.
  TraceStore(const std::filesystem::path& path, Mode mode);
  ~TraceStore();
  TraceStore(const TraceStore&) = delete;
  TraceStore& operator=(const TraceStore&) = delete;

  // Writing. Each call is one transaction: done or not done, also when the process is killed.

  /// Returns runs.id. The name must be new.
  int64_t CreateRun(const std::string& name, const Json& recipe);
  /// Stores a step and returns its trace ids, in order. A step that is stored already is an error
  /// (cut back first). The same step's traces awaiting replay are dropped in the same transaction.
  std::vector<int64_t> AppendStep(const StepRecord& record);
  /// Replaces an older row of the same place.
  void AddCheckpoint(const CheckpointRecord& checkpoint);
  /// Makes `last` the last step of its run: later steps, metrics and checkpoints are removed, later
  /// traces move to the replay tables, and selections that hold one of them are removed. Trace ids
  /// are given again as before, so that a resumed run and an unbroken one have the same ids.
  void CutBack(const StepKey& last);
  /// Replaces the verdicts and the reward of stored traces; only `id`, `verdicts` and `reward` are
  /// read.
  void Rescore(const std::vector<Trace>& traces);
  /// Selects, and stores the selection unless the same one is stored.
  Selection SaveSelection(const TraceFilter& filter);

  // Reading.

  std::optional<int64_t> FindRun(const std::string& name) const;
  std::vector<RunSummary> Runs() const;
  /// Per run and stage, in order.
  std::vector<StageStats> Stats() const;
  std::vector<MetricPoint> Metric(int64_t run, const std::string& name) const;
  /// Every step of the run with its metrics (by name) and without its traces.
  std::vector<StepRecord> Steps(int64_t run) const;
  std::optional<CheckpointRecord> LastCheckpoint(int64_t run) const;
  /// What was stored for this step before the run was cut back, in order; empty when nothing was.
  std::vector<Trace> ReplayTraces(const StepKey& key) const;

  /// Throws Error naming the known ones, and the nearest, when the filter's run, stage or verifier
  /// is in no trace of the database.
  void CheckFilter(const TraceFilter& filter) const;
  /// Trace ids in ascending order; the same database and filter always give the same list.
  std::vector<int64_t> Select(const TraceFilter& filter) const;
  std::vector<Selection> Selections() const;
  /// Throws Error when there is no such trace.
  Trace Read(int64_t id) const;
  /// Calls `visit` with each trace in the order of `ids`, holding one in memory at a time.
  void ForEach(const std::vector<int64_t>& ids,
               const std::function<void(const Trace&)>& visit) const;

  /// One statement that only reads; anything else is refused. An unknown table or column is an
  /// Error that names the known ones.
  SqlTable Sql(const std::string& query) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One row of an export: problem, response, verdicts, reward; token ids and log-probabilities when
/// asked.
Json TraceToJson(const Trace& trace, bool with_tokens);

}  // namespace retort::datasets
