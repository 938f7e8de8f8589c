#include "datasets/internal/trace_schema.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "datasets/internal/trace_turns.h"

namespace retort::datasets {
namespace {

constexpr int64_t kApplicationId =
    0x52744F54;  // "RtOT" in the file header: tells trace databases apart

// Schema 1, as its databases were created. Later schemas are made from it by the steps below, so
// that a new database and a migrated one are the same.
constexpr const char* kTables = R"sql(
CREATE TABLE runs(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, recipe TEXT NOT NULL,
  created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE steps(run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL,
  step INTEGER NOT NULL, stage TEXT NOT NULL, PRIMARY KEY(run, stage_index, step)) WITHOUT ROWID;
CREATE TABLE metrics(run INTEGER NOT NULL, stage_index INTEGER NOT NULL, step INTEGER NOT NULL,
  name TEXT NOT NULL, value REAL, PRIMARY KEY(run, stage_index, step, name),
  FOREIGN KEY(run, stage_index, step) REFERENCES steps ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE problems(id INTEGER PRIMARY KEY, fingerprint INTEGER NOT NULL UNIQUE,
  problem_id TEXT NOT NULL, family TEXT NOT NULL, prompt TEXT NOT NULL, answer TEXT NOT NULL,
  solution TEXT NOT NULL, canonical TEXT NOT NULL, difficulty INTEGER NOT NULL, extra TEXT NOT NULL);
CREATE TABLE checkpoints(run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL,
  step INTEGER NOT NULL, stage TEXT NOT NULL, path TEXT NOT NULL,
  PRIMARY KEY(run, stage_index, step)) WITHOUT ROWID;
CREATE TABLE selections(id INTEGER PRIMARY KEY, filter TEXT NOT NULL, ids TEXT NOT NULL,
  hash TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
)sql";

// Made twice: as they are, and with the prefix "replay_".
constexpr const char* kTraceTables[] = {
    "groups(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id), "
    "stage_index INTEGER NOT NULL, step INTEGER NOT NULL, "
    "problem INTEGER NOT NULL REFERENCES problems(id), prompt_ids BLOB NOT NULL)",
    "completions(id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL REFERENCES @groups(id) "
    "ON DELETE CASCADE, run INTEGER NOT NULL, stage_index INTEGER NOT NULL, stage TEXT NOT NULL, "
    "step INTEGER NOT NULL, sample INTEGER NOT NULL, token_ids BLOB NOT NULL, "
    "logprobs BLOB NOT NULL, experts BLOB NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL, "
    "length INTEGER NOT NULL, reward REAL, advantage REAL, policy_version INTEGER NOT NULL)",
    "verdicts(completion INTEGER NOT NULL REFERENCES @completions(id) ON DELETE CASCADE, "
    "position INTEGER NOT NULL, verifier TEXT NOT NULL, status TEXT NOT NULL, score REAL, "
    "reason TEXT NOT NULL, extracted TEXT NOT NULL, PRIMARY KEY(completion, position)) WITHOUT "
    "ROWID",
};
constexpr const char* kTraceIndexes[] = {
    "groups_place ON @groups(run, stage_index, step)",
    "completions_group ON @completions(group_id)",
    "completions_place ON @completions(run, stage_index, step)",
};

// Schema 2: verdict layers, revisions and inputs of a run, checkpoints by model, texts that are
// valid UTF-8, and steps that were superseded. A reward that nobody gave is NULL.
constexpr const char* kNewTables2 = R"sql(
CREATE TABLE revisions(run INTEGER NOT NULL REFERENCES runs(id), revision INTEGER NOT NULL,
  recipe TEXT NOT NULL, changes TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY(run, revision));
CREATE TABLE inputs(run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL,
  path TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(run, stage_index, path)) WITHOUT ROWID;
CREATE TABLE superseded_steps(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id),
  stage_index INTEGER NOT NULL, step INTEGER NOT NULL, stage TEXT NOT NULL, metrics TEXT NOT NULL,
  reason TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE layers(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, judges TEXT NOT NULL,
  retort TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE layer_rewards(layer INTEGER NOT NULL REFERENCES layers(id), completion INTEGER NOT NULL,
  reward REAL, advantage REAL, PRIMARY KEY(layer, completion)) WITHOUT ROWID;
CREATE TABLE layer_verdicts(layer INTEGER NOT NULL REFERENCES layers(id),
  completion INTEGER NOT NULL, position INTEGER NOT NULL, verifier TEXT NOT NULL,
  status TEXT NOT NULL, score REAL, reason TEXT NOT NULL, extracted TEXT NOT NULL,
  PRIMARY KEY(layer, completion, position)) WITHOUT ROWID;
)sql";
constexpr const char* kNewColumns2 = R"sql(
ALTER TABLE runs ADD COLUMN uid TEXT;
CREATE UNIQUE INDEX runs_uid ON runs(uid);
ALTER TABLE completions ADD COLUMN text_bytes BLOB;
ALTER TABLE replay_completions ADD COLUMN text_bytes BLOB;
ALTER TABLE replay_groups ADD COLUMN reason TEXT NOT NULL DEFAULT 'resume';
ALTER TABLE checkpoints ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE checkpoints ADD COLUMN kept INTEGER NOT NULL DEFAULT 1;
UPDATE checkpoints SET kept = 0 WHERE (stage_index, step) < (SELECT c.stage_index, c.step
  FROM checkpoints c WHERE c.run = checkpoints.run ORDER BY c.stage_index DESC, c.step DESC LIMIT 1);
UPDATE completions SET reward = NULL WHERE NOT EXISTS (SELECT 1 FROM verdicts v
  WHERE v.completion = completions.id AND v.status <> 'unjudged');
UPDATE replay_completions SET reward = NULL WHERE NOT EXISTS (SELECT 1 FROM replay_verdicts v
  WHERE v.completion = replay_completions.id AND v.status <> 'unjudged');
)sql";
// For readers of a file that is left at schema 1.
constexpr const char* kStandIns2 = R"sql(
CREATE TEMP VIEW runs AS SELECT *, NULL AS uid FROM main.runs;
CREATE TEMP VIEW completions AS SELECT id, group_id, run, stage_index, stage, step, sample,
  token_ids, logprobs, experts, text, finish, length,
  CASE WHEN EXISTS (SELECT 1 FROM main.verdicts v WHERE v.completion = c.id
    AND v.status <> 'unjudged') THEN reward END AS reward,
  advantage, policy_version, NULL AS text_bytes, NULL AS said, NULL AS feedback
  FROM main.completions c;
CREATE TEMP VIEW replay_completions AS SELECT *, NULL AS text_bytes, NULL AS said, NULL AS feedback
  FROM main.replay_completions;
CREATE TEMP VIEW replay_groups AS SELECT *, 'resume' AS reason FROM main.replay_groups;
CREATE TEMP VIEW checkpoints AS SELECT *, '' AS model, 1 AS kept FROM main.checkpoints;
)sql";

// Schema 3: both turns of a revised answer are one trajectory, and problems have fingerprints of
// 128 bits, as blobs in the column of the old ones.
constexpr const char* kNewColumns3 = R"sql(
ALTER TABLE completions ADD COLUMN said BLOB;
ALTER TABLE completions ADD COLUMN feedback TEXT;
ALTER TABLE replay_completions ADD COLUMN said BLOB;
ALTER TABLE replay_completions ADD COLUMN feedback TEXT;
)sql";
constexpr const char* kStandIns3 = R"sql(
CREATE TEMP VIEW completions AS SELECT *, NULL AS said, NULL AS feedback FROM main.completions;
CREATE TEMP VIEW replay_completions AS SELECT *, NULL AS said, NULL AS feedback
  FROM main.replay_completions;
)sql";

// `correct` is Correct() of base/records.h, in SQL. Another layer of verdicts than the one that a
// run was trained with is seen through `rescored`.
constexpr const char* kViews[] = {
    R"sql(VIEW traces AS SELECT c.id, r.name AS run, c.stage_index, c.stage, c.step, c.group_id,
  g.problem, p.problem_id, p.family, p.difficulty, p.prompt, p.answer, p.canonical, c.sample, c.text,
  c.finish, c.finish IN ('stop', 'stop_string') AS finished, c.length, c.reward, c.advantage,
  c.policy_version,
  (SELECT CASE WHEN max(v.status = 'wrong') THEN 0 WHEN min(v.status = 'right') THEN 1 END
    FROM verdicts v WHERE v.completion = c.id) AS correct
  FROM completions c JOIN groups g ON g.id = c.group_id JOIN problems p ON p.id = g.problem
  JOIN runs r ON r.id = c.run)sql",
    R"sql(VIEW rescored AS SELECT l.name AS layer, t.id, t.run, t.stage_index, t.stage, t.step,
  t.group_id, t.problem, t.problem_id, t.family, t.difficulty, t.prompt, t.answer, t.canonical,
  t.sample, t.text, t.finish, t.finished, t.length, w.reward, w.advantage, t.policy_version,
  (SELECT CASE WHEN max(v.status = 'wrong') THEN 0 WHEN min(v.status = 'right') THEN 1 END
    FROM layer_verdicts v WHERE v.layer = l.id AND v.completion = t.id) AS correct,
  t.reward AS trained_reward, t.advantage AS trained_advantage, t.correct AS trained_correct
  FROM layers l JOIN layer_rewards w ON w.layer = l.id JOIN traces t ON t.id = w.completion)sql",
    R"sql(VIEW curves AS SELECT r.name AS run, m.stage_index, s.stage, m.step, m.name, m.value
  FROM metrics m JOIN steps s ON s.run = m.run AND s.stage_index = m.stage_index AND s.step = m.step
  JOIN runs r ON r.id = m.run)sql",
};

int64_t Pragma(const Database& database, const char* name) {
  Statement statement(database, StrCat("PRAGMA ", name));
  statement.Step();
  return statement.Int(0);
}

int64_t VersionOf(const Database& database) {
  return std::max<int64_t>(1, Pragma(database, "user_version"));
}

bool HasTables(const Database& database) {
  Statement statement(database, "SELECT count(*) FROM sqlite_master");
  statement.Step();
  return statement.Int(0) > 0;
}

void CreateViews(Database& database, const std::string& temp) {
  for (const char* view : kViews) database.Execute(StrCat("CREATE ", temp, view));
}

void CreateSchema1(Database& database) {
  database.Execute(kTables);
  for (const std::string prefix : {"", "replay_"}) {
    const auto create = [&](const char* kind, std::string text) {
      for (size_t at; (at = text.find('@')) != std::string::npos;) text.replace(at, 1, prefix);
      database.Execute(StrCat("CREATE ", kind, " ", prefix, text));
    };
    for (const char* table : kTraceTables) create("TABLE", table);
    for (const char* index : kTraceIndexes) create("INDEX", index);
  }
}

// Text that is no UTF-8 keeps its bytes in a column of their own.
void SeparateBytes(Database& database, const std::string& table) {
  std::vector<std::pair<int64_t, std::string>> malformed;
  Statement rows(database, StrCat("SELECT id, text FROM ", table));
  while (rows.Step()) {
    if (std::string text = rows.Text(1); !IsUtf8(text)) malformed.emplace_back(rows.Int(0), text);
  }
  Statement update(database,
                   StrCat("UPDATE ", table, " SET text = ?, text_bytes = ? WHERE id = ?"));
  for (const auto& [id, text] : malformed) {
    update.With(ToValidUtf8(text), Blob{text.data(), text.size()}, id).Run();
  }
}

void Migrate1To2(Database& database) {
  database.Execute("DROP VIEW IF EXISTS traces; DROP VIEW IF EXISTS curves");
  database.Execute(kNewTables2);
  database.Execute(kNewColumns2);
  SeparateBytes(database, "completions");
  SeparateBytes(database, "replay_completions");
  CreateViews(database, "");
}

void Migrate2To3(Database& database) {
  database.Execute(kNewColumns3);
  Migrate2To3Rows(database);
}

// What moves a database forward, from the schema before.
constexpr void (*kMigrations[])(Database&) = {Migrate1To2, Migrate2To3};

void Migrate(Database& database, int64_t from, int64_t to) {
  for (; from < to; ++from) kMigrations[from - 1](database);
}

std::string PlainSpaces(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) plain += c;
    if (space && !plain.ends_with(' ')) plain += ' ';
  }
  return plain;
}

// "a virtual table"
std::string KindOf(const Statement& row) {
  const std::string sql = row.Text(1);
  return (sql.starts_with("CREATE VIRTUAL") ? "a virtual " : "a ") + row.Text(0);
}

// An index of an expression, or of some rows only, runs what it says at each write to its table.
void CheckIndexesOf(const Database& database, const std::string& table) {
  Statement index(database,
                  "SELECT name FROM pragma_index_list(?) AS i WHERE partial OR EXISTS "
                  "(SELECT 1 FROM pragma_index_xinfo(i.name) WHERE cid = -2)");
  if (!index.With(table).Step()) return;
  Fail(database.path().string(), ": has an index with an expression or a WHERE clause, '",
       index.Text(0), "' on '", table, "', which Retort never makes, so it is not written. If it ",
       "is yours, drop it first: sqlite3 ", database.path().string(), " 'DROP INDEX \"",
       index.Text(0), "\"'");
}

// The tables and views of a stranger's file must be ours: another view, a virtual or generated
// column, a check would run whatever it says in the midst of our statements.
void CheckObjects(const Database& database, int64_t version, bool write) {
  Database ours = Database::InMemory();
  CreateSchema1(ours);
  Migrate(ours, 1, version);
  Statement wanted(ours,
                   "SELECT type, sql, name FROM sqlite_master WHERE type IN ('table','view')");
  Statement find(database,
                 "SELECT type, sql FROM sqlite_master WHERE name = ? COLLATE NOCASE AND "
                 "type IN ('table', 'view')");
  const char* const kRemedy =
      ". It may have been made to mislead; take the database from where it was written, or copy "
      "what you trust in it into one of your own";
  while (wanted.Step()) {
    const std::string name = wanted.Text(2);
    RETORT_CHECK(find.With(name).Step(), database.path().string(), ": there is no ", wanted.Text(0),
                 " '", name, "' in it, which Retort makes", kRemedy);
    RETORT_CHECK(KindOf(find) == KindOf(wanted), database.path().string(), ": '", name, "' is ",
                 KindOf(find), " in it, expected ", KindOf(wanted), kRemedy);
    RETORT_CHECK(PlainSpaces(find.Text(1)) == PlainSpaces(wanted.Text(1)), database.path().string(),
                 ": the ", wanted.Text(0), " '", name, "' in it is not the one that Retort makes",
                 kRemedy);
    if (write && wanted.Text(0) == "table") CheckIndexesOf(database, name);
  }
}

void CheckNoTriggers(const Database& database) {
  Statement trigger(database, "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'");
  if (!trigger.Step()) return;
  Fail(database.path().string(), ": has a trigger, '", trigger.Text(0), "' on '", trigger.Text(1),
       "', which Retort never makes, so it is not written. If it is yours, drop it first: sqlite3 ",
       database.path().string(), " 'DROP TRIGGER ", trigger.Text(0), "'");
}

// Creates what an empty file lacks and moves an older schema forward, whole or not at all.
void BringUpToDate(Database& database) {
  Transaction transaction(database);
  if (!HasTables(database)) {
    CreateSchema1(database);
    database.Execute(StrCat("PRAGMA application_id = ", kApplicationId));
    database.Execute("PRAGMA user_version = 1");
  }
  const int64_t version = VersionOf(database);
  if (version == kTraceSchema) return;  // another process was first
  Migrate(database, version, kTraceSchema);
  database.Execute(StrCat("PRAGMA user_version = ", kTraceSchema));
  transaction.Commit();
}

// What an older file lacks, before it for the time of this connection.
void StandIn(Database& database, int64_t version) {
  if (version >= 2) return database.Execute(kStandIns3);
  std::string tables = kNewTables2;
  for (size_t at = 0; (at = tables.find("CREATE TABLE", at)) != std::string::npos; ++at) {
    tables.replace(at, 12, "CREATE TEMP TABLE");
  }
  tables = ReplaceAll(ReplaceAll(tables, " REFERENCES runs(id)", ""), " REFERENCES layers(id)", "");
  database.Execute(tables);
  database.Execute(kStandIns2);
  CreateViews(database, "TEMP ");
}

}  // namespace

void OpenTraceSchema(Database& database, bool write) {
  const std::string name = database.path().string();
  database.Execute("BEGIN");  // all of this is of one state of the file
  const bool empty = !HasTables(database);
  if (!empty) {
    RETORT_CHECK(Pragma(database, "application_id") == kApplicationId, name,
                 ": is an SQLite database of another program, expected a trace database; choose "
                 "another file");
    const int64_t known = Pragma(database, "user_version");
    RETORT_CHECK(known <= kTraceSchema, name, ": has trace schema ", known,
                 ", this program knows up to ", kTraceSchema, "; use a newer retort");
  }
  RETORT_CHECK(write || !empty, name,
               ": holds no traces (the database is empty); has a run begun?");
  const int64_t version = empty ? 0 : VersionOf(database);
  const bool current = version == kTraceSchema;
  if (!empty) CheckObjects(database, version, write);
  if (write) CheckNoTriggers(database);
  database.Execute("COMMIT");
  if (!write) {
    if (!current) StandIn(database, version);
    return;
  }
  database.Execute("PRAGMA journal_mode = WAL");
  database.Execute("PRAGMA synchronous = FULL");  // a committed step survives a power cut
  database.Execute("PRAGMA foreign_keys = ON");
  if (!current) BringUpToDate(database);
}

}  // namespace retort::datasets
