// The writing half of TraceStore; reading is in trace_query.cpp.

#include "datasets/trace_store.h"

#include "base/error.h"
#include "base/fingerprint.h"
#include "datasets/internal/trace_rows.h"
#include "datasets/internal/trace_schema.h"

namespace retort::datasets {
namespace {

void RequireRun(const Database& database, int64_t run) {
  Statement find(database, "SELECT 1 FROM runs WHERE id = ?");
  RETORT_CHECK(find.With(run).Step(), database.path().string(), ": there is no run ", run,
               "; create it first");
}

}  // namespace

TraceStore::TraceStore(const std::filesystem::path& path, Mode mode, std::function<bool()> stop)
    : impl_(new Impl{Database(path, mode == Mode::kWrite, std::move(stop))}) {
  OpenTraceSchema(impl_->database, mode == Mode::kWrite);
}

TraceStore::~TraceStore() = default;

int64_t TraceStore::CreateRun(const std::string& name, const Json& recipe, const std::string& uid) {
  Database& database = impl_->database;
  RETORT_CHECK(!name.empty(), database.path().string(), ": the name of a run cannot be empty");
  Transaction transaction(database);
  RETORT_CHECK(!FindRun(name), database.path().string(), ": there is a run '", name,
               "' already; resume it or choose another name");
  Statement insert(database, "INSERT INTO runs(name, recipe, uid) VALUES (?,?,?) RETURNING id");
  insert.With(name, ToJsonLine(recipe), uid.empty() ? std::optional<std::string>() : uid).Step();
  const int64_t id = insert.Int(0);
  insert.Run();
  Statement(database, "INSERT INTO revisions(run, revision, recipe, changes) VALUES (?,0,?,'[]')")
      .With(id, ToJsonLine(recipe))
      .Run();
  transaction.Commit();
  return id;
}

void TraceStore::SetUid(int64_t run, const std::string& uid) {
  Statement(impl_->database, "UPDATE runs SET uid = ? WHERE id = ?").With(uid, run).Run();
}

void TraceStore::AddRevision(int64_t run, const Json& recipe,
                             const std::vector<std::string>& changes) {
  Database& database = impl_->database;
  const std::string text = ToJsonLine(recipe);
  Transaction transaction(database);
  Statement last(database,
                 "SELECT recipe, revision FROM revisions WHERE run = ? ORDER BY revision DESC");
  const bool any = last.With(run).Step();  // none in a run of schema 1
  if (any && last.Text(0) == text) return;
  Statement(database, "INSERT INTO revisions(run, revision, recipe, changes) VALUES (?,?,?,?)")
      .With(run, any ? last.Int(1) + 1 : 1, text, ToJsonLine(changes))
      .Run();
  last.Reset();
  Statement(database, "UPDATE runs SET recipe = ? WHERE id = ?").With(text, run).Run();
  transaction.Commit();
}

void TraceStore::RecordInput(int64_t run, const InputRecord& input) {
  Statement(impl_->database, "INSERT OR REPLACE INTO inputs VALUES (?,?,?,?)")
      .With(run, input.stage_index, input.path, input.hash)
      .Run();
}

namespace {

void RequireNewStep(const Database& database, const StepRecord& record) {
  const auto& [run, stage_index, step] = record.key;
  RequireRun(database, run);
  Statement find(database, "SELECT 1 FROM steps WHERE run = ? AND stage_index = ? AND step = ?");
  RETORT_CHECK(!find.With(run, stage_index, step).Step(), database.path().string(), ": step ", step,
               " of stage '", record.stage,
               "' is stored already; cut the run back before it runs "
               "that step again");
}

// A later judgement is of what was said: where a step that runs again says something else under the
// same id, it goes.
void DropStaleLayerRows(const Database& database, const StepKey& key) {
  for (const char* table : {"layer_rewards", "layer_verdicts"}) {
    Statement(database, StrCat("DELETE FROM ", table,
                               " WHERE completion IN (SELECT c.id FROM completions c JOIN "
                               "replay_completions r ON r.id = c.id WHERE c.run = ? AND "
                               "c.stage_index = ? AND c.step = ? AND c.token_ids <> r.token_ids)"))
        .With(key.run, key.stage_index, key.step)
        .Run();
  }
}

}  // namespace

std::vector<int64_t> TraceStore::AppendPart(const StepRecord& record) {
  Transaction transaction(impl_->database);
  RequireNewStep(impl_->database, record);
  std::vector<int64_t> ids = InsertSamples(impl_->database, record);
  transaction.Commit();
  return ids;
}

std::vector<int64_t> TraceStore::AppendStep(const StepRecord& record) {
  Database& database = impl_->database;
  const auto& [run, stage_index, step] = record.key;
  Transaction transaction(database);
  RequireNewStep(database, record);
  Statement(database, "INSERT INTO steps VALUES (?,?,?,?)")
      .With(run, stage_index, step, record.stage)
      .Run();
  Statement metric(database, "INSERT INTO metrics VALUES (?,?,?,?,?)");
  for (const auto& [name, value] : record.metrics) {
    metric.With(run, stage_index, step, name, value).Run();
  }
  std::vector<int64_t> ids = InsertSamples(database, record);
  DropStaleLayerRows(database, record.key);
  Statement(database,
            "DELETE FROM replay_groups WHERE run = ? AND stage_index = ? AND step = ? "
            "AND reason = 'resume'")
      .With(run, stage_index, step)
      .Run();
  transaction.Commit();
  return ids;
}

void TraceStore::AddCheckpoint(const CheckpointRecord& checkpoint) {
  Database& database = impl_->database;
  Transaction transaction(database);
  RequireRun(database, checkpoint.key.run);
  Statement(database, "INSERT OR REPLACE INTO checkpoints VALUES (?,?,?,?,?,?,1)")
      .With(checkpoint.key.run, checkpoint.key.stage_index, checkpoint.key.step, checkpoint.stage,
            checkpoint.path, checkpoint.model)
      .Run();
  transaction.Commit();
}

void TraceStore::ForgetCheckpoint(int64_t run, const std::string& path) {
  Statement(impl_->database, "UPDATE checkpoints SET kept = 0 WHERE run = ? AND path = ?")
      .With(run, path)
      .Run();
}

void TraceStore::CutBack(const StepKey& last, CutReason reason) {
  Database& database = impl_->database;
  Transaction transaction(database);
  RequireRun(database, last.run);
  const std::string after = "run = ?1 AND (stage_index, step) > (?2, ?3)";
  const std::string later = "(SELECT id FROM completions WHERE " + after + ")";
  // Copies first, then deletions; completions and verdicts leave with their group, metrics with
  // their step.
  const bool superseded = reason == CutReason::kSuperseded;
  const std::string name = superseded ? "'superseded'" : "'resume'";
  const std::string marked =
      "INSERT INTO superseded_steps(run, stage_index, step, stage, metrics, "
      "reason) SELECT run, stage_index, step, stage, (SELECT "
      "json_group_object(name, value) FROM metrics m WHERE m.run = s.run AND "
      "m.stage_index = s.stage_index AND m.step = s.step), " +
      name + " FROM steps s WHERE " + after;
  if (superseded) {
    Statement(database, marked).With(last.run, last.stage_index, last.step).Run();
    Statement(database, "UPDATE replay_groups SET reason = 'superseded' WHERE " + after)
        .With(last.run, last.stage_index, last.step)
        .Run();
  }
  for (const std::string& sql :
       {"INSERT OR REPLACE INTO replay_groups SELECT *, " + name + " FROM groups WHERE " + after,
        "INSERT OR REPLACE INTO replay_completions SELECT * FROM completions WHERE " + after,
        "INSERT OR REPLACE INTO replay_verdicts SELECT * FROM verdicts WHERE completion IN " +
            later,
        "DELETE FROM selections WHERE EXISTS (SELECT 1 FROM json_each(ids) WHERE value IN " +
            later + ")",
        "DELETE FROM groups WHERE " + after, "DELETE FROM steps WHERE " + after,
        "DELETE FROM checkpoints WHERE " + after}) {
    Statement(database, sql).With(last.run, last.stage_index, last.step).Run();
  }
  transaction.Commit();
}

Selection TraceStore::SaveSelection(const TraceFilter& filter) {
  Database& database = impl_->database;
  Transaction transaction(database);
  Selection selection;
  selection.filter = WriteOptions(filter);
  selection.ids = Select(filter);
  selection.hash = SelectionHash(selection.ids);
  const std::string text = ToJsonLine(selection.filter), ids = ToJsonLine(selection.ids);
  Statement find(database, "SELECT id FROM selections WHERE filter = ? AND ids = ? AND hash = ?");
  if (find.With(text, ids, selection.hash).Step()) {
    selection.id = find.Int(0);
    return selection;
  }
  Statement insert(database,
                   "INSERT INTO selections(filter, ids, hash) VALUES (?,?,?) RETURNING id");
  insert.With(text, ids, selection.hash).Step();
  selection.id = insert.Int(0);
  insert.Run();
  transaction.Commit();
  return selection;
}

}  // namespace retort::datasets
