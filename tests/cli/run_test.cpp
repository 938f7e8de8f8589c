// retort run and recipe, as processes, on a recipe that takes a second.

#include <csignal>
#include <set>

#include "tests/cli/cli_fixture.h"

namespace retort::cli::run_test {
namespace {

class RunTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    recipe_ = Write("tiny.json", R"({
      // a comment
      "name": "tiny",
      "models": {"m": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1}},
      "stages": [
        {"name": "learn", "type": "pretrain", "model": "m", "steps": 3, "batch_size": 2,
         "problems": {"generator": {"families": ["addition:1"], "count": 8}}},
        {"name": "measure", "type": "eval", "model": "m", "temperatures": [1],
         "max_completion_length": 6,
         "problems": {"generator": {"families": ["addition:1"], "count": 4}}}]})");
    out_ = folder_ / "out";
  }
  std::string recipe_, out_;
};

std::set<std::string> EventNames(const std::string& file) {
  std::set<std::string> names;
  const Json trace = ParseJson(ReadFile(file), file);
  for (const Json& event : trace["traceEvents"]) {
    if (event["ph"] == "X") names.insert(event["name"].get<std::string>());
  }
  return names;
}

TEST_F(RunTest, AProfileHasStagesAndOps) {
  const std::string trace = folder_ / "trace.json";
  const Outcome outcome = Retort({"run", recipe_, "--out", out_, "--profile", trace});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::set<std::string> names = EventNames(trace);
  for (const char* name : {"learn", "measure", "gemm", "gemm weight grad", "attention", "adamw"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST_F(RunTest, EveryCommandUnderstandsEveryPlaceOfARun) {
  ASSERT_EQ(Retort({"run", recipe_, "--out", out_}).code, 0);
  const auto expect = [&](std::vector<std::string> words, const std::string& part) {
    const Outcome outcome = Retort(words);
    EXPECT_EQ(outcome.code, 0) << words[0] << " " << words[1] << ": " << outcome.err;
    ExpectContains(outcome.out, part);
  };
  for (const std::string& place :
       {out_, out_ + "/", out_ + "/final", out_ + "/checkpoint-3", out_ + "/traces.db"}) {
    SCOPED_TRACE(place);
    expect({"inspect", place}, "qwen3");
    expect({"generate", place, "--prompt", "1+1", "--max-completion-length", "2", "--json"},
           "completion_ids");
    expect({"eval", "--generator.families", "addition:1", "sort:2", place, "--generator.count", "4",
            "--max-completion-length", "2"},
           "sort");
    expect({"traces", "runs", place}, "tiny");
    expect({"traces", "sql", place, "SELECT count(*) AS n FROM runs"}, "n");
    expect({"distill", place, "--student", place, "--steps", "1", "--batch-size", "1",
            "--select.stage", "measure", "--out", folder_ / "distilled"},
           "distill");
    std::filesystem::remove_all(folder_ / "distilled");
  }
  EXPECT_EQ(Retort({"distill", out_, "--student", out_, "--select.stage", "mesure"}).code, 1);
  std::filesystem::remove_all(out_ + "/final");
  const Outcome newest = Retort({"inspect", out_});
  EXPECT_EQ(newest.code, 0);
  ExpectContains(newest.err, "taking checkpoint-3, model 'm' after step 3 of stage 'learn'");
}

TEST_F(RunTest, BenchMeasuresAModelFolder) {
  ASSERT_EQ(Retort({"run", recipe_, "--out", out_}).code, 0);
  const std::string model = out_ + "/final", trace = folder_ / "trace.json";
  for (const std::string what : {"train", "decode"}) {
    const Outcome outcome =
        Retort({"bench", what, "--shape", model, "--batch", "3", "--batch", "1", "--length", "8",
                "--repeat", "2", "--threads", "2", "--profile", trace, "--json"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const Json rows = outcome.json()["rows"];
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0]["batch"], 3);
    EXPECT_EQ(rows[0]["threads"], 2);
    EXPECT_EQ(rows[0]["shape"], "final");
    EXPECT_EQ(rows[0]["all_seconds"].size(), 2u);
    EXPECT_GT(rows[1]["tokens_per_second"].get<double>(), 0);
    const double peak = rows[1]["peak_gflops"].get<double>();
    EXPECT_NEAR(rows[1]["fraction_of_peak"].get<double>() * peak, rows[1]["gflops"].get<double>(),
                1e-6 * peak);
    EXPECT_TRUE(rows[0].contains("peak_bytes"));
    double sum = 0;
    for (const auto& [op, share] : rows[0]["parts"].items()) sum += share.get<double>();
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_TRUE(EventNames(trace).contains("attention"));
  }
  // Three samples of one prompt hold it once: one page instead of three.
  const auto decode = [&](const std::string& samples) {
    const Outcome outcome =
        Retort({"bench", "decode", "--shape", model, "--batch", "3", "--length", "16",
                "--new-tokens", "4", "--samples", samples, "--repeat", "1", "--json"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.json()["rows"][0];
  };
  EXPECT_EQ(decode("3")["samples"], 3);
  EXPECT_LT(decode("3")["cache_tokens"], decode("1")["cache_tokens"]);
  EXPECT_EQ(Retort({"bench", "decode", "--length", "0"}).code, 2);
  const Outcome unknown = Retort({"bench", "train", "--shape", "X"});
  EXPECT_EQ(unknown.code, 1);
  ExpectContains(unknown.err, "S, M, D, G");
}

TEST_F(RunTest, ARunEndsWithARowPerStage) {
  const Outcome outcome = Retort({"run", recipe_, "--out", out_, "--json", "--threads", "1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json stages = outcome.json()["stages"];
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[0]["name"], "learn");
  EXPECT_EQ(stages[0]["type"], "pretrain");
  EXPECT_TRUE(stages[0].contains("seconds"));
  EXPECT_EQ(stages[1]["problems"], 4);
  EXPECT_TRUE(stages[1].contains("accuracy"));
  EXPECT_TRUE(stages[1].contains("mean_completion_length"));
  ExpectContains(outcome.err, "stage 1/2: learn (pretrain)");
  ExpectContains(Retort({"traces", "stats", out_}).out, "measure");

  const Outcome again = Retort({"run", recipe_, "--out", out_});
  EXPECT_EQ(again.code, 1);  // there is a run already
  ExpectContains(again.err, "resume");
  const Outcome resumed = Retort({"run", recipe_, "--out", out_, "--resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  ExpectContains(resumed.out, "measure");
}

TEST_F(RunTest, AModelOfARunIsEvaluatedAndItsTracesAreDistilled) {
  ASSERT_EQ(Retort({"run", recipe_, "--out", out_}).code, 0);
  const std::vector<std::string> eval{"eval",
                                      out_ + "/final",
                                      "--generator.families",
                                      "addition:1",
                                      "--generator.count",
                                      "5",
                                      "--max-completion-length",
                                      "8",
                                      "--samples",
                                      "2",
                                      "--json"};
  const Outcome measured = Retort(eval);
  ASSERT_EQ(measured.code, 0) << measured.err;
  EXPECT_EQ(measured.json()["problems"], 5);
  EXPECT_EQ(measured.json()["completions"], 10);
  EXPECT_LE(measured.json()["mean_completion_length"], 8);
  EXPECT_TRUE(measured.json()["families"].contains("addition"));

  const Outcome distilled =
      Retort({"distill", out_ + "/traces.db", "--student", out_ + "/final", "--out",
              (folder_ / "student").string(), "--steps", "2", "--batch-size", "2", "--json"});
  ASSERT_EQ(distilled.code, 0) << distilled.err;
  EXPECT_EQ(distilled.json()["stages"][0]["type"], "distill");
  EXPECT_EQ(Retort({"inspect", (folder_ / "student").string()}).code, 0);
}

TEST_F(RunTest, CtrlCSavesAndSaysHowToGoOn) {
  const std::vector<std::string> words{"run",   recipe_,
                                       "--out", out_,
                                       "--set", "learn.steps=100000",
                                       "--set", "learn.logging_steps=1"};
  const pid_t pid = Start(words);
  for (int i = 0; i < 3000 && ReadFile(folder_ / ".stderr").empty(); ++i) ::usleep(10'000);
  ASSERT_EQ(kill(pid, SIGINT), 0);
  const Outcome outcome = Wait(pid);
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  ExpectContains(outcome.err, "stopping at the next safe place");
  ExpectContains(outcome.err, "saved in " + out_);
  // The run directory holds its recipe, settings included.
  ExpectContains(outcome.err, "retort run " + out_ + " --resume");
  EXPECT_EQ(ParseJson(ReadFile(out_ + "/recipe.json"), "recipe")["stages"][0]["steps"], 100000);
}

TEST_F(RunTest, AHangUpSavesUnlessItWasIgnoredAtTheStart) {
  const auto run = [&](const std::string& steps, const std::string& out) {
    const pid_t pid = Start({"run", recipe_, "--out", out, "--set", "learn.steps=" + steps});
    for (int i = 0; i < 3000 && ReadFile(folder_ / ".stderr").empty(); ++i) ::usleep(10'000);
    EXPECT_EQ(kill(pid, SIGHUP), 0);
    return Wait(pid);
  };
  const Outcome saved = run("100000", out_);
  EXPECT_EQ(saved.code, 130) << saved.err;
  ExpectContains(saved.err, "saved in " + out_);
  const auto old = signal(SIGHUP, SIG_IGN);  // as nohup does
  const Outcome finished = run("300", out_ + "-nohup");
  signal(SIGHUP, old);
  EXPECT_EQ(finished.code, 0) << finished.err;
}

TEST_F(RunTest, SettingsReachTheRecipeAndMistakesAreNamed) {
  EXPECT_NE(Retort({"recipe", "check", recipe_, "--json"}).json()["hash"],
            Retort({"recipe", "check", recipe_, "--json", "--set", "seed=2"}).json()["hash"]);
  const Outcome key = Retort({"recipe", "check", recipe_, "--set", "learn.stepz=2"});
  EXPECT_EQ(key.code, 1);
  ExpectContains(key.err, "steps");
  EXPECT_EQ(Retort({"run", recipe_, "--set", "learn.steps=-1"}).code, 1);
  EXPECT_EQ(Retort({"run", recipe_, "--set", "steps"}).code, 2);
  const Outcome none = Retort({"run", (folder_ / "none.json").string()});
  EXPECT_EQ(none.code, 1);
  ExpectContains(none.err, "none.json");
}

TEST_F(RunTest, ShowResolvesEveryKey) {
  const Outcome shown = Retort({"recipe", "show", recipe_, "--resolved"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  const Json document = shown.json();
  EXPECT_EQ(document["name"], "tiny");
  EXPECT_TRUE(document["stages"][0].contains("learning_rate")) << shown.out;
  const Outcome list = Retort({"recipe", "list"});
  EXPECT_EQ(list.code, 0);
}

TEST_F(RunTest, UnjudgedCompletionsAreInTheTableAndNotInTheAccuracy) {
  const std::vector<std::string> words{
      "run",
      recipe_,
      "--out",
      out_,
      "--set",
      R"(measure.reward=[{"verifier":"math"}])",
      "--set",
      "measure.problems.file=" + Write("two.jsonl", R"({"prompt":"1","answer":"2"}
{"prompt":"3","answer":""})")};
  const Outcome outcome = Retort(words);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  ExpectContains(outcome.out, "unjudged");
  ExpectContains(outcome.err, "1 completion unjudged");
}

TEST_F(RunTest, CheckSaysAllThatIsWrongAndShowsProblems) {
  const Outcome good = Retort({"recipe", "check", recipe_, "--json"});
  ASSERT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_TRUE(good.json()["errors"].empty());
  const Json first = good.json()["previews"][0]["first"][0];
  ExpectContains(first["prompt"].get<std::string>(), "User: ");
  EXPECT_GT(first["tokens"], 0);
  ExpectContains(Retort({"recipe", "check", recipe_}).out, "User: ");
  const Outcome bad =
      Retort({"recipe", "check", recipe_, "--json", "--set", "learn.problems.file=/nowhere.jsonl",
              "--set", "models.extra.path=/nowhere"});
  EXPECT_EQ(bad.code, 1);
  ASSERT_EQ(bad.json()["errors"].size(), 2u) << bad.out;
  EXPECT_EQ(bad.json()["errors"][0]["place"], "models.extra.path");
  EXPECT_EQ(bad.json()["errors"][1]["place"], "learn.problems.file");
}

}  // namespace
}  // namespace retort::cli::run_test
