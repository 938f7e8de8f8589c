// retort traces, as a process, on a small database made through TraceStore.

#include <csignal>
#include <thread>

#include "base/strings.h"
#include "datasets/trace_store.h"
#include "tests/cli/cli_fixture.h"
#include "tests/support/trace_step.h"

namespace retort::cli::traces_test {
namespace {

using datasets::TraceStore;

/// Two steps of three traces each: the answer is 7, the texts say 7, 8 and 7.
class TracesTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    TraceStore store(folder_ / "traces.db", TraceStore::Mode::kWrite);
    const int64_t run = store.CreateRun("first", {{"name", "first"}});
    for (int64_t step = 1; step <= 2; ++step) {
      TraceStep record{{run, 0, step}, "grpo", {{"reward", 0.5}}, {}};
      for (int64_t sample = 0; sample < 3; ++sample) {
        Trace trace;
        trace.problem.id = StrCat("p", step);
        trace.problem.prompt = "3+4";
        trace.problem.answer = "7";
        trace.trajectory.prompt = {1, 2};
        trace.trajectory.completion = {3, 4, 5};
        trace.trajectory.logprobs = {-1, -2, -3};
        trace.trajectory.finish = FinishReason::kStop;
        trace.trajectory.sample = sample;
        const bool right = sample != 1;
        trace.text = StrCat("<think>\x1b[2J</think>\\boxed{", right ? 7 : 8, "}");
        // Stored as if an old verifier had been wrong about the last sample.
        const bool said = sample == 0;
        trace.verdicts = {
            {"math",
             {said ? VerdictStatus::kRight : VerdictStatus::kWrong, said ? 1.0 : 0.0, "old", "7"}}};
        trace.reward = said;
        record.traces.push_back(trace);
      }
      store.AppendStep(record);
    }
  }

  Outcome Traces(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "traces");
    arguments.insert(arguments.begin() + 2, folder_.string());
    return Retort(arguments);
  }
};

TEST_F(TracesTest, RunsAndStats) {
  const Outcome runs = Traces({"runs", "--json"});
  ASSERT_EQ(runs.code, 0) << runs.err;
  EXPECT_EQ(runs.json()["runs"][0]["name"], "first");
  EXPECT_EQ(runs.json()["runs"][0]["traces"], 6);
  ExpectContains(Traces({"runs"}).out, "first");
  const Json stage = Traces({"stats", "--json"}).json()["stages"][0];
  EXPECT_EQ(stage["correct"], 2);
  EXPECT_EQ(stage["mean_length"], 3);
  ExpectContains(Traces({"stats"}).out, "33.3 %");
}

TEST_F(TracesTest, FilterFieldsAreFlags) {
  const auto count = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"list", "--json"});
    const Outcome outcome = Traces(flags);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.json()["traces"].size();
  };
  EXPECT_EQ(count({}), 6u);
  EXPECT_EQ(count({"--correct"}), 2u);
  EXPECT_EQ(count({"--correct=false"}), 4u);
  EXPECT_EQ(count({"--min-step", "2"}), 3u);
  EXPECT_EQ(count({"--min-reward", "0.5", "--max_step=1"}), 1u);
  EXPECT_EQ(count({"--stage", "grpo"}), 6u);
  EXPECT_EQ(count({"--no-correct"}), 4u);
  EXPECT_EQ(count({"--per-problem", "1"}), 2u);
  EXPECT_EQ(count({"--limit", "4"}), 4u);
}

TEST_F(TracesTest, AnUnknownNameInAFilterIsAnErrorWithTheKnownOnes) {
  for (const char* command : {"list", "export", "select"}) {
    const auto expect = [&](const char* flag, const char* value, const char* message) {
      const Outcome outcome = Traces({command, flag, value});
      EXPECT_EQ(outcome.code, 1);
      ExpectContains(outcome.err, message);
    };
    expect("--stage", "gpro", "no stage 'gpro'. Did you mean 'grpo'? Known: grpo");
    expect("--run", "frist", "no run 'frist'. Did you mean 'first'?");
    expect("--verifier", "maths", "no verifier 'maths'. Did you mean 'math'?");
  }
  EXPECT_EQ(Traces({"rescore", "--stage", "gpro"}).code, 1);
  EXPECT_EQ(Traces({"list", "--verifier", "math", "--correct", "--json"}).json()["traces"].size(),
            2u);
}

TEST_F(TracesTest, AListThatIsCutSaysSo) {
  const Outcome cut = Traces({"list", "--limit", "4"});
  EXPECT_EQ(cut.code, 0);
  ExpectContains(cut.err, "4 of 6 traces");
  EXPECT_EQ(cut.out.find('\x1b'), std::string::npos);  // stored text cannot drive the terminal
  EXPECT_EQ(Traces({"list"}).err, "");
}

TEST_F(TracesTest, ShowPrintsWholeTraces) {
  const Outcome one = Traces({"show", "2", "--tokens"});
  ASSERT_EQ(one.code, 0) << one.err;
  ExpectContains(one.out, "\\boxed{8}");
  ExpectContains(one.out, "[3,4,5]");
  EXPECT_EQ(Traces({"show", "2", "5", "--json"}).json()["traces"].size(), 2u);
  const Outcome none = Traces({"show", "99"});
  EXPECT_EQ(none.code, 1);
  ExpectContains(none.err, "99");
}

TEST_F(TracesTest, ExportIsJsonLines) {
  const Outcome plain = Traces({"export", "--correct"});
  ASSERT_EQ(plain.code, 0) << plain.err;
  const std::vector<std::string> lines = Split(plain.out, '\n');
  ASSERT_EQ(lines.size(), 3u);  // two and the end
  EXPECT_FALSE(ParseJson(lines[0], "line 1").contains("completion_ids"));
  const std::string out = folder_ / "out.jsonl";
  EXPECT_EQ(Traces({"export", "--tokens", "--out", out}).out, "");
  const Json first = ParseJson(Split(ReadFile(out), '\n')[0], "line 1");
  EXPECT_EQ(first["completion_ids"], (std::vector<int>{3, 4, 5}));
  EXPECT_EQ(first["logprobs"], (std::vector<int>{-1, -2, -3}));
}

TEST_F(TracesTest, RescoreStoresTheNewVerdictsAndCountsWhatChanged) {
  const Outcome first = Traces({"rescore", "--json", "--min-step", "2"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.json()["traces"], 3);
  EXPECT_EQ(first.json()["became_right"], 1);
  EXPECT_EQ(first.json()["became_wrong"], 0);
  const Outcome again = Traces({"rescore", "--json", "--min-step", "2", "--threads", "8"});
  EXPECT_EQ(again.json()["changed"], 0);
  // What was trained on is as it was; the layer holds the three that were judged again.
  EXPECT_EQ(Traces({"list", "--json", "--correct"}).json()["traces"].size(), 2u);
  EXPECT_EQ(Traces({"list", "--json", "--layer", "math"}).json()["traces"].size(), 3u);

  const Outcome panel =
      Traces({"rescore", "--json", "--panel",
              R"([{"verifier": "math", "weight": 0.75}, {"verifier": "format", "weight": 0.25}])"});
  ASSERT_EQ(panel.code, 0) << panel.err;
  EXPECT_EQ(panel.json()["changed"], 6);
  const Json trace = Traces({"show", "1", "--json", "--layer", "panel"}).json()["traces"][0];
  EXPECT_EQ(trace["verdicts"].size(), 2u);
  EXPECT_GE(trace["reward"].get<double>(), 0.75);
  EXPECT_EQ(Traces({"rescore", "--panel", "[{\"verifier\": \"mth\"}]"}).code, 1);
  EXPECT_EQ(Traces({"rescore", "--panel", "[]", "--verifier", "math"}).code, 2);
}

TEST_F(TracesTest, AnInterruptedRescoreGoesOn) {
  constexpr int kQuick = 300, kSlow = 24;  // one transaction and a part of the next
  {
    TraceStore store(folder_ / "traces.db", TraceStore::Mode::kWrite);
    TraceStep record{
        {store.CreateRun("programs", {{"name", "programs"}}), 0, 1}, "collect", {}, {}};
    for (int i = 0; i < kQuick + kSlow; ++i) {
      Trace trace;
      trace.problem.id = StrCat("p", i);
      trace.problem.extra = {{"tests", {{{"stdin", "1"}, {"stdout", "1"}}}}};
      trace.text = i < kQuick ? "print(1)" : "import time\ntime.sleep(0.5)\nprint(1)";
      record.traces.push_back(trace);
    }
    store.AppendStep(record);
  }
  const std::vector<std::string> command{"traces",   "rescore", folder_.string(), "--run",
                                         "programs", "--as",    "again",          "--verifier",
                                         "code",     "--json",  "--threads",      "8"};
  const auto judged = [&] {
    const TraceStore store(folder_ / "traces.db", TraceStore::Mode::kRead);
    for (const datasets::Layer& layer : store.Layers()) {
      if (layer.name == "again") return layer.traces;
    }
    return int64_t{0};
  };
  const pid_t pid = Start(command);
  while (judged() == 0 && kill(pid, 0) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  kill(pid, SIGINT);
  const Outcome first = Wait(pid);
  ASSERT_EQ(first.code, 130) << first.err;
  ExpectContains(first.err, "the same command goes on");
  EXPECT_EQ(first.json()["traces"], judged());
  EXPECT_GE(judged(), 256);
  ASSERT_LT(judged(), kQuick + kSlow);
  const int64_t done = judged();
  const Outcome rest = Retort(command);
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(rest.json()["traces"], kQuick + kSlow - done);
  EXPECT_EQ(rest.json()["became_right"], rest.json()["traces"]);
  EXPECT_EQ(judged(), kQuick + kSlow);
}

TEST_F(TracesTest, SelectKeepsASelection) {
  const Outcome selection = Traces({"select", "--correct", "--json"});
  ASSERT_EQ(selection.code, 0) << selection.err;
  EXPECT_EQ(selection.json()["ids"], (std::vector<int>{1, 4}));
  EXPECT_EQ(Traces({"select", "--correct", "--json"}).out, selection.out);  // the same one
  EXPECT_EQ(Traces({"sql", "SELECT count(*) FROM selections", "--json"}).json()["rows"][0][0], 1);
}

TEST_F(TracesTest, OneIsNotMany) {
  EXPECT_EQ(Traces({"export", "--limit", "1"}).err, "retort: 1 trace exported\n");
  EXPECT_EQ(Traces({"export", "--limit", "2"}).err, "retort: 2 traces exported\n");
}

constexpr const char* kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

TEST_F(TracesTest, ASignalEndsAQuery) {
  const pid_t pid = Start({"traces", "sql", folder_.string(), kEndless});
  const std::string stat = StrCat("/proc/", pid, "/stat");
  for (int64_t ticks = 0; ticks < 20;) {  // until it computes; utime is the 14th word
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ticks = std::stoll(Split(ReadFile(stat), ' ').at(13));
  }
  kill(pid, SIGTERM);
  const Outcome outcome = Wait(pid);
  EXPECT_EQ(outcome.code, 130);
  ExpectContains(outcome.err, "retort: interrupted");
}

TEST_F(TracesTest, AQueryHasItsTime) {
  const Outcome outcome = Traces({"sql", kEndless, "--seconds", "1"});
  EXPECT_EQ(outcome.code, 1);
  ExpectContains(outcome.err, "the time for it is up (--seconds");
  EXPECT_EQ(Traces({"sql", "SELECT 1", "--seconds", "0"}).code, 0);
}

TEST_F(TracesTest, SqlOnlyReads) {
  const Outcome rows = Traces({"sql", "SELECT step, count(*) AS n FROM traces GROUP BY step"});
  ASSERT_EQ(rows.code, 0) << rows.err;
  EXPECT_EQ(rows.out, "step  n\n----  -\n   1  3\n   2  3\n");
  const Outcome typed =
      Traces({"sql", "--json", "SELECT 9007199254740993, 0.1, NULL, '7', x'00ff' FROM runs"});
  EXPECT_EQ(typed.out.substr(typed.out.find("[[")),
            "[[9007199254740993,0.1,null,\"7\",\"x'00ff'\"]]}\n");
  EXPECT_EQ(Traces({"sql", "DELETE FROM runs"}).code, 1);
  const Outcome wrong = Traces({"sql", "SELECT nothing FROM traces"});
  EXPECT_EQ(wrong.code, 1);
  ExpectContains(wrong.err, "nothing");
  ExpectContains(Traces({"sql", "SELECT lenght FROM traces"}).err, "Did you mean 'length'?");
  ExpectContains(Traces({"sql", "SELECT * FROM tracs"}).err,
                 "Tables and views: curves, rescored, traces");
}

TEST_F(TracesTest, ReadOnlyMediaAreRead) {
  const std::string folder = folder_, out = folder_.string() + "-out";
  // 77: no mounts of one's own here.
  const std::string script = "unshare -rm sh -c 'mount --bind " + folder + " " + folder +
                             " && mount -o remount,ro,bind " + folder + " || exit 77; ! touch " +
                             folder + "/x 2>/dev/null && exec " + Program() + " traces stats " +
                             folder + "' > " + out + " 2>&1";
  const int code = WEXITSTATUS(std::system(script.c_str()));
  const std::string said = ReadFile(out);
  std::filesystem::remove(out);
  if (code == 77 || said.find("unshare") != std::string::npos) GTEST_SKIP() << said;
  EXPECT_EQ(code, 0) << said;
  ExpectContains(said, "33.3 %");
}

TEST_F(TracesTest, AnswersForWhatIsMissing) {
  const auto expect = [&](const std::string& path, const std::string& message) {
    for (const char* command : {"runs", "select", "rescore", "export"}) {
      const Outcome outcome = Retort({"traces", command, path});
      EXPECT_EQ(outcome.code, 1);
      ExpectContains(outcome.err, message);
    }
  };
  expect(folder_ / "none.db", "none.db");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "none.db"));
  std::filesystem::create_directory(folder_ / "empty");
  expect(folder_ / "empty", "traces.db");
  expect(Write("text.db", "not a database, though long enough to be one"), "text.db");
}

}  // namespace
}  // namespace retort::cli::traces_test
