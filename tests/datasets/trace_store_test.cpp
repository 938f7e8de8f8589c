#include "datasets/trace_store.h"

#include <algorithm>
#include <fstream>
#include <span>

#include "tests/datasets/store_fixture.h"
#include "tests/support/trace_step.h"

namespace retort::datasets::trace_store_test {
namespace {

using Mode = TraceStore::Mode;

template <class T>
void ExpectSameBits(const std::vector<T>& a, const std::vector<T>& b) {
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(a)), std::as_bytes(std::span(b))));
}

void ExpectSameTrace(const Trace& got, const Trace& want) {
  EXPECT_EQ(got.stage, want.stage);
  EXPECT_EQ(got.step, want.step);
  EXPECT_EQ(got.problem.id, want.problem.id);
  EXPECT_EQ(got.problem.family, want.problem.family);
  EXPECT_EQ(got.problem.prompt, want.problem.prompt);
  EXPECT_EQ(got.problem.answer, want.problem.answer);
  EXPECT_EQ(got.problem.solution, want.problem.solution);
  EXPECT_EQ(got.problem.canonical, want.problem.canonical);
  EXPECT_EQ(got.problem.difficulty, want.problem.difficulty);
  EXPECT_EQ(got.problem.extra, want.problem.extra);
  ExpectSameBits(got.trajectory.prompt, want.trajectory.prompt);
  ExpectSameBits(got.trajectory.completion, want.trajectory.completion);
  ExpectSameBits(got.trajectory.logprobs, want.trajectory.logprobs);
  ExpectSameBits(got.trajectory.experts, want.trajectory.experts);
  EXPECT_EQ(got.trajectory.finish, want.trajectory.finish);
  EXPECT_EQ(got.trajectory.sample, want.trajectory.sample);
  EXPECT_EQ(got.text, want.text);
  ASSERT_EQ(got.verdicts.size(), want.verdicts.size());
  for (size_t i = 0; i < got.verdicts.size(); ++i) {
    EXPECT_EQ(got.verdicts[i].verifier, want.verdicts[i].verifier);
    EXPECT_EQ(got.verdicts[i].verdict.status, want.verdicts[i].verdict.status);
    EXPECT_EQ(got.verdicts[i].verdict.score, want.verdicts[i].verdict.score);
    EXPECT_EQ(got.verdicts[i].verdict.reason, want.verdicts[i].verdict.reason);
    EXPECT_EQ(got.verdicts[i].verdict.extracted, want.verdicts[i].verdict.extracted);
  }
  EXPECT_EQ(got.reward, want.reward);
  EXPECT_EQ(got.advantage, want.advantage);
  EXPECT_EQ(got.policy_version, want.policy_version);
}

TraceFilter Filter(const char* json) {
  TraceFilter filter;
  ReadOptions(ParseJson(json, "filter"), "filter", filter);
  return filter;
}

TEST_F(StoreTest, ATraceMayHaveAStageOfItsOwn) {
  TraceStore store(path_, TraceStore::Mode::kWrite);
  const int64_t run = store.CreateRun("r", Json::object());
  TraceStep record = MakeStep({run, 0, 0}, "collect");
  record.traces[1].stage = "collect/revision";
  record.traces[2].stage = "";
  const std::vector<int64_t> ids = store.AppendStep(record);
  TraceFilter filter;
  filter.stage = "collect/revision";
  EXPECT_EQ(store.Select(filter), std::vector<int64_t>{ids[1]});
  EXPECT_EQ(store.Read(ids[1]).stage, "collect/revision");
  EXPECT_EQ(store.Read(ids[2]).stage, "collect");
  store.CutBack({run, 0, -1});  // second turns wait for replay with their step
  const std::vector<Trace> replay = store.ReplayTraces({run, 0, 0});
  ASSERT_EQ(replay.size(), record.traces.size());
  EXPECT_EQ(replay[1].stage, "collect/revision");
}

TEST_F(StoreTest, EveryFieldComesBackBitForBit) {
  TraceStep record;
  std::vector<int64_t> ids;
  {
    TraceStore store(path_, Mode::kWrite);
    record = MakeStep({store.CreateRun("r", {{"a", 1}}), 0, 3});
    record.traces[1].trajectory.logprobs.clear();  // a completion that was not sampled by us
    ids = store.AppendStep(record);
  }
  TraceStore store(path_, Mode::kRead);
  ASSERT_EQ(ids.size(), record.traces.size());
  for (size_t i = 0; i < ids.size(); ++i) ExpectSameTrace(store.Read(ids[i]), record.traces[i]);
  EXPECT_EQ(store.Runs().at(0).recipe, (Json{{"a", 1}}));
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM groups"), "2");
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM problems"), "2");
  EXPECT_EQ(Cell(store, "PRAGMA table_info(runs)"), "0");
  EXPECT_NE(ErrorOf([&] { store.Read(999); }).find("no trace 999"), std::string::npos);
}

TEST_F(StoreTest, MetricsAreCurvesInSql) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  for (int64_t step = 1; step <= 3; ++step) store.AppendStep(MakeStep({run, 2, step}));
  store.AppendStep({{run, 2, 4}, "grpo", {{"reward", std::nan("")}}, {}});
  const std::vector<MetricPoint> curve = store.Metric(run, "reward");
  ASSERT_EQ(curve.size(), 4u);
  EXPECT_EQ(curve[2].step, 3);
  EXPECT_EQ(curve[2].value, 3.5);
  EXPECT_EQ(curve[2].stage, "grpo");
  EXPECT_TRUE(std::isnan(curve[3].value));
  EXPECT_EQ(Cell(store, "SELECT group_concat(value) FROM curves WHERE run='r' AND name='reward'"),
            "1.5,2.5,3.5");
}

TEST_F(StoreTest, StatsCountPerStage) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  store.AppendStep({{run, 0, 1}, "pretrain", {{"loss", 1}}, {}});
  store.AppendStep(MakeStep({run, 1, 1}));
  TraceStep second = MakeStep({run, 1, 2});
  second.traces[0].verdicts.clear();
  second.traces[0].reward.reset();
  store.AppendStep(second);
  const std::vector<StageStats> stats = store.Stats();
  ASSERT_EQ(stats.size(), 2u);
  EXPECT_EQ(stats[0].stage, "pretrain");
  EXPECT_EQ(stats[0].traces, 0);
  EXPECT_TRUE(std::isnan(stats[0].mean_reward));
  EXPECT_EQ(stats[1].steps, 2);
  EXPECT_EQ(stats[1].traces, 16);
  EXPECT_EQ(stats[1].correct, 3);  // sample 0 of each group, sample 2 is unjudged by "format"
  EXPECT_EQ(stats[1].unjudged, 5);
  EXPECT_EQ(stats[1].finished, 12);
  EXPECT_NEAR(stats[1].mean_reward, 7 * 0.3 / 15, 1e-12);  // of those that have one
  EXPECT_EQ(store.Runs().at(0).traces, 16);
  EXPECT_EQ(store.Runs().at(0).steps, 3);
}

TEST_F(StoreTest, EveryFilterFieldNarrows) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t a = store.CreateRun("a", {}), b = store.CreateRun("b", {});
  for (int64_t step = 1; step <= 3; ++step) store.AppendStep(MakeStep({a, 1, step}));
  store.AppendStep(MakeStep({a, 2, 1}, "collect"));
  store.AppendStep(MakeStep({b, 1, 1}));
  // Every choice is checked against the same choice made on the traces themselves.
  const auto check = [&](const TraceFilter& filter, size_t at_most, auto keep) {
    std::vector<int64_t> want;
    store.ForEach(store.Select({}), [&](const Trace& t) {
      if (keep(t)) want.push_back(t.id);
    });
    EXPECT_EQ(store.Select(filter), want) << ToJsonLine(WriteOptions(filter));
    EXPECT_FALSE(want.empty());
    EXPECT_LT(want.size(), at_most);
  };
  TraceFilter f;
  EXPECT_EQ(store.Select(f).size(), 40u);
  f.run = "b";
  check(f, 40, [](const Trace& t) { return t.id > 32; });
  f = Filter(R"({"stage": "collect"})");
  check(f, 40, [](const Trace& t) { return t.stage == "collect"; });
  f = Filter(R"({"correct": true})");
  check(f, 40, [](const Trace& t) { return Correct(t.verdicts) == true; });
  f = Filter(R"({"correct": false})");
  check(f, 40, [](const Trace& t) { return Correct(t.verdicts) == false; });
  f = Filter(R"({"unjudged": true})");
  check(f, 40, [](const Trace& t) { return !Correct(t.verdicts); });
  f = Filter(R"({"unjudged": false})");
  check(f, 40, [](const Trace& t) { return Correct(t.verdicts).has_value(); });
  f = Filter(R"({"unjudged": true, "verifier": "format"})");
  check(f, 40,
        [](const Trace& t) { return t.verdicts[1].verdict.status == VerdictStatus::kUnjudged; });
  f = Filter(R"({"correct": true, "verifier": "math"})");
  check(f, 40,
        [](const Trace& t) { return t.verdicts[0].verdict.status == VerdictStatus::kRight; });
  f = Filter(R"({"finished": false})");
  check(f, 40, [](const Trace& t) { return t.trajectory.finish == FinishReason::kLength; });
  f = Filter(R"({"finished": true})");
  check(f, 40, [](const Trace& t) { return t.trajectory.finish == FinishReason::kStop; });
  f = Filter(R"({"min_length": 4})");
  check(f, 40, [](const Trace& t) { return t.trajectory.completion.size() >= 4; });
  f = Filter(R"({"max_length": 3})");
  check(f, 40, [](const Trace& t) { return t.trajectory.completion.size() <= 3; });
  f = Filter(R"({"min_step": 2})");
  check(f, 40, [](const Trace& t) { return t.step >= 2; });
  f = Filter(R"({"max_step": 2})");
  check(f, 40, [](const Trace& t) { return t.step <= 2; });
  f = Filter(R"({"min_reward": 0.0})");
  check(f, 40, [](const Trace& t) { return t.reward >= 0; });
  f = Filter(R"({"limit": 5})");
  check(f, 40, [](const Trace& t) { return t.id <= 5; });
  f = Filter(R"({"finished": true, "per_problem": 2})");
  check(f, 40, [](const Trace& t) { return t.id <= 6 && (t.id - 1) % 4 < 2; });
}

TEST_F(StoreTest, UnjudgedIsNullInTheDatabase) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  TraceStep record = MakeStep({run, 0, 1});
  record.traces.resize(4);
  const auto verdicts = [](std::vector<VerdictStatus> statuses) {
    std::vector<NamedVerdict> named;
    for (const VerdictStatus status : statuses) named.push_back({"math", {status, 0, "", ""}});
    return named;
  };
  using enum VerdictStatus;
  record.traces[0].verdicts = verdicts({kRight, kRight});
  record.traces[1].verdicts = verdicts({kUnjudged, kWrong});
  record.traces[2].verdicts = verdicts({kRight, kUnjudged});
  record.traces[3].verdicts = {};
  for (size_t i = 2; i < 4; ++i) record.traces[i].reward.reset();
  const std::vector<int64_t> ids = store.AppendStep(record);
  EXPECT_EQ(Cell(store, "SELECT group_concat(coalesce(correct, 'NULL')) FROM traces"),
            "1,0,NULL,NULL");
  for (size_t i = 0; i < 4; ++i) {  // the view and the one definition agree
    const Trace trace = store.Read(ids[i]);
    const auto is = Cell(store, StrCat("SELECT correct FROM traces WHERE id = ", ids[i]));
    const std::optional<bool> correct = Correct(trace.verdicts);
    EXPECT_EQ(is, correct ? (*correct ? "1" : "0") : "NULL");
    EXPECT_EQ(trace.reward.has_value(), i < 2);
    EXPECT_EQ(TraceToJson(trace, false)["reward"].is_null(), i >= 2);
  }
  EXPECT_EQ(Cell(store, "SELECT count(reward) FROM completions"), "2");
}

TEST_F(StoreTest, ASelectionIsStable) {
  std::vector<std::string> hashes;
  for (const char* name : {"one.db", "two.db"}) {
    TraceStore store(folder_ / name, Mode::kWrite);
    const int64_t run = store.CreateRun("r", {});
    store.AppendStep(MakeStep({run, 0, 1}));
    const Selection first = store.SaveSelection(Filter(R"({"correct": true})"));
    EXPECT_EQ(store.SaveSelection(Filter(R"({"correct": true})")).id, first.id);
    EXPECT_NE(store.SaveSelection(Filter(R"({"limit": 1})")).hash, first.hash);
    hashes.push_back(first.hash);
    const std::vector<Selection> all = store.Selections();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].ids, first.ids);
    EXPECT_EQ(all[0].hash, first.hash);
    EXPECT_EQ(all[0].filter["correct"], true);
    store.AppendStep(MakeStep({run, 0, 2}));
    EXPECT_NE(store.SaveSelection(Filter(R"({"correct": true})")).hash, first.hash);
  }
  EXPECT_EQ(hashes[0], hashes[1]);
}

TEST_F(StoreTest, CutBackKeepsTracesForReplay) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {}), other = store.CreateRun("other", {});
  const auto append = [&](int64_t stage, int64_t step) {
    return store.AppendStep(MakeStep({run, stage, step}, StrCat("stage", stage)));
  };
  append(1, 1);
  append(1, 2);
  store.AddCheckpoint({{run, 1, 2}, "stage1", "checkpoint-2"});
  const std::vector<int64_t> third = append(1, 3);
  store.AddCheckpoint({{run, 1, 3}, "stage1", "checkpoint-3"});
  const std::vector<int64_t> next_stage = append(2, 1);
  store.SaveSelection(Filter(R"({"max_step": 1, "limit": 3})"));
  store.SaveSelection(Filter(R"({"stage": "stage2"})"));

  store.CutBack({run, 1, 2});
  EXPECT_EQ(store.LastCheckpoint(run)->path, "checkpoint-2");
  EXPECT_EQ(store.Metric(run, "reward").size(), 2u);
  EXPECT_EQ(store.Select({}).size(), 16u);
  EXPECT_EQ(store.Selections().size(), 1u) << "a selection of removed traces must go";
  EXPECT_TRUE(store.ReplayTraces({run, 1, 2}).empty());
  TraceStep expected = MakeStep({run, 1, 3}, "stage1");
  const std::vector<Trace> replay = store.ReplayTraces({run, 1, 3});
  ASSERT_EQ(replay.size(), expected.traces.size());
  for (size_t i = 0; i < replay.size(); ++i) ExpectSameTrace(replay[i], expected.traces[i]);
  EXPECT_EQ(store.ReplayTraces({run, 2, 1}).size(), 8u);

  // Another run writes meanwhile; nothing of the one that was cut back is lost to it.
  store.AppendStep(MakeStep({other, 1, 3}));
  EXPECT_EQ(store.ReplayTraces({run, 2, 1}).size(), 8u);
  store.CutBack({other, -1, 0});
  EXPECT_EQ(store.ReplayTraces({other, 1, 3}).size(), 8u);
  EXPECT_EQ(store.ReplayTraces({run, 1, 3}).size(), 8u);
  EXPECT_EQ(store.ReplayTraces({run, 2, 1}).size(), 8u);
}

TEST_F(StoreTest, AResumedRunGetsTheSameIds) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  std::vector<std::vector<int64_t>> ids;
  for (int64_t step = 1; step <= 4; ++step)
    ids.push_back(store.AppendStep(MakeStep({run, 0, step})));
  store.CutBack({run, 0, 1});
  EXPECT_EQ(store.AppendStep(MakeStep({run, 0, 2})), ids[1]);
  EXPECT_TRUE(store.ReplayTraces({run, 0, 2}).empty()) << "appending replaces the replay";
  store.CutBack({run, 0, 1});  // killed again before the next checkpoint
  EXPECT_EQ(store.ReplayTraces({run, 0, 2}).size(), 8u);
  EXPECT_EQ(store.ReplayTraces({run, 0, 4}).size(), 8u);
  for (int64_t step = 2; step <= 4; ++step) {
    EXPECT_EQ(store.AppendStep(MakeStep({run, 0, step})), ids[static_cast<size_t>(step - 1)]);
  }
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM replay_completions"), "0");
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM replay_verdicts"), "0");
  store.CutBack({run, -1, 0});
  EXPECT_TRUE(store.Select({}).empty());
  EXPECT_FALSE(store.LastCheckpoint(run).has_value());
}

TEST_F(StoreTest, MisuseIsRefused) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  EXPECT_NE(ErrorOf([&] { store.CreateRun("r", {}); }).find("'r' already"), std::string::npos);
  store.AppendStep(MakeStep({run, 0, 1}));
  EXPECT_NE(ErrorOf([&] {
              store.AppendStep(MakeStep({run, 0, 1}));
            }).find("stored already"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] {
              store.AppendStep(MakeStep({77, 0, 1}));
            }).find("no run 77"),
            std::string::npos);
  TraceStep bad = MakeStep({run, 0, 2});
  bad.traces[5].trajectory.logprobs.push_back(0);
  EXPECT_NE(ErrorOf([&] { store.AppendStep(bad); }).find("log-probabilities"), std::string::npos);
  EXPECT_EQ(store.Select({}).size(), 8u) << "a refused step leaves nothing behind";
  EXPECT_EQ(store.Metric(run, "reward").size(), 1u);
}

TEST_F(StoreTest, AReaderSeesWholeStepsWhileTheWriterWrites) {
  TraceStore writer(path_, Mode::kWrite);
  const int64_t run = writer.CreateRun("r", {});
  TraceStore reader(path_, Mode::kRead);
  for (int64_t step = 1; step <= 5; ++step) {
    writer.AppendStep(MakeStep({run, 0, step}));
    EXPECT_EQ(reader.Select({}).size(), static_cast<size_t>(8 * step));
  }
  int64_t seen = 0;
  reader.ForEach(reader.Select({}), [&](const Trace&) {
    if (++seen == 1) writer.AppendStep(MakeStep({run, 0, 6}));  // not held up by an open read
  });
  EXPECT_EQ(seen, 40);
  EXPECT_NE(ErrorOf([&] { reader.CreateRun("x", {}); }).find("readonly"), std::string::npos);
}

TEST_F(StoreTest, RawSqlReadsAndNothingElse) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  store.AppendStep(MakeStep({run, 0, 1}));
  const SqlTable table =
      store.Sql("SELECT 1 AS one, NULL AS none, x'0aff' AS bytes, 2.5, name FROM runs;\n");
  EXPECT_EQ(table.columns, (std::vector<std::string>{"one", "none", "bytes", "2.5", "name"}));
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.rows[0][0], 1);
  EXPECT_TRUE(table.rows[0][1].is_null());
  EXPECT_EQ(table.rows[0][2], "x'0aff'");
  EXPECT_EQ(table.rows[0][3], 2.5);
  EXPECT_EQ(store.Sql("SELECT 9223372036854775807, -9223372036854775807 - 1").rows[0],
            (std::vector<Json>{INT64_MAX, INT64_MIN}));
  EXPECT_EQ(Cell(store,
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<9) "
                 "SELECT sum(i) FROM n"),
            "45");
  EXPECT_EQ(Cell(store, "SELECT value FROM json_each('[7]')"), "7");
  const std::string attach = StrCat("ATTACH '", (folder_ / "new.db").string(), "' AS x");
  for (const std::string& sql :
       {std::string("DELETE FROM runs"), std::string("UPDATE runs SET name='x'"),
        std::string("DROP TABLE runs"), std::string("CREATE TABLE t(a)"), std::string("BEGIN"),
        std::string("PRAGMA user_version = 9"), std::string("VACUUM"), attach,
        StrCat("VACUUM INTO '", (folder_ / "new.db").string(), "'"),
        std::string("INSERT INTO runs(name, recipe) VALUES ('a','b') RETURNING id")}) {
    EXPECT_NE(ErrorOf([&] { store.Sql(sql); }).find("only statements that read"), std::string::npos)
        << sql;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new.db"));
  EXPECT_NE(ErrorOf([&] { store.Sql("SELECT 1; SELECT 2"); }).find("one at a time"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { store.Sql("  "); }).find("empty"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { store.Sql("SELECT nonsense"); }).find("no such column"),
            std::string::npos);
  const std::string column = ErrorOf([&] { store.Sql("SELECT rewrd FROM traces"); });
  EXPECT_NE(column.find("Did you mean 'reward'?"), std::string::npos) << column;
  EXPECT_NE(column.find("policy_version"), std::string::npos) << column;
  const std::string other = ErrorOf([&] { store.Sql("SELECT token_ids FROM traces"); });
  EXPECT_NE(other.find("It is one of completions, replay_completions. Columns of traces: id, run"),
            std::string::npos)
      << other;
  const std::string name = ErrorOf([&] { store.Sql("SELECT * FROM trace"); });
  EXPECT_NE(name.find("Did you mean 'traces'? Tables and views: curves, rescored, traces"),
            std::string::npos)
      << name;
  EXPECT_EQ(store.Select({}).size(), 8u);
}

TEST_F(StoreTest, ExportRowsCarryWhatALearnerNeeds) {
  TraceStore store(path_, Mode::kWrite);
  const int64_t run = store.CreateRun("r", {});
  const std::vector<int64_t> ids = store.AppendStep(MakeStep({run, 0, 1}));
  const Json row = TraceToJson(store.Read(ids[2]), false);
  EXPECT_EQ(row["prompt"], "0+1");
  EXPECT_EQ(row["answer"], "1");
  EXPECT_EQ(row["finish_reason"], "stop");
  EXPECT_EQ(row["verdicts"][1]["verdict"], "unjudged");
  EXPECT_FALSE(row.contains("completion_ids"));
  const Json full = TraceToJson(store.Read(ids[2]), true);
  EXPECT_EQ(full["completion_ids"].size(), full["length"].get<size_t>());
  EXPECT_EQ(ParseJson(ToJsonLine(full), "row")["stage"], "grpo");
}

TEST_F(StoreTest, OpeningTheWrongThingSaysSo) {
  EXPECT_NE(ErrorOf([&] { TraceStore(folder_, Mode::kRead); }).find("is a folder"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { TraceStore(path_, Mode::kRead); }).find("no such trace database"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { TraceStore(folder_ / "no" / "t.db", Mode::kWrite); }).find("no folder"),
            std::string::npos);
  std::ofstream(path_) << std::string(5000, 'x');
  for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
    const std::string what = ErrorOf([&] { TraceStore(path_, mode); });
    EXPECT_NE(what.find("not a database"), std::string::npos) << what;
    EXPECT_NE(what.find(path_.string()), std::string::npos) << what;
  }
  std::filesystem::resize_file(path_, 0);
  EXPECT_NE(ErrorOf([&] { TraceStore(path_, Mode::kRead); }).find("holds no traces"),
            std::string::npos);
}

}  // namespace
}  // namespace retort::datasets::trace_store_test
