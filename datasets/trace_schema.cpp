#include "datasets/trace_schema.h"

#include "base/error.h"

namespace retort::datasets {
namespace {

constexpr int64_t kApplicationId =
    0x52744F54;  // "RtOT" in the file header: tells trace databases apart

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

constexpr const char* kViews = R"sql(
CREATE VIEW traces AS SELECT c.id, r.name AS run, c.stage_index, c.stage, c.step, c.group_id,
  g.problem, p.problem_id, p.family, p.difficulty, p.prompt, p.answer, p.canonical, c.sample, c.text,
  c.finish, c.finish IN ('stop', 'stop_string') AS finished, c.length, c.reward, c.advantage,
  c.policy_version,
  (SELECT CASE WHEN max(v.status = 'wrong') THEN 0 WHEN min(v.status = 'right') THEN 1 END
    FROM verdicts v WHERE v.completion = c.id) AS correct
  FROM completions c JOIN groups g ON g.id = c.group_id JOIN problems p ON p.id = g.problem
  JOIN runs r ON r.id = c.run;
CREATE VIEW curves AS SELECT r.name AS run, m.stage_index, s.stage, m.step, m.name, m.value
  FROM metrics m JOIN steps s ON s.run = m.run AND s.stage_index = m.stage_index AND s.step = m.step
  JOIN runs r ON r.id = m.run;
)sql";

int64_t Pragma(const Database& database, const char* name) {
  Statement statement(database, StrCat("PRAGMA ", name));
  statement.Step();
  return statement.Int(0);
}

bool HasTables(const Database& database) {
  Statement statement(database, "SELECT count(*) FROM sqlite_master");
  statement.Step();
  return statement.Int(0) > 0;
}

void CreateSchema(Database& database) {
  Transaction transaction(database);
  if (HasTables(database)) return;  // another process was first
  database.Execute(kTables);
  for (const std::string prefix : {"", "replay_"}) {
    const auto create = [&](const char* kind, std::string text) {
      for (size_t at; (at = text.find('@')) != std::string::npos;) text.replace(at, 1, prefix);
      database.Execute(StrCat("CREATE ", kind, " ", prefix, text));
    };
    for (const char* table : kTraceTables) create("TABLE", table);
    for (const char* index : kTraceIndexes) create("INDEX", index);
  }
  database.Execute(kViews);
  database.Execute(StrCat("PRAGMA application_id = ", kApplicationId));
  database.Execute(StrCat("PRAGMA user_version = ", kTraceSchema));
  transaction.Commit();
}

}  // namespace

void OpenTraceSchema(Database& database, bool write) {
  const std::string name = database.path().string();
  const bool empty = !HasTables(database);
  if (!empty) {
    RETORT_CHECK(Pragma(database, "application_id") == kApplicationId, name,
                 ": is an SQLite database of another program, expected a trace database; choose "
                 "another file");
    const int64_t version = Pragma(database, "user_version");
    RETORT_CHECK(version <= kTraceSchema, name, ": has trace schema ", version,
                 ", this program knows up to ", kTraceSchema, "; use a newer retort");
  }
  RETORT_CHECK(write || !empty, name,
               ": holds no traces (the database is empty); has a run begun?");
  if (!write) return;
  database.Execute("PRAGMA journal_mode = WAL");
  database.Execute("PRAGMA synchronous = FULL");  // a committed step survives a power cut
  database.Execute("PRAGMA foreign_keys = ON");
  if (empty) CreateSchema(database);
}

}  // namespace retort::datasets
