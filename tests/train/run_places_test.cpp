#include "train/run_places.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "tests/support/error_of.h"

namespace retort::train::run_places_test {
namespace {
namespace fs = std::filesystem;

/// A run directory as far as paths go: traces.db, checkpoints, and final/ once it is finished.
class RunPlacesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(run_);
    Write(run_ / "traces.db", "");
    Checkpoint("checkpoint-9", 0, 9);
    Checkpoint("checkpoint-12", 1, 3);  // of a later stage
    fs::create_directories(run_ / "checkpoint-best");
    fs::create_directories(run_ / "checkpoint-99");  // unfinished: no state
  }
  static void Write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  void Checkpoint(const std::string& name, int64_t stage, int64_t step) const {
    Model(run_ / name);
    const Json state{{"recipe_hash", ""},    {"model", "policy"}, {"stage", "learn"},
                     {"stage_index", stage}, {"step", step},      {"global_step", step},
                     {"stage_state", {}},    {"environment", {}}};
    Write(run_ / name / "trainer_state.json", state.dump());
  }
  static void Model(const fs::path& folder) {
    fs::create_directories(folder);
    Write(folder / "config.json", "{}");
  }

  TemporaryFolder folder_;
  fs::path run_ = folder_.path() / "run";
};

TEST_F(RunPlacesTest, ARunIsItsNewestCheckpointUntilItIsFinished) {
  const ModelPlace newest = FindModel(run_);
  EXPECT_EQ(newest.folder, run_ / "checkpoint-12");
  EXPECT_NE(newest.note.find("checkpoint-12, model 'policy' after step 3 of stage 'learn'"),
            std::string::npos)
      << newest.note;
  Model(run_ / "final");
  for (const fs::path& path : {run_, run_ / "", run_ / "final", run_ / "final" / "",
                               run_ / "traces.db", run_ / "final" / "config.json"}) {
    const ModelPlace place = FindModel(path);
    EXPECT_TRUE(fs::equivalent(place.folder, run_ / "final")) << path;
    EXPECT_EQ(place.note, "");
  }
  EXPECT_EQ(FindModel(run_ / "checkpoint-9").folder, run_ / "checkpoint-9");
}

TEST_F(RunPlacesTest, EveryPlaceOfARunLeadsToItsTraces) {
  Model(run_ / "final");
  for (const fs::path& path : {run_, run_ / "", run_ / "final", run_ / "final" / "",
                               run_ / "checkpoint-9", run_ / "traces.db"}) {
    EXPECT_TRUE(fs::equivalent(FindTraces(path), run_ / "traces.db")) << path;
  }
  const fs::path before = fs::current_path();
  fs::current_path(run_ / "final");
  EXPECT_TRUE(fs::equivalent(FindTraces("."), run_ / "traces.db"));
  EXPECT_TRUE(fs::equivalent(FindTraces("../final"), run_ / "traces.db"));
  EXPECT_TRUE(fs::equivalent(FindModel("..").folder, run_ / "final"));
  fs::current_path(before);
}

TEST_F(RunPlacesTest, WhatIsMissingIsNamed) {
  const fs::path nowhere = folder_.path() / "nowhere", empty = folder_.path() / "empty";
  fs::create_directory(empty);
  EXPECT_NE(ErrorOf([&] { FindModel(nowhere); }).find("nowhere: no such file or folder"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { FindTraces(nowhere); }).find("nowhere: no such file or folder"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { FindModel(empty); }).find("neither config.json nor final/"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { FindTraces(empty); }).find("without traces.db"), std::string::npos);
  Model(empty);  // a model folder of no run
  EXPECT_NE(ErrorOf([&] { FindTraces(empty); }).find("none beside it"), std::string::npos);
}

}  // namespace
}  // namespace retort::train::run_places_test
