// What a run directory is to a user: nothing of theirs is lost in it, one process writes to it, and
// it can be gone on with from anywhere.

#include <cmath>
#include <csignal>
#include <fstream>
#include <map>

#include "base/strings.h"
#include "datasets/trace_store.h"
#include "tests/cli/cli_fixture.h"
#include "tests/support/trace_step.h"

namespace retort::cli::run_directory_test {
namespace {
namespace fs = std::filesystem;

class RunDirectoryTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    fs::create_directories(folder_ / "project" / "data");
    Write(
        "project/data/rows.jsonl",
        "{\"question\": \"1+1\", \"answer\": \"2\"}\n{\"question\": \"2+3\", \"answer\": \"5\"}\n");
    recipe_ = Write("project/tiny.json", R"({
      "name": "tiny",
      "models": {"m": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1}},
      "stages": [
        {"name": "learn", "type": "sft", "model": "m", "steps": 4, "batch_size": 2, "save_steps": 2,
         "logging_steps": 1, "problems": {"file": "data/rows.jsonl"}},
        {"name": "rl", "type": "grpo", "model": "m", "steps": 2, "prompts_per_step": 2,
         "num_generations": 3, "max_completion_length": 4, "problems": {"file": "data/rows.jsonl"}},
        {"type": "export", "path": "exported"}]})");
    out_ = folder_ / "out";
  }

  /// Runs it to its end.
  void RunWhole() {
    const Outcome outcome = Retort({"run", recipe_, "--out", out_.string()});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }

  /// Every file below a folder with its content.
  static std::map<std::string, std::string> Files(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) files[entry.path().string()] = ReadFile(entry.path());
    }
    return files;
  }
  void Put(const fs::path& path, const std::string& text = "somebody's") const {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  fs::path out_;
  std::string recipe_;
};

TEST_F(RunDirectoryTest, AnExportIsRecordedByItsWholePath) {
  const Outcome outcome = Shell("cd " + (folder_ / "project").string() +
                                " && $RETORT run tiny.json --out data/../out --json; exit $?");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const fs::path out = folder_ / "project" / "out", exported = out / "exported";
  const Json stages = ParseJson(ReadFile(out / "stages.json"), "stages.json")["stages"];
  EXPECT_EQ(stages.back()["details"]["path"], exported.string());
  EXPECT_EQ(outcome.json()["stages"].back()["details"]["path"], exported.string());
}

TEST_F(RunDirectoryTest, WhatIsInTheWayIsNamedAndStays) {
  for (const char* name : {"final/model.safetensors", "tb/events", "metrics.jsonl",
                           "checkpoint-2/config.json", "exported/model.bin", "traces.db",
                           "stages.json", "recipe.json", "retort.json", "final-m/config.json"}) {
    const fs::path out = folder_ / ReplaceAll(name, "/", "-");
    Put(out / name);
    Put(out / "notes.txt");
    const auto before = Files(out);
    const Outcome outcome = Retort({"run", recipe_, "--out", out.string()});
    EXPECT_EQ(outcome.code, 1) << name;
    ExpectContains(outcome.err, fs::path(name).begin()->string());
    ExpectContains(outcome.err, "in the way");
    EXPECT_EQ(Files(out), before) << name;
  }
  const Outcome file = Retort({"run", recipe_, "--out", recipe_});
  EXPECT_EQ(file.code, 1);
  ExpectContains(file.err, "is no folder");
}

TEST_F(RunDirectoryTest, WhatOthersKeepInItStays) {
  Put(out_ / "notes.txt");
  RunWhole();
  fs::copy(out_ / "checkpoint-2", out_ / "checkpoint-best", fs::copy_options::recursive);
  fs::copy(out_ / "checkpoint-2", out_ / "checkpoint-9", fs::copy_options::recursive);
  fs::copy(out_ / "checkpoint-2", out_ / "checkpoint-7", fs::copy_options::recursive);
  Put(out_ / "checkpoint-mine" / "weights.bin");
  Put(out_ / "tb" / "events.of.somebody");
  Put(out_ / "final" / "README.md");
  Put(out_ / "exported" / "README.md");
  std::map<std::string, std::string> theirs;
  for (const char* name : {"checkpoint-best", "checkpoint-9", "checkpoint-7", "checkpoint-mine"}) {
    theirs.merge(Files(out_ / name));
  }
  const Outcome outcome =
      Retort({"run", recipe_, "--out", out_.string(), "--resume", "--set", "rl.steps=5", "--set",
              "rl.save_steps=1", "--set", "rl.save_total_limit=1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const auto& [name, text] : theirs) EXPECT_EQ(ReadFile(name), text) << name;
  // Checkpoints of the run itself took other names.
  EXPECT_TRUE(fs::exists(out_ / "checkpoint-9.1" / "model.safetensors"));
  EXPECT_FALSE(fs::exists(out_ / "checkpoint-7.1")) << "only the last one is kept";
  EXPECT_EQ(ReadFile(out_ / "final" / "README.md"), "somebody's");
  EXPECT_EQ(ReadFile(out_ / "exported" / "README.md"), "somebody's");
  EXPECT_EQ(ReadFile(out_ / "tb" / "events.of.somebody"), "somebody's");
  EXPECT_EQ(ReadFile(out_ / "notes.txt"), "somebody's");
  EXPECT_EQ(ReadFile(out_ / "final" / "model.safetensors"),
            ReadFile(out_ / "checkpoint-9.1" / "model.safetensors"));
}

TEST_F(RunDirectoryTest, AnExportNeverTakesAPlaceThatIsNotItsOwn) {
  for (const std::string path :
       {".", "..", "final", "tb", "checkpoint-3", "traces.db/x", "a/../."}) {
    const Outcome outcome =
        Retort({"run", recipe_, "--out", out_.string(), "--set", "export.path=" + path});
    EXPECT_EQ(outcome.code, 1) << path;
    ExpectContains(outcome.err, "the run itself");
    EXPECT_FALSE(fs::exists(out_)) << path;
  }
  Put(folder_ / "elsewhere" / "model.bin");
  const Outcome outcome = Retort({"run", recipe_, "--out", out_.string(), "--set",
                                  "export.path=" + (folder_ / "elsewhere").string()});
  EXPECT_EQ(outcome.code, 1);
  ExpectContains(outcome.err, "elsewhere");
  EXPECT_EQ(ReadFile(folder_ / "elsewhere" / "model.bin"), "somebody's");
}

TEST_F(RunDirectoryTest, OneProcessWrites) {
  const std::vector<std::string> slow{"run",         recipe_, "--out",
                                      out_.string(), "--set", "learn.steps=100000"};
  const fs::path errors = folder_ / ".stderr";
  const pid_t first = Start(slow);
  for (int i = 0; i < 3000 && !fs::exists(out_ / "checkpoint-2"); ++i) ::usleep(10'000);
  ASSERT_TRUE(fs::exists(out_ / "checkpoint-2")) << ReadFile(errors);
  fs::rename(errors, folder_ / "first.err");  // the next processes have files of their own
  std::vector<std::string> resumed = slow;
  resumed.push_back("--resume");
  const std::vector<std::vector<std::string>> others{
      slow, resumed, {"traces", "rescore", out_.string()}, {"traces", "select", out_.string()}};
  for (const auto& words : others) {
    const Outcome outcome = Retort(words);
    EXPECT_EQ(outcome.code, 1) << words[0] << " " << words[1];
    ExpectContains(outcome.err, "is being written by retort run (process " + std::to_string(first));
  }
  for (const char* reader : {"stats", "runs", "list", "export"}) {
    EXPECT_EQ(Retort({"traces", reader, out_.string()}).code, 0) << reader;
  }
  ASSERT_EQ(kill(first, SIGKILL), 0);
  int status = 0;
  waitpid(first, &status, 0);
  const Outcome outcome = Retort({"traces", "select", out_.string()});  // the lock died with it
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(Retort({"run", recipe_, "--out", out_.string(), "--resume"}).code, 0)
      << "with the number of steps that the stage will have";
}

TEST_F(RunDirectoryTest, IsGoneOnWithFromAnywhere) {
  const fs::path elsewhere = folder_ / "elsewhere";
  fs::create_directories(elsewhere);
  ASSERT_EQ(Retort({"run", recipe_, "--out", out_.string(), "--set", "rl.steps=1"}).code, 0);
  const fs::path here = fs::current_path();
  fs::current_path(elsewhere);
  const Outcome resumed = Retort({"run", out_.string(), "--resume", "--set", "rl.steps=2"});
  const Outcome by_out = Retort({"run", "--out", out_.string(), "--resume"});
  const Outcome neither = Retort({"run", "--resume"});
  fs::current_path(here);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(by_out.code, 0) << by_out.err;
  EXPECT_EQ(neither.code, 1);
  ExpectContains(neither.err, "name a recipe");
  EXPECT_FALSE(fs::exists(elsewhere / "runs"));
  EXPECT_EQ(ParseJson(ReadFile(out_ / "recipe.json"), "")["stages"][0]["problems"]["file"],
            (folder_ / "project" / "data" / "rows.jsonl").string());
  // A setting is of the shell: its paths are relative to where it was typed.
  fs::current_path(folder_ / "project" / "data");
  const Outcome typed =
      Retort({"recipe", "show", recipe_, "--resolved", "--set", "learn.problems.file=rows.jsonl"});
  fs::current_path(here);
  EXPECT_EQ(typed.json()["stages"][0]["problems"]["file"],
            (folder_ / "project" / "data" / "rows.jsonl").string());
}

TEST_F(RunDirectoryTest, ARescoringIsALayer) {
  RunWhole();
  const std::string trained = Retort({"traces", "list", out_.string(), "--json"}).out;
  const auto before = Files(out_);
  const Outcome dry =
      Retort({"traces", "rescore", out_.string(), "--verifier", "format", "--dry-run", "--json"});
  ASSERT_EQ(dry.code, 0) << dry.err;
  EXPECT_EQ(dry.json()["traces"], 12);
  EXPECT_TRUE(dry.json()["layer"].is_null());
  EXPECT_EQ(Files(out_), before) << "a dry run stores nothing";

  const Outcome stored = Retort({"traces", "rescore", out_.string(), "--verifier", "format",
                                 "--option", "allow_empty_think=true", "--as", "tags", "--json"});
  ASSERT_EQ(stored.code, 0) << stored.err;
  EXPECT_EQ(stored.json()["layer"], "tags");
  EXPECT_EQ(Retort({"traces", "list", out_.string(), "--json"}).out, trained);
  const Json layered =
      Retort({"traces", "list", out_.string(), "--json", "--layer", "tags"}).json();
  ASSERT_EQ(layered["traces"].size(), 12u);
  EXPECT_EQ(layered["traces"][0]["verdicts"][0]["verifier"], "format");
  const Outcome layers = Retort({"traces", "layers", out_.string(), "--json"});
  EXPECT_EQ(layers.json()["layers"][0]["judges"][0]["options"]["allow_empty_think"], true);
  // The same again has nothing left to judge; other judges need another name.
  EXPECT_EQ(Retort({"traces", "rescore", out_.string(), "--verifier", "format", "--option",
                    "allow_empty_think=true", "--as", "tags", "--json"})
                .json()["traces"],
            0);
  const Outcome other = Retort({"traces", "rescore", out_.string(), "--as", "tags"});
  EXPECT_EQ(other.code, 1);
  ExpectContains(other.err, "'tags' was judged by");
  const Outcome unnamed = Retort({"traces", "rescore", out_.string(), "--json"});
  EXPECT_EQ(unnamed.json()["layer"], "math");
  const Outcome options =
      Retort({"traces", "rescore", out_.string(), "--option", "extraction=lenient", "--json"});
  EXPECT_EQ(options.code == 0 ? options.json()["layer"] : Json("math-2"), "math-2") << options.err;
  const Outcome unknown = Retort({"traces", "list", out_.string(), "--layer", "tgas"});
  EXPECT_EQ(unknown.code, 1);
  ExpectContains(unknown.err, "Did you mean 'tags'");
}

// The advantages of a layer follow from its rewards, where all of a group was judged.
TEST_F(RunDirectoryTest, ALayerHasItsOwnAdvantages) {
  const fs::path file = folder_ / "traces.db";
  {
    datasets::TraceStore store(file, datasets::TraceStore::Mode::kWrite);
    const int64_t run = store.CreateRun(
        "r", {{"stages", {{{"type", "grpo"}, {"scale_rewards", "group"}}, {{"type", "collect"}}}}});
    for (const int64_t stage : {0, 1}) {
      TraceStep record{{run, stage, 0}, stage == 0 ? "rl" : "gather", {}, {}};
      for (const char* answer : {"2", "2", "3", "4"}) {
        Trace& trace = record.traces.emplace_back();
        trace.problem.prompt = "1+1";
        trace.problem.answer = "2";
        trace.trajectory.prompt = {1};
        trace.trajectory.completion = {2};
        trace.trajectory.sample = static_cast<int64_t>(record.traces.size()) - 1;
        trace.text = StrCat("<answer>", answer, "</answer>");
        trace.reward = 0.25;
      }
      store.AppendStep(record);
    }
  }
  const Outcome all = Retort({"traces", "rescore", file.string(), "--as", "all", "--json"});
  ASSERT_EQ(all.code, 0) << all.err;
  EXPECT_EQ(all.json()["became_right"], 4);
  EXPECT_EQ(all.json()["became_wrong"], 4);
  ASSERT_EQ(Retort({"traces", "rescore", file.string(), "--as", "some", "--limit", "3"}).code, 0);
  const datasets::TraceStore store(file, datasets::TraceStore::Mode::kRead);
  const auto rows = store
                        .Sql(
                            "SELECT layer, stage, reward, advantage, trained_reward FROM rescored "
                            "ORDER BY layer, id")
                        .rows;
  ASSERT_EQ(rows.size(), 11u);
  const double unit = 0.5 / (std::sqrt(1.0 / 3) + 1e-4);  // of rewards 1, 1, 0, 0
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i][4], 0.25);
    if (rows[i][0] == "some" || rows[i][1] == "gather") {
      EXPECT_TRUE(rows[i][3].is_null()) << "half a group, or no group of GRPO's";
    } else {
      EXPECT_EQ(rows[i][2], i < 2 ? 1.0 : 0.0);
      EXPECT_NEAR(rows[i][3].get<double>(), i < 2 ? unit : -unit, 1e-12);
    }
  }
}

}  // namespace
}  // namespace retort::cli::run_directory_test
