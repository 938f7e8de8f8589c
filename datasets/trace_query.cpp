// The reading half of TraceStore.

#include <sqlite3.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/strings.h"
#include "datasets/internal/trace_rows.h"
#include "datasets/trace_store.h"

namespace retort::datasets {
namespace {

// Conditions of a filter, each with at most one parameter.
class Conditions {
 public:
  void Add(const std::string& text) { texts_.push_back(text); }
  template <class T>
  void Add(const std::string& text, const T& value) {
    texts_.push_back(text);
    binds_.push_back([value](Statement& statement, int index) { statement.Bind(index, value); });
  }
  std::string Where() const { return texts_.empty() ? "1" : Join(texts_, " AND "); }
  void Bind(Statement& statement) const {
    int index = 0;
    for (const auto& bind : binds_) bind(statement, ++index);
  }

 private:
  std::vector<std::string> texts_;
  std::vector<std::function<void(Statement&, int)>> binds_;
};

// The view to select from: `correct`, `reward` and verdicts are those of the layer, if one is
// named.
std::string ViewOf(const TraceFilter& f) { return f.layer.empty() ? "traces" : "rescored"; }

Conditions ConditionsOf(const TraceFilter& f) {
  Conditions all;
  if (!f.layer.empty()) all.Add("layer = ?", f.layer);
  if (!f.run.empty()) all.Add("run = ?", f.run);
  if (!f.stage.empty()) all.Add("stage = ?", f.stage);
  const auto add_correct = [&](const std::string& test) {
    if (f.verifier.empty()) {
      all.Add("correct " + test);
    } else {  // as the view, of one verifier
      all.Add(StrCat("(SELECT CASE WHEN max(status = 'wrong') THEN 0 WHEN min(status = 'right') "
                     "THEN 1 END FROM ",
                     f.layer.empty() ? "verdicts WHERE"
                                     : "layer_verdicts v JOIN layers l ON l.id = v.layer "
                                       "WHERE l.name = rescored.layer AND",
                     " completion = ", ViewOf(f), ".id AND verifier = ?) ", test),
              f.verifier);
    }
  };
  if (f.correct) add_correct(*f.correct ? "= 1" : "= 0");
  if (f.unjudged) add_correct(*f.unjudged ? "IS NULL" : "IS NOT NULL");
  if (f.finished) all.Add("finished = ?", static_cast<int64_t>(*f.finished));
  if (f.min_length) all.Add("length >= ?", *f.min_length);
  if (f.max_length) all.Add("length <= ?", *f.max_length);
  if (f.min_step) all.Add("step >= ?", *f.min_step);
  if (f.max_step) all.Add("step <= ?", *f.max_step);
  if (f.min_reward) all.Add("reward >= ?", *f.min_reward);
  return all;
}

constexpr size_t kLargestAnswer = 256 << 20;  // bytes of a table that Sql() returns

// While it lives, the time bounds statements, and not the work that ours need.
class OwnQuery {
 public:
  OwnQuery(Watch& watch, std::chrono::seconds time) : watch_(watch) {
    watch_.deadline = std::chrono::steady_clock::now() + time;
  }
  ~OwnQuery() { watch_.deadline.reset(); }
  OwnQuery(const OwnQuery&) = delete;
  OwnQuery& operator=(const OwnQuery&) = delete;

 private:
  Watch& watch_;
};

// sqlite3_stmt_readonly calls these read-only as well, but they change the connection or open
// files.
int RefuseSettings(void*, int action, const char* name, const char*, const char*, const char*) {
  switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      return SQLITE_DENY;
    case SQLITE_PRAGMA:
      return std::string_view(name) == "table_info" || std::string_view(name) == "table_list"
                 ? SQLITE_OK
                 : SQLITE_DENY;
    default:
      return SQLITE_OK;
  }
}

Json CellValue(const Statement& statement, int column) {
  switch (sqlite3_column_type(statement.handle(), column)) {
    case SQLITE_NULL:
      return nullptr;
    case SQLITE_INTEGER:
      return statement.Int(column);
    case SQLITE_FLOAT:
      return statement.Real(column);
    case SQLITE_TEXT:
      return statement.Text(column);
    default:
      break;
  }
  const Blob blob = statement.Bytes(column);
  const auto* bytes = static_cast<const unsigned char*>(blob.data);
  std::string text = "x'";
  for (size_t i = 0; i < blob.size; ++i) {
    for (const int digit : {bytes[i] >> 4, bytes[i] & 15}) text += "0123456789abcdef"[digit];
  }
  return text + "'";
}

std::vector<std::string> TextsOf(const Database& database, const std::string& sql) {
  Statement rows(database, sql);
  std::vector<std::string> texts;
  while (rows.Step()) texts.push_back(rows.Text(0));
  return texts;
}

// What SQLite says of a query, and for a table or column that is not there those that are.
std::string SqlMessage(const Database& database, const std::string& query,
                       const std::string& message) {
  const auto rest = [&](std::string_view beginning) {
    return message.starts_with(beginning) ? message.substr(beginning.size()) : "";
  };
  const std::vector<std::string> tables =
      TextsOf(database,
              "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE "
              "'sqlite_%' ORDER BY type DESC, name");
  if (const std::string name = rest("no such table: "); !name.empty()) {
    return StrCat(message, ".", DidYouMean(name, tables),
                  " Tables and views: ", Join(tables, ", "));
  }
  std::string name = rest("no such column: ");
  if (name.empty()) return message;
  name = name.substr(name.rfind('.') + 1);
  std::vector<std::string> near;  // columns of the tables that the query names
  std::string listed, elsewhere;
  for (const std::string& table : tables) {
    const std::vector<std::string> columns =
        TextsOf(database, "SELECT name FROM pragma_table_info('" + table + "')");
    if (query.find(table) != std::string::npos) {
      near.insert(near.end(), columns.begin(), columns.end());
      listed += StrCat(" Columns of ", table, ": ", Join(columns, ", "), ".");
    } else if (std::find(columns.begin(), columns.end(), name) != columns.end()) {
      elsewhere += (elsewhere.empty() ? " It is one of " : ", ") + table;
    }
  }
  if (!elsewhere.empty()) return StrCat(message, ".", elsewhere, ".", listed);
  return StrCat(message, ".", DidYouMean(name, near), listed);
}

void CheckKnown(const Database& database, const std::string& what, const std::string& name,
                const std::string& sql) {
  if (name.empty()) return;
  const std::vector<std::string> known = TextsOf(database, sql);
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  Fail(database.path().string(), ": there is no ", what, " '", name, "'.", DidYouMean(name, known),
       known.empty() ? " There is none at all." : " Known: " + Join(known, ", "));
}

}  // namespace

std::optional<int64_t> TraceStore::FindRun(const std::string& name) const {
  Statement find(impl_->database, "SELECT id FROM runs WHERE name = ?");
  if (!find.With(name).Step()) return std::nullopt;
  return find.Int(0);
}

std::optional<int64_t> TraceStore::FindRunByUid(const std::string& uid) const {
  Statement find(impl_->database, "SELECT id FROM runs WHERE uid = ?");
  if (!find.With(uid).Step()) return std::nullopt;
  return find.Int(0);
}

std::vector<RunSummary> TraceStore::Runs() const {
  Statement rows(
      impl_->database,
      "SELECT id, name, created, uid, recipe, (SELECT count(*) FROM steps WHERE run = r.id), "
      "(SELECT count(*) FROM completions WHERE run = r.id) FROM runs r ORDER BY id");
  std::vector<RunSummary> runs;
  while (rows.Step()) {
    runs.push_back({rows.Int(0), rows.Text(1), rows.Text(2), rows.Text(3),
                    ParseJson(rows.Text(4), "recipe of run " + rows.Text(1)), rows.Int(5),
                    rows.Int(6)});
  }
  return runs;
}

std::vector<StageStats> TraceStore::Stats() const {
  Statement rows(
      impl_->database,
      "SELECT r.name, s.stage_index, s.stage, count(*), coalesce(sum(t.traces), 0), "
      "coalesce(sum(t.correct), 0), coalesce(sum(t.unjudged), 0), coalesce(sum(t.finished), 0), "
      "coalesce(sum(t.tokens), 0), sum(t.reward) / sum(t.rewards) FROM steps s "
      "JOIN runs r ON r.id = s.run LEFT JOIN (SELECT run, stage_index, step, count(*) AS traces, "
      "sum(coalesce(correct, 0)) AS correct, sum(correct IS NULL) AS unjudged, "
      "sum(finished) AS finished, sum(length) AS tokens, sum(reward) AS reward, "
      "count(reward) AS rewards FROM traces "
      "GROUP BY run, stage_index, step) t ON t.run = r.name AND t.stage_index = s.stage_index AND "
      "t.step = s.step GROUP BY r.id, s.stage_index, s.stage ORDER BY r.id, s.stage_index");
  std::vector<StageStats> stats;
  while (rows.Step()) {
    stats.push_back({rows.Text(0), rows.Int(1), rows.Text(2), rows.Int(3), rows.Int(4), rows.Int(5),
                     rows.Int(6), rows.Int(7), rows.Int(8), rows.Real(9)});
  }
  return stats;
}

std::vector<MetricPoint> TraceStore::Metric(int64_t run, const std::string& name) const {
  Statement rows(impl_->database,
                 "SELECT stage_index, stage, step, value FROM metrics JOIN steps "
                 "USING (run, stage_index, step) WHERE run = ? AND name = ? "
                 "ORDER BY stage_index, step");
  std::vector<MetricPoint> points;
  for (rows.With(run, name); rows.Step();) {
    points.push_back({rows.Int(0), rows.Text(1), rows.Int(2), rows.Real(3)});
  }
  return points;
}

std::vector<StepRecord> TraceStore::Steps(int64_t run) const {
  Statement rows(impl_->database,
                 "SELECT s.stage_index, s.step, s.stage, m.name, m.value FROM steps s "
                 "LEFT JOIN metrics m USING (run, stage_index, step) WHERE s.run = ? "
                 "ORDER BY s.stage_index, s.step, m.name");
  std::vector<StepRecord> steps;
  for (rows.With(run); rows.Step();) {
    const StepKey key{run, rows.Int(0), rows.Int(1)};
    if (steps.empty() || steps.back().key.stage_index != key.stage_index ||
        steps.back().key.step != key.step) {
      steps.push_back({key, rows.Text(2), {}, {}});
    }
    if (!rows.IsNull(3)) steps.back().metrics.emplace_back(rows.Text(3), rows.Real(4));
  }
  return steps;
}

std::optional<CheckpointRecord> TraceStore::LastCheckpoint(int64_t run) const {
  Statement row(impl_->database,
                "SELECT stage_index, step, stage, path FROM checkpoints WHERE run = ? "
                "ORDER BY stage_index DESC, step DESC LIMIT 1");
  if (!row.With(run).Step()) return std::nullopt;
  return CheckpointRecord{{run, row.Int(0), row.Int(1)}, row.Text(2), row.Text(3)};
}

std::vector<CheckpointRecord> TraceStore::KeptCheckpoints(int64_t run) const {
  Statement rows(impl_->database,
                 "SELECT stage_index, step, stage, path, model FROM checkpoints "
                 "WHERE run = ? AND kept ORDER BY stage_index, step");
  std::vector<CheckpointRecord> checkpoints;
  for (rows.With(run); rows.Step();) {
    checkpoints.push_back(
        {{run, rows.Int(0), rows.Int(1)}, rows.Text(2), rows.Text(3), rows.Text(4)});
  }
  return checkpoints;
}

std::vector<InputRecord> TraceStore::Inputs(int64_t run) const {
  Statement rows(impl_->database,
                 "SELECT stage_index, path, hash FROM inputs WHERE run = ? ORDER BY 1, 2");
  std::vector<InputRecord> inputs;
  for (rows.With(run); rows.Step();) inputs.push_back({rows.Int(0), rows.Text(1), rows.Text(2)});
  return inputs;
}

int64_t TraceStore::LastRevision(int64_t run) const {
  Statement last(impl_->database, "SELECT coalesce(max(revision), 0) FROM revisions WHERE run = ?");
  last.With(run).Step();
  return last.Int(0);
}

std::optional<int64_t> TraceStore::LastStep(int64_t run, int64_t stage_index) const {
  Statement last(impl_->database, "SELECT max(step) FROM steps WHERE run = ? AND stage_index = ?");
  if (!last.With(run, stage_index).Step() || last.IsNull(0)) return std::nullopt;
  return last.Int(0);
}

std::vector<Trace> TraceStore::TracesOf(const StepKey& key) const {
  TraceReader reader(impl_->database, "", "c.run = ? AND c.stage_index = ? AND c.step = ?");
  reader.statement().With(key.run, key.stage_index, key.step);
  return reader.All();
}

std::vector<Trace> TraceStore::ReplayTraces(const StepKey& key) const {
  TraceReader reader(impl_->database, "replay_",
                     "c.run = ? AND c.stage_index = ? AND c.step = ? AND g.reason = 'resume'");
  reader.statement().With(key.run, key.stage_index, key.step);
  return reader.All();
}

void TraceStore::CheckFilter(const TraceFilter& filter) const {
  const Database& database = impl_->database;
  CheckKnown(database, "run", filter.run, "SELECT name FROM runs ORDER BY id");
  CheckKnown(database, "stage", filter.stage,
             "SELECT stage FROM steps UNION SELECT stage FROM completions");
  CheckKnown(database, "verifier", filter.verifier,
             "SELECT DISTINCT verifier FROM verdicts ORDER BY verifier");
}

std::vector<int64_t> TraceStore::Select(const TraceFilter& filter) const {
  if (!filter.layer.empty()) FindLayer(filter.layer);  // one that is not there is an error
  const Conditions conditions = ConditionsOf(filter);
  std::string sql = StrCat("SELECT id FROM ", ViewOf(filter), " WHERE ", conditions.Where());
  if (filter.per_problem > 0) {
    sql = StrCat(
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY problem_id, canonical, "
        "prompt ORDER BY id) AS rank FROM ",
        ViewOf(filter), " WHERE ", conditions.Where(), ") WHERE rank <= ", filter.per_problem);
  }
  sql += " ORDER BY id";
  if (filter.limit > 0) sql += StrCat(" LIMIT ", filter.limit);
  Statement rows(impl_->database, sql);
  conditions.Bind(rows);
  std::vector<int64_t> ids;
  while (rows.Step()) ids.push_back(rows.Int(0));
  return ids;
}

std::vector<Selection> TraceStore::Selections() const {
  Statement rows(impl_->database, "SELECT id, filter, ids, hash FROM selections ORDER BY id");
  std::vector<Selection> selections;
  while (rows.Step()) {
    const std::string where = StrCat("selection ", rows.Int(0));
    selections.push_back({rows.Int(0), ParseJson(rows.Text(1), where),
                          ParseJson(rows.Text(2), where).get<std::vector<int64_t>>(),
                          rows.Text(3)});
  }
  return selections;
}

Trace TraceStore::Read(int64_t id) const {
  Trace found;
  ForEach({id}, [&](const Trace& trace) { found = trace; });
  return found;
}

void TraceStore::ForEach(const std::vector<int64_t>& ids,
                         const std::function<void(const Trace&)>& visit,
                         const std::string& layer) const {
  TraceReader reader(impl_->database, "", "c.id = ?");
  if (!layer.empty()) reader.TakeVerdictsOf(FindLayer(layer).id);
  Trace trace;
  for (const int64_t id : ids) {
    reader.statement().With(id);
    RETORT_CHECK(reader.Next(trace), impl_->database.path().string(), ": there is no trace ", id);
    visit(trace);
  }
}

SqlTable TraceStore::Sql(const std::string& query, std::chrono::seconds time) const {
  const Database& database = impl_->database;
  const OwnQuery bounds(database.watch(), time);
  sqlite3_stmt* handle = nullptr;
  const char* rest = nullptr;
  sqlite3_set_authorizer(database.handle(), RefuseSettings, nullptr);
  const int code = sqlite3_prepare_v2(database.handle(), query.c_str(),
                                      static_cast<int>(query.size()), &handle, &rest);
  const std::string message = sqlite3_errmsg(database.handle());
  sqlite3_set_authorizer(database.handle(), nullptr, nullptr);
  Statement statement(database, handle);
  RETORT_CHECK(code == SQLITE_OK || code == SQLITE_AUTH,
               "SQL: ", SqlMessage(database, query, message));
  RETORT_CHECK(code == SQLITE_AUTH || handle,
               "SQL: the statement is empty; try \"SELECT * FROM traces LIMIT 5\"");
  RETORT_CHECK(code != SQLITE_AUTH && sqlite3_stmt_readonly(handle),
               "SQL: only statements that read are allowed here (SELECT, WITH, PRAGMA table_info); "
               "to change the database, use the sqlite3 program on a copy");
  RETORT_CHECK(Trim(rest).empty(), "SQL: got more than one statement; run them one at a time");

  SqlTable table;
  const int columns = sqlite3_column_count(handle);
  for (int i = 0; i < columns; ++i) table.columns.push_back(sqlite3_column_name(handle, i));
  size_t bytes = 0;
  while (statement.Step()) {
    auto& row = table.rows.emplace_back();
    for (int i = 0; i < columns; ++i) {
      row.push_back(CellValue(statement, i));
      bytes += sizeof(Json) +
               (row.back().is_string() ? row.back().get_ref<const std::string&>().size() : 0);
    }
    RETORT_CHECK(bytes <= kLargestAnswer, "SQL: the answer is larger than ", kLargestAnswer >> 20,
                 " MiB; ask for fewer rows (LIMIT) or fewer and shorter columns (substr)");
  }
  return table;
}

std::string CellText(const Json& cell) {
  if (cell.is_null()) return "NULL";
  if (cell.is_string()) return cell.get<std::string>();
  if (!cell.is_number_float()) return cell.dump();
  char text[32];  // as sqlite3 shows it
  const auto end =
      std::to_chars(text, text + sizeof text, cell.get<double>(), std::chars_format::general, 15);
  return {text, end.ptr};
}

Json TraceToJson(const Trace& trace, bool with_tokens) {
  const Problem& p = trace.problem;
  const Trajectory& t = trace.trajectory;
  Json verdicts = Json::array();
  for (const auto& [verifier, v] : trace.verdicts) {
    verdicts.push_back({{"verifier", verifier},
                        {"verdict", EnumName(v.status)},
                        {"score", v.score},
                        {"reason", v.reason},
                        {"extracted", v.extracted}});
  }
  Json row = {{"id", trace.id},
              {"stage", trace.stage},
              {"step", trace.step},
              {"problem_id", p.id},
              {"family", p.family},
              {"difficulty", p.difficulty},
              {"prompt", p.prompt},
              {"answer", p.answer},
              {"response", trace.text},
              {"sample", t.sample},
              {"finish_reason", EnumName(t.finish)},
              {"length", t.length()},
              {"reward", trace.reward ? Json(*trace.reward) : Json(nullptr)},
              {"advantage", trace.advantage},
              {"policy_version", trace.policy_version},
              {"verdicts", std::move(verdicts)}};
  if (with_tokens) {
    row["prompt_ids"] = t.prompt;
    row["completion_ids"] = t.completion;
    row["logprobs"] = t.logprobs;
    if (!t.said.empty()) row["said"] = t.said;
  }
  if (!trace.feedback.empty()) row["feedback"] = trace.feedback;
  return row;
}

}  // namespace retort::datasets
