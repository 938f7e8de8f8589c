#pragma once
// Everything the model ever said, in one SQLite file: WAL, one writer and many readers.
//
// Schema 3 (PRAGMA user_version), made for SQL by hand; older files are moved forward when they are
// opened for writing, and read as they are:
//
//   runs(id, name, recipe, created, uid)             recipe is JSON; uid names the run anywhere
//   revisions(run, revision, recipe, changes, created)
//                                                    what its recipe became; changes: JSON texts
//   inputs(run, stage_index, path, hash)             what stages read from outside (-1: models)
//   steps(run, stage_index, step, stage)             one per optimizer (or collection) step
//   metrics(run, stage_index, step, name, value)     one per logged value; NaN is NULL
//   problems(id, fingerprint, problem_id, family, prompt, answer, solution, canonical, difficulty,
//            extra)                                  fingerprint: a blob of 128 bits
//   groups(id, run, stage_index, step, problem, prompt_ids)
//                                                    samples of one prompt
//   completions(id, group_id, run, stage_index, stage, step, sample, token_ids, logprobs, experts,
//               text, finish, length, reward, advantage, policy_version, text_bytes, said,
//               feedback)
//   verdicts(completion, position, verifier, status, score, reason, extracted)
//   checkpoints(run, stage_index, step, stage, path, model, kept)
//                                                    kept: its folder should be there
//   selections(id, filter, ids, hash, created)       a distillation set; filter and ids are JSON
//   layers(id, name, judges, retort, created)        later judgements, beside what was trained on
//   layer_rewards(layer, completion, reward, advantage)
//   layer_verdicts(layer, completion, position, verifier, status, score, reason, extracted)
//   replay_groups (with reason), replay_completions, replay_verdicts, superseded_steps
//                                                    see CutBack
//
// Views: traces (completions with run, problem, finished and correct), rescored (the same with the
// rewards of a layer, and the trained ones), curves (metrics with run and stage).
//
// token_ids and prompt_ids are little-endian int32, logprobs float32, experts uint16. Where not all
// of the token_ids are the policy's, `said` has a byte for each, 1 or 0; text, length, finish and
// verdicts are of its last turn, and feedback is what a user would say to that.
// `reward` is NULL when nobody could judge. `correct` is Correct() of base/records.h: 0 when a
// verdict is "wrong", 1 when all are "right", else NULL (unjudged).
//
// Blobs and text come back bit for bit; where a completion's text is no valid UTF-8, `text` has
// U+FFFD for what is malformed, and text_bytes the bytes. In the REAL columns (reward, advantage,
// score, value) SQLite keeps every number but turns NaN into NULL (read as NaN, a reward as none)
// and -0 into 0.
//
// Thread-safety: one TraceStore per thread. A reader sees whole steps, also while the writer
// writes; of an evaluation, whole parts (AppendPart).

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
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

/// All that one step leaves behind. A sample without a `stage` of its own (such as
/// "collect/revision") is of the step's.
/// Neighbouring samples of the same problem, with the same prompt ids and rising numbers form a
/// group.
struct StepRecord {
  StepKey key;
  std::string stage;
  std::vector<std::pair<std::string, double>> metrics;
  std::span<const Sample> samples = {};
  std::span<const Problem> problems = {};  ///< that the samples index
};

struct CheckpointRecord {
  StepKey key;
  std::string stage;
  std::string path;
  std::string model = {};
};

/// Bytes from outside that a stage depended on; stage_index -1 is a model of the recipe.
struct InputRecord {
  int64_t stage_index = 0;
  std::string path;
  std::string hash;
};

/// Why steps are cut back: they run again and must give the same, or others take their place.
enum class CutReason { kResume, kSuperseded };

/// A later judgement of stored traces, beside the one that was trained on.
struct Layer {
  int64_t id = 0;
  std::string name;
  Json judges;          ///< the panel, with every option
  std::string retort;   ///< version of the program that judged
  std::string created;  ///< UTC
  int64_t traces = 0;
};

struct RunSummary {
  int64_t id = 0;
  std::string name;
  std::string created;  ///< UTC
  std::string uid;      ///< "" where an older program wrote the run
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
  int64_t unjudged = 0;  ///< traces whose `correct` is NULL
  int64_t finished = 0;
  int64_t tokens = 0;      ///< completion tokens
  double mean_reward = 0;  ///< of those that have a reward; NaN when none has
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

/// The rewards of a layer in one step, group by group.
struct LayerStep {
  StepKey key;
  struct Group {
    std::vector<int64_t> ids;
    std::vector<std::optional<double>> rewards;
    bool complete = true;  ///< the layer has judged every sample
  };
  std::vector<Group> groups;
};

/// Reading was given up because `stop` of the store says so.
class Stopped : public Error {
 public:
  using Error::Error;
};

class TraceStore {
 public:
  enum class Mode { kRead, kWrite };

  /// kWrite creates the file when it is missing. Throws Error naming the path and the remedy for a
  /// folder, a missing or read-only file, a file that is no trace database, a newer schema, or one
  /// whose tables and views are not those that Retort makes (datasets/internal/sqlite.h says what
  /// else a stranger's file cannot do). `stop` is asked while statements run; once it says true,
  /// they throw Stopped. Leave it empty where what was begun must be stored first.
  TraceStore(const std::filesystem::path& path, Mode mode, std::function<bool()> stop = {});
  ~TraceStore();
  TraceStore(const TraceStore&) = delete;
  TraceStore& operator=(const TraceStore&) = delete;

  // Writing. Each call is one transaction: done or not done, also when the process is killed.

  /// Returns runs.id. The name must be new, and `uid` too where it is given.
  int64_t CreateRun(const std::string& name, const Json& recipe, const std::string& uid = "");
  /// Gives a run of an older schema its uid.
  void SetUid(int64_t run, const std::string& uid);
  /// The recipe that the run goes on with, unless it is the last one already; `changes` say how it
  /// differs. The first, revision 0, is that of CreateRun.
  void AddRevision(int64_t run, const Json& recipe, const std::vector<std::string>& changes);
  /// Replaces what was recorded for the same stage and path.
  void RecordInput(int64_t run, const InputRecord& input);
  /// Stores a step and returns its trace ids, in order. A step that is stored already is an error
  /// (cut back first). The same step's traces awaiting replay are dropped in the same transaction.
  std::vector<int64_t> AppendStep(const StepRecord& record);
  /// Stores some traces of a step that is not complete yet: AppendStep brings the rest and the
  /// metrics. Counts as stored at once.
  std::vector<int64_t> AppendPart(const StepRecord& record);
  /// Replaces an older row of the same place.
  void AddCheckpoint(const CheckpointRecord& checkpoint);
  /// The folder of this checkpoint need not be there any more.
  void ForgetCheckpoint(int64_t run, const std::string& path);
  /// Makes `last` the last step of its run: later steps, metrics and checkpoints are removed, later
  /// traces move to the replay tables, and selections that hold one of them are removed. For
  /// kResume, trace ids are given again as before, so that a resumed run and an unbroken one have
  /// the same ids. For kSuperseded nothing is replayed: traces stay in the replay tables under that
  /// reason, steps and metrics in superseded_steps, and their ids are not given again; what a run
  /// has awaiting replay is superseded with them.
  void CutBack(const StepKey& last, CutReason reason = CutReason::kResume);
  /// The layer of this name: a new one, or the one that is there, whose judges must be these.
  Layer OpenLayer(const std::string& name, const Json& judges);
  /// Stores the verdicts and rewards of a layer; only `id`, `verdicts` and `reward` are read.
  /// Traces of the layer that are judged already are an error.
  void AddToLayer(int64_t layer, const std::vector<Trace>& traces);
  /// Advantages that follow from the rewards of a layer, by trace id.
  void SetLayerAdvantages(int64_t layer, const std::vector<std::pair<int64_t, double>>& advantages);
  /// Selects, and stores the selection unless the same one is stored.
  Selection SaveSelection(const TraceFilter& filter);

  // Reading.

  std::optional<int64_t> FindRun(const std::string& name) const;
  std::optional<int64_t> FindRunByUid(const std::string& uid) const;
  std::vector<RunSummary> Runs() const;
  /// Per run and stage, in order.
  std::vector<StageStats> Stats() const;
  std::vector<MetricPoint> Metric(int64_t run, const std::string& name) const;
  /// Every step of the run with its metrics (by name) and without its traces.
  std::vector<StepRecord> Steps(int64_t run) const;
  std::optional<CheckpointRecord> LastCheckpoint(int64_t run) const;
  /// Those whose folders should be there, in order.
  std::vector<CheckpointRecord> KeptCheckpoints(int64_t run) const;
  std::vector<InputRecord> Inputs(int64_t run) const;
  /// The newest revision of a run's recipe; 0 before it was changed.
  int64_t LastRevision(int64_t run) const;
  /// The last complete step of a stage.
  std::optional<int64_t> LastStep(int64_t run, int64_t stage_index) const;
  /// Every trace of a place, complete step or not, in order.
  std::vector<Trace> TracesOf(const StepKey& key) const;
  /// What was stored for this step before the run was cut back, in order; empty when nothing was.
  std::vector<Trace> ReplayTraces(const StepKey& key) const;

  /// Throws Error naming the known ones, and the nearest, when the filter's run, stage or verifier
  /// is in no trace of the database.
  void CheckFilter(const TraceFilter& filter) const;
  /// Trace ids in ascending order; the same database and filter always give the same list.
  std::vector<int64_t> Select(const TraceFilter& filter) const;
  std::vector<Selection> Selections() const;
  /// Of the selected prompts' and completions' token ids, in order.
  std::string SelectionHash(const std::vector<int64_t>& ids) const;
  std::vector<Layer> Layers() const;
  /// Throws Error naming those there are.
  Layer FindLayer(const std::string& name) const;
  /// Of these traces, those that the layer has not judged, in order.
  std::vector<int64_t> MissingIn(int64_t layer, const std::vector<int64_t>& ids) const;
  /// Calls `visit` with each step that has a trace in the layer.
  void ForEachLayerStep(int64_t layer, const std::function<void(const LayerStep&)>& visit) const;
  /// Throws Error when there is no such trace.
  Trace Read(int64_t id) const;
  /// Calls `visit` with each trace in the order of `ids`, holding one in memory at a time. With the
  /// name of a layer, verdicts, reward and advantage are the layer's (none where it has none).
  void ForEach(const std::vector<int64_t>& ids, const std::function<void(const Trace&)>& visit,
               const std::string& layer = "") const;

  /// One statement that only reads; anything else is refused. An unknown table or column is an
  /// Error that names the known ones, as is an answer of more than 256 MiB or one that takes longer
  /// than `time`.
  SqlTable Sql(const std::string& query, std::chrono::seconds time = std::chrono::minutes(5)) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One row of an export: problem, response, verdicts, reward; token ids and log-probabilities when
/// asked.
Json TraceToJson(const Trace& trace, bool with_tokens);

}  // namespace retort::datasets
