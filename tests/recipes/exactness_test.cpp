// A run ends in the same bits whatever happens to it on the way (DESIGN laws 1 and 10).

#include <sys/resource.h>

#include <algorithm>
#include <memory>

#include "base/random.h"
#include "tests/recipes/run_fixture.h"

namespace retort::recipes::exactness_test {
namespace {

class RunExactness : public RunFixture {
 protected:
  void SetUp() override {
    RunFixture::SetUp();
    whole_ = folder_ / "whole";
    RunWhole(recipe_, whole_, {});
  }

  /// Resumes until the run is done and compares it with the unbroken one.
  void FinishAndCompare(const fs::path& out, const std::string& how) {
    const ChildEnd end = GoOn(recipe_, out, {.threads = 2});
    ASSERT_TRUE(!end.killed && end.code == 0) << how << ": " << end.message;
    ExpectSame(out, whole_, how);
  }

  Json recipe_ = SmallRecipe();
  fs::path whole_;
};

TEST_F(RunExactness, ThreadsDoNotMatter) {
  for (const int threads : {2, 3}) {
    const fs::path out = folder_ / StrCat(threads);
    RunWhole(recipe_, out, {.threads = threads});
    ExpectSame(out, whole_, StrCat(threads, " threads"));
  }
}

TEST_F(RunExactness, TheRecipeIsWorthTesting) {
  // Otherwise equal bits would mean little: the policy has learned from rewards that differ.
  const datasets::TraceStore store(whole_ / "traces.db", datasets::TraceStore::Mode::kRead);
  int64_t informative = 0;
  for (const datasets::MetricPoint& point : store.Metric(1, "reward_std")) {
    informative += point.value > 0;
  }
  EXPECT_EQ(informative, 4);
  for (const datasets::MetricPoint& point : store.Metric(1, "grad_norm")) {
    EXPECT_GT(point.value, 0) << point.stage;
  }
  for (const auto& point : store.Metric(1, "sampling/sampling_logp_difference/max")) {
    EXPECT_EQ(point.value, 0);
  }
  EXPECT_EQ(store.Metric(1, "kl").size(), 4u);
  EXPECT_GT(store.Metric(1, "kl").back().value, 0);
  EXPECT_EQ(store.Metric(1, "probe/accuracy").size(), 2u);
  EXPECT_EQ(store.Stats().at(0).steps, 7);  // 7, 14, 18 (decay), 21, 28, 35, 36 (end)
}

TEST_F(RunExactness, KilledAtEveryFaultPoint) {
  const std::vector<std::pair<const char*, std::vector<int>>> passages = {
      {"db-in-transaction", {1, 2, 5, 13}},  {"db-after-commit", {1, 2, 5, 17}},
      {"file-before-rename", {1, 2, 5, 25}}, {"file-after-rename", {1, 2, 5, 40}},
      {"checkpoint-write", {1, 2, 5}},       {"folder-before-rename", {1, 2, 5}},
      {"folder-after-rename", {1, 2, 5}},    {"folder-removal", {1, 2, 4}}};
  for (const auto& [point, numbers] : passages) {
    for (const int passage : numbers) {
      const std::string kill = StrCat(point, ":", passage);
      const fs::path out = folder_ / ReplaceAll(kill, ":", "-");
      const ChildEnd end = RunChild(recipe_, out, {.environment = {{"RETORT_KILL_AT", kill}}});
      EXPECT_TRUE(end.killed) << kill << " was not passed";
      FinishAndCompare(out, kill);
      fs::remove_all(out);
    }
  }
}

TEST_F(RunExactness, KilledAtRandomMoments) {
  RandomStream random({.seed = 1, .purpose = "kills"});
  const fs::path out = folder_ / "out";
  int kills = 0;
  for (int attempt = 0; attempt < 40 && kills < 8; ++attempt) {
    How how;
    how.threads = 1 + static_cast<int>(random.Below(2));
    how.resume = fs::exists(out / "recipe.json");
    const pid_t child = Start(recipe_, out, how);
    ::usleep(static_cast<useconds_t>(random.Below(600'000)));
    ::kill(child, SIGKILL);
    const ChildEnd end = Wait(child);
    ASSERT_TRUE(end.killed || end.code == 0) << end.message;
    kills += end.killed;
    if (!end.killed) {  // it was done: begin again
      ExpectSame(out, whole_, StrCat("after ", kills, " kills"));
      fs::remove_all(out);
    }
  }
  EXPECT_EQ(kills, 8);
  FinishAndCompare(out, "random kills");
}

TEST_F(RunExactness, KilledTwiceInTheSameSteps) {
  // What awaits replay must survive a second kill before it was used.
  const fs::path out = folder_ / "out";
  const auto kill = [&](const char* where) {
    How how;
    how.environment["RETORT_KILL_AT"] = where;
    EXPECT_TRUE(GoOn(recipe_, out, how).killed) << where;
  };
  kill("db-after-commit:16");
  kill("db-in-transaction:2");
  kill("db-in-transaction:3");
  FinishAndCompare(out, "three kills");
}

TEST_F(RunExactness, StoppedOnRequestAtEveryStep) {
  const fs::path out = folder_ / "out";
  int sessions = 0, interrupted = 0;
  for (bool done = false; !done && sessions < 40; ++sessions) {
    How how;
    how.watch = [](RunEvents& events) {
      auto asked = std::make_shared<int>(0);
      events.stop_requested = [asked] { return ++*asked > 3; };
    };
    const ChildEnd end = GoOn(recipe_, out, how);
    ASSERT_TRUE(end.code == 0 || end.code == 3) << end.message;
    done = end.code == 0;
    if (!done && ++interrupted == 1) {
      EXPECT_TRUE(fs::exists(out / "checkpoint-4" / "trainer_state.json"));
      EXPECT_FALSE(fs::exists(out / "final"));
    }
  }
  EXPECT_GT(interrupted, 5);
  // Every stop saved, so that there are more checkpoints on record.
  ExpectSame(out, whole_, "stopped often", "table checkpoints");
}

TEST_F(RunExactness, AFullDiskLosesNothing) {
  for (const rlim_t limit : {500, 6'000, 60'000, 90'000, 150'000, 250'000}) {
    const fs::path out = folder_ / StrCat(limit);
    How how;
    how.prepare = [limit] {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit rule{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &rule);
    };
    const ChildEnd end = RunChild(recipe_, out, how);
    if (end.code == 0) continue;
    EXPECT_EQ(end.message.find("not a retort::Error"), std::string::npos) << end.message;
    EXPECT_NE(end.message.find(out.string()), std::string::npos) << end.message;
    EXPECT_NE(end.message.find("space"), std::string::npos) << end.message;
    EXPECT_FALSE(fs::exists(out / "final"));
    for (const auto& entry : fs::directory_iterator(out)) {
      if (!entry.is_directory() || entry.path().filename() == "tb") continue;
      for (const char* file : {"model.safetensors", "optimizer.safetensors", "trainer_state.json",
                               "config.json", "tokenizer.json"}) {
        EXPECT_TRUE(fs::exists(entry.path() / file)) << entry.path() / file;
      }
    }
    FinishAndCompare(out, StrCat("file-size limit ", limit));
  }
}

}  // namespace
}  // namespace retort::recipes::exactness_test
