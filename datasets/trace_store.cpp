// The writing half of TraceStore; reading is in trace_query.cpp.

#include "datasets/trace_store.h"

#include "base/error.h"
#include "base/fingerprint.h"
#include "datasets/trace_rows.h"
#include "datasets/trace_schema.h"

namespace retort::datasets {
namespace {

void RequireRun(const Database& database, int64_t run) {
  Statement find(database, "SELECT 1 FROM runs WHERE id = ?");
  RETORT_CHECK(find.With(run).Step(), database.path().string(), ": there is no run ", run,
               "; create it first");
}

std::string SelectionHash(const Database& database, const std::vector<int64_t>& ids) {
  Statement tokens(database,
                   "SELECT g.prompt_ids, c.token_ids FROM completions c JOIN groups g "
                   "ON g.id = c.group_id WHERE c.id = ?");
  Fingerprint hash;
  for (const int64_t id : ids) {
    tokens.With(id).Step();
    for (const int column : {0, 1}) {
      const Blob blob = tokens.Bytes(column);
      hash.Add(std::string_view(static_cast<const char*>(blob.data), blob.size));
    }
  }
  return hash.Hex();
}

}  // namespace

TraceStore::TraceStore(const std::filesystem::path& path, Mode mode)
    : impl_(new Impl{Database(path, mode == Mode::kWrite)}) {
  OpenTraceSchema(impl_->database, mode == Mode::kWrite);
}

TraceStore::~TraceStore() = default;

int64_t TraceStore::CreateRun(const std::string& name, const Json& recipe) {
  Database& database = impl_->database;
  RETORT_CHECK(!name.empty(), database.path().string(), ": the name of a run cannot be empty");
  Transaction transaction(database);
  RETORT_CHECK(!FindRun(name), database.path().string(), ": there is a run '", name,
               "' already; resume it or choose another name");
  Statement insert(database, "INSERT INTO runs(name, recipe) VALUES (?,?) RETURNING id");
  insert.With(name, ToJsonLine(recipe)).Step();
  const int64_t id = insert.Int(0);
  insert.Run();
  transaction.Commit();
  return id;
}

std::vector<int64_t> TraceStore::AppendStep(const StepRecord& record) {
  Database& database = impl_->database;
  const auto& [run, stage_index, step] = record.key;
  Transaction transaction(database);
  RequireRun(database, run);
  Statement find(database, "SELECT 1 FROM steps WHERE run = ? AND stage_index = ? AND step = ?");
  RETORT_CHECK(!find.With(run, stage_index, step).Step(), database.path().string(), ": step ", step,
               " of stage '", record.stage,
               "' is stored already; cut the run back before it runs "
               "that step again");
  find.Reset();
  Statement(database, "DELETE FROM replay_groups WHERE run = ? AND stage_index = ? AND step = ?")
      .With(run, stage_index, step)
      .Run();
  Statement(database, "INSERT INTO steps VALUES (?,?,?,?)")
      .With(run, stage_index, step, record.stage)
      .Run();
  Statement metric(database, "INSERT INTO metrics VALUES (?,?,?,?,?)");
  for (const auto& [name, value] : record.metrics) {
    metric.With(run, stage_index, step, name, value).Run();
  }
  std::vector<int64_t> ids = InsertTraces(database, record);
  transaction.Commit();
  return ids;
}

void TraceStore::AddCheckpoint(const CheckpointRecord& checkpoint) {
  Database& database = impl_->database;
  Transaction transaction(database);
  RequireRun(database, checkpoint.key.run);
  Statement(database, "INSERT OR REPLACE INTO checkpoints VALUES (?,?,?,?,?)")
      .With(checkpoint.key.run, checkpoint.key.stage_index, checkpoint.key.step, checkpoint.stage,
            checkpoint.path)
      .Run();
  transaction.Commit();
}

void TraceStore::CutBack(const StepKey& last) {
  Database& database = impl_->database;
  Transaction transaction(database);
  RequireRun(database, last.run);
  const std::string after = "run = ?1 AND (stage_index, step) > (?2, ?3)";
  const std::string later = "(SELECT id FROM completions WHERE " + after + ")";
  // Copies first, then deletions; completions and verdicts leave with their group, metrics with
  // their step.
  for (const std::string& sql :
       {"INSERT OR REPLACE INTO replay_groups SELECT * FROM groups WHERE " + after,
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

void TraceStore::Rescore(const std::vector<Trace>& traces) {
  Database& database = impl_->database;
  Transaction transaction(database);
  Statement reward(database, "UPDATE completions SET reward = ? WHERE id = ? RETURNING id");
  Statement forget(database, "DELETE FROM verdicts WHERE completion = ?");
  Statement verdict(database, kInsertVerdict);
  for (const Trace& trace : traces) {
    RETORT_CHECK(reward.With(trace.reward, trace.id).Step(), database.path().string(),
                 ": there is no trace ", trace.id);
    reward.Run();
    forget.With(trace.id).Run();
    InsertVerdicts(verdict, trace.id, trace.verdicts);
  }
  transaction.Commit();
}

Selection TraceStore::SaveSelection(const TraceFilter& filter) {
  Database& database = impl_->database;
  Transaction transaction(database);
  Selection selection;
  selection.filter = WriteOptions(filter);
  selection.ids = Select(filter);
  selection.hash = SelectionHash(database, selection.ids);
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
