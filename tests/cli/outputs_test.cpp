// --out and --profile of the other commands, on the outputs of one small run.

#include <sys/stat.h>

#include "base/strings.h"
#include "tests/cli/cli_fixture.h"

namespace retort::cli::outputs_test {
namespace {

namespace fs = std::filesystem;

class OutputsTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    recipe_ = Write("tiny.json", R"({
      "name": "tiny",
      "models": {"m": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1}},
      "stages": [
        {"name": "learn", "type": "pretrain", "model": "m", "steps": 1, "batch_size": 2,
         "problems": {"generator": {"families": ["addition:1"], "count": 8}}},
        {"name": "gather", "type": "collect", "model": "m", "max_completion_length": 4,
         "samples": 2, "prompts_per_step": 2,
         "problems": {"generator": {"families": ["addition:1"], "count": 2}}}]})");
    run_ = folder_ / "run";
    const Outcome outcome = Retort({"run", recipe_, "--out", run_});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    final_ = run_ + "/final";
  }

  std::vector<std::string> Eval(const std::string& out) const {
    return {"eval",
            final_,
            "--generator.families",
            "addition:1",
            "--generator.count",
            "2",
            "--max-completion-length",
            "3",
            "--json",
            "--out",
            out};
  }
  /// Refused, and nothing under `path` has changed.
  void ExpectRefused(const std::vector<std::string>& arguments, const fs::path& path) const {
    const std::string before = ReadFile(path);
    const Outcome outcome = Retort(arguments);
    EXPECT_EQ(outcome.code, 1) << Join(arguments, " ");
    ExpectContains(outcome.err, "retort: error: " + path.string() + ": ");
    EXPECT_EQ(ReadFile(path), before);
  }

  std::string recipe_, run_, final_;
};

TEST_F(OutputsTest, ExportWritesToStandardOutputPipesAndLinks) {
  const std::string expected = Retort({"traces", "export", run_}).out;
  EXPECT_EQ(Split(expected, '\n').size(), 5u);
  for (const std::string name : {"-", "/dev/stdout", "/dev/fd/1"}) {
    EXPECT_EQ(Shell("$RETORT traces export " + run_ + " --out " + name + " | cat").out, expected);
  }
  const std::string got = folder_ / "got";
  EXPECT_EQ(Shell("$RETORT traces export " + run_ + " --out >(cat > " + got + "); wait $!").code,
            0);
  EXPECT_EQ(ReadFile(got), expected);
  fs::create_symlink("target", folder_ / "link");
  ASSERT_EQ(Retort({"traces", "export", run_, "--out", folder_ / "link"}).code, 0);
  EXPECT_EQ(ReadFile(folder_ / "target"), expected);
  EXPECT_TRUE(fs::is_symlink(fs::symlink_status(folder_ / "link")));
  EXPECT_EQ(Retort({"traces", "export", run_, "--out", "/dev/null"}).code, 0);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(OutputsTest, ExportNeverReplacesARun) {
  for (const char* name : {"traces.db", "recipe.json", "metrics.jsonl", "stages.json",
                           "final/config.json", "final/model.safetensors"}) {
    const std::string path = run_ + "/" + name;
    ExpectRefused({"traces", "export", run_, "--out", path}, path);
  }
  fs::copy_file(run_ + "/traces.db", folder_ / "copy.db");
  ExpectRefused({"traces", "export", run_, "--out", folder_ / "copy.db"}, folder_ / "copy.db");
  const std::string mine = run_ + "/export.jsonl";
  EXPECT_EQ(Retort({"traces", "export", run_, "--out", mine}).code, 0);
  EXPECT_EQ(Retort({"traces", "export", run_, "--out", mine}).code, 0);
}

TEST_F(OutputsTest, EvalNeverReplacesItsModelOrItsProblems) {
  ExpectRefused(Eval(final_ + "/config.json"), final_ + "/config.json");
  fs::copy(final_, folder_ / "model");
  const std::string config = folder_ / "model/config.json";
  const std::string problems = Write("p.jsonl", "{\"prompt\":\"1+1\",\"answer\":\"2\"}\n");
  const auto eval = [&](const std::string& out) -> std::vector<std::string> {
    return {"eval", folder_ / "model", "--file", problems, "--max-completion-length",
            "3",    "--split",         "train",  "--out",  out};
  };
  ExpectRefused(eval(config), config);
  ExpectRefused(eval(problems), problems);
}

TEST_F(OutputsTest, EvalWritesTracesToStandardOutputAndItsSummaryElsewhere) {
  const Outcome outcome = Retort(Eval("-"));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(Split(outcome.out, '\n').size(), 3u);
  EXPECT_TRUE(ParseJson(Split(outcome.out, '\n')[0], "trace").contains("verdicts"));
  ExpectContains(outcome.err, "\"accuracy\":");
}

TEST_F(OutputsTest, AProfileIsAnOutputLikeAnyOther) {
  const auto run = [&](const std::string& profile) -> std::vector<std::string> {
    return {"run", recipe_, "--out", folder_ / "second", "--profile", profile};
  };
  ExpectRefused(run(recipe_), recipe_);
  EXPECT_FALSE(fs::exists(folder_ / "second"));  // before the first step
  ExpectRefused(run(run_ + "/traces.db"), run_ + "/traces.db");
  ExpectRefused({"distill", run_ + "/traces.db", "--student", final_, "--out", folder_ / "third",
                 "--profile", final_ + "/tokenizer.json"},
                final_ + "/tokenizer.json");
  EXPECT_EQ(Retort(run(folder_ / "no/profile.json")).code, 1);
  EXPECT_FALSE(fs::exists(folder_ / "second"));
  EXPECT_EQ(Retort(run("/dev/null")).code, 0);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace retort::cli::outputs_test
