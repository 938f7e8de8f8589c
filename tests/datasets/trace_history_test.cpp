// What never changes in a trace database: verdict layers, superseded steps, older schemas.

#include <sqlite3.h>

#include <cmath>

#include "base/file.h"
#include "base/strings.h"
#include "tests/datasets/store_fixture.h"
#include "tests/support/error_of.h"
#include "tests/support/trace_step.h"

namespace retort::datasets::trace_history_test {
namespace {

using Mode = TraceStore::Mode;

// The database of a small run of this schema.
void WriteSchema(int version, const std::filesystem::path& path) {
  const std::string sql =
      ReadFile(StrCat(RETORT_SOURCE_DIR, "/tests/datasets/schema", version, ".sql")) +
      StrCat("PRAGMA application_id = ", 0x52744F54, "; PRAGMA user_version = ", version, ";");
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_close(handle);
}

// Of the first, with texts that are no UTF-8.
void WriteSchema1(const std::filesystem::path& path) { WriteSchema(1, path); }

void ExpectOldContent(const TraceStore& store) {
  EXPECT_EQ(store.Runs().at(0).name, "old");
  EXPECT_EQ(store.Select({}).size(), 6u);
  EXPECT_EQ(store.Read(1).text, "\x60\xB5\x53\x1A");
  EXPECT_EQ(store.Read(2).text, "<|end|>");
  EXPECT_EQ(store.Read(1).reward, 0.0);
  EXPECT_EQ(store.Read(5).reward, std::nullopt) << "nobody could judge it";
  EXPECT_EQ(store.Stats().at(2).unjudged, 2);
  EXPECT_EQ(Cell(store, "SELECT reward FROM traces WHERE id = 5"), "NULL");
  EXPECT_EQ(Cell(store, "SELECT correct FROM traces WHERE id = 5"), "NULL");
  EXPECT_EQ(Cell(store, "SELECT correct FROM traces WHERE id = 4"), "0");
  EXPECT_TRUE(store.Layers().empty());
  EXPECT_TRUE(store.Inputs(1).empty());
  EXPECT_EQ(store.LastCheckpoint(1)->path, "checkpoint-4");
  EXPECT_EQ(store.ReplayTraces({1, 1, 0}).size(), 0u);
}

TEST_F(StoreTest, AnOlderSchemaIsReadAsItIs) {
  WriteSchema1(path_);
  const std::string before = ReadFile(path_);
  {
    const TraceStore store(path_, Mode::kRead);
    ExpectOldContent(store);
  }
  EXPECT_EQ(ReadFile(path_), before);
}

// A stranger's file: rows without keys would each be looked for among all.
TEST_F(StoreTest, TablesAreThoseThatRetortWrites) {
  { TraceStore store(path_, Mode::kWrite); }
  const std::string good = ReadFile(path_);
  const auto changed = [&](const std::string& sql) {
    WriteFileAtomic(path_, good);
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
    sqlite3_close(handle);
  };
  const auto error = [&] { return ErrorOf([&] { TraceStore(path_, Mode::kRead); }); };
  const char* const kOther = "' in it is not the one that Retort makes";
  changed(
      "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'PRIMARY KEY', '') "
      "WHERE name = 'completions'");
  EXPECT_NE(error().find(StrCat("table 'completions", kOther)), std::string::npos) << error();
  changed("ALTER TABLE runs ADD COLUMN more TEXT AS (hex(zeroblob(1000)))");
  EXPECT_NE(error().find(StrCat("table 'runs", kOther)), std::string::npos) << error();
  changed("CREATE INDEX of_mine ON completions(length); CREATE TABLE of_mine_too(x)");
  EXPECT_EQ(error(), "(no error)");
}

TEST_F(StoreTest, AnOlderSchemaIsMovedForwardByAWriter) {
  WriteSchema1(path_);
  TraceStore store(path_, Mode::kWrite);
  ExpectOldContent(store);
  EXPECT_EQ(Cell(store, "SELECT hex(text_bytes) FROM completions WHERE id = 1"), "60B5531A");
  EXPECT_EQ(Cell(store, "SELECT text FROM completions WHERE id = 1"), "\x60\uFFFD\x53\x1A");
  EXPECT_EQ(Cell(store, "SELECT text_bytes FROM completions WHERE id = 2"), "NULL");
  const auto kept = store.KeptCheckpoints(1);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].path, "checkpoint-4");
  store.SetUid(1, "u");
  EXPECT_EQ(store.FindRunByUid("u"), 1);
  store.AddRevision(1, {{"a", 1}}, {"a: new"});
  EXPECT_EQ(store.AppendStep(MakeStep({1, 3, 0})).front(), 7);
  // A migrated file and a new one have the same tables.
  TraceStore fresh(folder_ / "fresh.db", Mode::kWrite);
  const char* schema =
      "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql "
      "IS NOT NULL ORDER BY name)";
  EXPECT_EQ(Cell(store, schema), Cell(fresh, schema));
}

// Of the second, where a second turn has a problem of its own and its first turn in the prompt.
TEST_F(StoreTest, SecondTurnsOfSchema2BecomeOneTrajectory) {
  WriteSchema(2, path_);
  const std::string before = ReadFile(path_);
  TraceFilter second, first;
  second.stage = "gather/revision";
  first.stage = "gather";
  std::string hash;
  for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
    TraceStore store(path_, mode);
    const std::vector<int64_t> ids = store.Select(second), firsts = store.Select(first);
    ASSERT_EQ(ids.size(), 4u);
    ASSERT_EQ(firsts.size(), 4u);
    for (size_t i = 0; i < 4; ++i) {
      const Trace turn = store.Read(ids[i]), one = store.Read(firsts[i]);
      const Trajectory &t = turn.trajectory, &f = one.trajectory;
      SCOPED_TRACE(turn.id);
      EXPECT_EQ(t.sample, f.sample);
      EXPECT_EQ(t.prompt, f.prompt);
      EXPECT_EQ(turn.problem.extra, one.problem.extra);
      EXPECT_TRUE(turn.feedback.ends_with(" is wrong.") || turn.feedback == "There is no answer.");
      EXPECT_TRUE(one.feedback.empty() && f.said.empty());
      ASSERT_EQ(t.said.size(), t.completion.size());
      ASSERT_EQ(t.logprobs.size(), t.completion.size());
      EXPECT_EQ(t.last_turn(), t.completion.size() - 3);
      // Who said the first turn is known when the file has been moved forward.
      const bool known = mode == Mode::kWrite;
      for (size_t k = 0; k < t.last_turn(); ++k) {
        const bool policy = known && k < f.completion.size();
        EXPECT_EQ(t.said[k], policy ? 1 : 0);
        EXPECT_EQ(std::isnan(t.logprobs[k]), !policy);
        if (k < f.completion.size()) {
          EXPECT_EQ(t.completion[k], f.completion[k]);
        }
      }
    }
    EXPECT_EQ(store.Read(ids[0]).text, "qFg");
    EXPECT_EQ(store.Read(ids[0]).feedback, "qFg is wrong.");
    if (mode == Mode::kRead) {
      EXPECT_EQ(ReadFile(path_), before);
      hash = store.SelectionHash(ids);
    } else {
      EXPECT_EQ(store.SelectionHash(ids), hash);
      EXPECT_EQ(Cell(store, "SELECT count(*) FROM problems"), "2");
      EXPECT_EQ(Cell(store, "SELECT group_concat(DISTINCT length(fingerprint)) FROM problems"),
                "16");
      EXPECT_EQ(Cell(store, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
      EXPECT_EQ(Cell(store, "SELECT group_concat(length) FROM completions"), "3,3,3,3,3,3,3,3");
      // What is sampled again is known by its fingerprint.
      TraceStep again{{1, 0, 2}, "gather", {}, {store.Read(firsts[0]), store.Read(ids[1])}};
      store.AppendStep(again);
      EXPECT_EQ(Cell(store, "SELECT count(*) FROM problems"), "2");
      const Trace stored = store.Read(store.Select({}).back());
      EXPECT_EQ(stored.trajectory.said, again.traces[1].trajectory.said);
      EXPECT_EQ(stored.feedback, "There is no answer.");
    }
  }
}

TEST_F(StoreTest, WhoSpokeLastIsThePolicy) {
  TraceStore store(path_, Mode::kWrite);
  TraceStep step = MakeStep({store.CreateRun("r", {}), 0, 0});
  step.traces.resize(1);
  Trajectory& t = step.traces[0].trajectory;
  t.said.assign(t.completion.size(), 1);
  t.said.back() = 0;  // nothing would be learned from it
  store.AppendStep(step);
  EXPECT_NE(ErrorOf([&] { store.Read(1); }).find("did not speak last"), std::string::npos);
  t.said.pop_back();
  step.key.step = 1;
  EXPECT_THROW(store.AppendStep(step), Error);
}

TEST_F(StoreTest, AProblemIsKnownByAllOfIt) {
  TraceStore store(path_, Mode::kWrite);
  TraceStep step = MakeStep({store.CreateRun("r", {}), 0, 0});
  step.traces.resize(1);
  Trace trace = step.traces[0];
  trace.problem.extra = {{"a", 1}};
  const auto changed = [&](const std::function<void(Problem&)>& change) {
    Trace other = trace;
    change(other.problem);
    step.traces.push_back(other);
  };
  step.traces = {trace, trace};
  changed([](Problem& p) { p.id += "x"; });
  changed([](Problem& p) { p.family += "x"; });
  changed([](Problem& p) { p.prompt += "x"; });
  changed([](Problem& p) { p.answer += "x"; });
  changed([](Problem& p) { p.solution += "x"; });
  changed([](Problem& p) { p.canonical += "x"; });
  changed([](Problem& p) { ++p.difficulty; });
  changed([](Problem& p) { p.extra["a"] = 2; });
  store.AppendStep(step);
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM problems"), "9");
}

TEST_F(StoreTest, AKilledMigrationLeavesTheOldSchema) {
  WriteSchema1(path_);
  EXPECT_DEATH(
      {
        setenv("RETORT_KILL_AT", "db-in-transaction:1", 1);
        TraceStore(path_, Mode::kWrite);
      },
      "");
  ExpectOldContent(TraceStore(path_, Mode::kRead));
  ExpectOldContent(TraceStore(path_, Mode::kWrite));
}

TEST_F(StoreTest, TextInTheDatabaseIsUtf8AndTheBytesComeBack) {
  TraceStore store(path_, Mode::kWrite);
  TraceStep record = MakeStep({store.CreateRun("r", {}), 0, 0});
  record.traces.resize(2);
  record.traces[0].text = "good ü";
  record.traces[1].text = "bad \xff\xfe";
  record.traces[1].verdicts[0].verdict.extracted = "\xff";
  const auto ids = store.AppendStep(record);
  EXPECT_EQ(Cell(store, "SELECT count(text_bytes) FROM completions"), "1");
  EXPECT_EQ(store.Read(ids[0]).text, "good ü");
  EXPECT_EQ(store.Read(ids[1]).text, "bad \xff\xfe");
  for (const char* column : {"SELECT text FROM completions", "SELECT extracted FROM verdicts"}) {
    for (const auto& row : store.Sql(column).rows)
      EXPECT_TRUE(IsUtf8(row.at(0).get<std::string>())) << column;
  }
}

TEST_F(StoreTest, ALayerStandsBesideWhatWasTrainedOn) {
  TraceStore store(path_, Mode::kWrite);
  const auto ids = store.AppendStep(MakeStep({store.CreateRun("r", {}), 0, 1}));
  const Trace before = store.Read(ids[1]);
  const Json judges = {{{"verifier", "math"}}};
  const Layer layer = store.OpenLayer("strict", judges);
  EXPECT_EQ(store.OpenLayer("strict", judges).id, layer.id);
  EXPECT_NE(ErrorOf([&] { store.OpenLayer("strict", Json::array()); }).find("'strict' was judged"),
            std::string::npos);
  Trace again = before;
  again.verdicts = {{"math", {VerdictStatus::kRight, 1, "equal", "9"}}};
  again.reward = 7;
  Trace nothing = store.Read(ids[2]);
  nothing.verdicts = {{"math", {VerdictStatus::kUnjudged, 0, "bad-gold", ""}}};
  nothing.reward.reset();
  store.AddToLayer(layer.id, {again, nothing});
  store.SetLayerAdvantages(layer.id, {{again.id, 0.25}});

  const Trace trained = store.Read(ids[1]);
  EXPECT_EQ(trained.reward, before.reward);
  EXPECT_EQ(trained.verdicts.size(), before.verdicts.size());
  Trace read;
  store.ForEach(
      {ids[1]}, [&](const Trace& trace) { read = trace; }, "strict");
  EXPECT_EQ(read.reward, 7);
  EXPECT_EQ(read.advantage, 0.25);
  ASSERT_EQ(read.verdicts.size(), 1u);
  EXPECT_EQ(read.verdicts[0].verdict.extracted, "9");
  EXPECT_EQ(Cell(store, StrCat("SELECT reward || ' ' || correct || ' ' || trained_correct FROM "
                               "rescored WHERE id = ",
                               ids[1])),
            "7.0 1 0");
  EXPECT_EQ(Cell(store, StrCat("SELECT correct FROM rescored WHERE id = ", ids[2])), "NULL");

  TraceFilter filter;
  filter.layer = "strict";
  EXPECT_EQ(store.Select(filter), (std::vector<int64_t>{ids[1], ids[2]}));
  filter.correct = true;
  EXPECT_EQ(store.Select(filter), std::vector<int64_t>{ids[1]});
  filter.verifier = "math";
  EXPECT_EQ(store.Select(filter), std::vector<int64_t>{ids[1]});
  filter.layer = "strikt";
  EXPECT_NE(ErrorOf([&] { store.Select(filter); }).find("Did you mean 'strict'"),
            std::string::npos);

  EXPECT_NE(ErrorOf([&] { store.AddToLayer(layer.id, {again}); }).find("never changes"),
            std::string::npos);
  again.id = 1234;
  EXPECT_NE(ErrorOf([&] { store.AddToLayer(layer.id, {again}); }).find("no trace 1234"),
            std::string::npos);
  EXPECT_EQ(store.Layers().at(0).traces, 2);
}

TEST_F(StoreTest, ALayerSurvivesAResumeThatSaysTheSame) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  const auto ids = store.AppendStep(MakeStep({run, 0, 1}));
  const Layer layer = store.OpenLayer("strict", Json::array());
  store.AddToLayer(layer.id, {store.Read(ids[0]), store.Read(ids[1])});
  store.CutBack({run, 0, 0});
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM rescored"), "0");
  TraceStep record = MakeStep({run, 0, 1});
  record.traces[1].trajectory.completion[0] ^= 1;  // as after a change of machine
  store.AppendStep(record);
  EXPECT_EQ(Cell(store, "SELECT count(*) || ' ' || min(id) FROM rescored"), StrCat("1 ", ids[0]));
}

TEST_F(StoreTest, SupersededStepsStayOnRecord) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  std::vector<int64_t> last;
  for (int64_t step = 0; step < 3; ++step) last = store.AppendStep(MakeStep({run, 0, step}));
  store.CutBack({run, 0, 1});  // interrupted, then the stage is begun anew with another recipe
  store.CutBack({run, -1, 0}, CutReason::kSuperseded);
  for (int64_t step = 0; step < 3; ++step) {
    EXPECT_TRUE(store.ReplayTraces({run, 0, step}).empty()) << "others take their place";
  }
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM replay_completions"), "24");
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM replay_groups WHERE reason = 'superseded'"), "6");
  EXPECT_EQ(Cell(store, "SELECT metrics FROM superseded_steps WHERE step = 1"),
            R"({"reward":1.5})");
  EXPECT_EQ(store.AppendStep(MakeStep({run, 0, 0})).front(), last.back() + 1);
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM replay_completions"), "24");
}

TEST_F(StoreTest, PartsOfAStepAreStoredAtOnce) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  TraceStep whole = MakeStep({run, 0, 0}), part = whole;
  part.traces.assign(whole.traces.begin(), whole.traces.begin() + 4);
  whole.traces.erase(whole.traces.begin(), whole.traces.begin() + 4);
  store.AppendPart(part);
  EXPECT_EQ(store.LastStep(run, 0), std::nullopt);
  EXPECT_EQ(store.TracesOf({run, 0, 0}).size(), 4u);
  EXPECT_EQ(store.AppendStep(whole), (std::vector<int64_t>{5, 6, 7, 8}));
  EXPECT_EQ(store.LastStep(run, 0), 0);
  EXPECT_EQ(store.TracesOf({run, 0, 0}).size(), 8u);
  EXPECT_NE(ErrorOf([&] { store.AppendPart(part); }).find("stored already"), std::string::npos);
}

TEST_F(StoreTest, RevisionsInputsAndCheckpointsAreRecorded) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {{"a", 1}}, "uid");
  EXPECT_EQ(store.FindRunByUid("uid"), run);
  EXPECT_EQ(store.FindRunByUid("other"), std::nullopt);
  store.AddRevision(run, {{"a", 1}}, {});  // the same recipe is no revision
  store.AddRevision(run, {{"a", 2}}, {"a: 1, now 2"});
  store.AddRevision(run, {{"a", 2}}, {"again"});
  EXPECT_EQ(Cell(store, "SELECT group_concat(revision || changes, ' ') FROM revisions"),
            R"(0[] 1["a: 1, now 2"])");
  EXPECT_EQ(store.Runs().at(0).recipe["a"], 2);
  store.RecordInput(run, {0, "data.jsonl", "x"});
  store.RecordInput(run, {0, "data.jsonl", "y"});
  ASSERT_EQ(store.Inputs(run).size(), 1u);
  EXPECT_EQ(store.Inputs(run)[0].hash, "y");
  store.AddCheckpoint({{run, 0, 1}, "s", "checkpoint-1", "m"});
  store.AddCheckpoint({{run, 0, 2}, "s", "checkpoint-2", "m"});
  store.ForgetCheckpoint(run, "checkpoint-1");
  ASSERT_EQ(store.KeptCheckpoints(run).size(), 1u);
  EXPECT_EQ(store.KeptCheckpoints(run)[0].model, "m");
}

}  // namespace
}  // namespace retort::datasets::trace_history_test
