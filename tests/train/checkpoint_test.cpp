#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/support/stage_run.h"

namespace retort::train::checkpoint_test {
namespace {

namespace fs = std::filesystem;
using testing::AllWeights;

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() { Teach(learner_, 3); }

  /// Steps on one example, enough for moments and router biases to be anything but zero.
  void Teach(Learner& learner, int steps) {
    for (int step = 0; step < steps; ++step) {
      MicroBatch batch;
      batch.Add({{1, 2, 3}, {{4, 5, 6, static_cast<int32_t>(7 + step)}}});
      learner.Accumulate(batch, 1, 1, [](const Scores& scores) {
        return ScoreGradients{std::vector<float>(scores.logprob.size(), -0.25f), {}};
      });
      learner.Step(0.01);
      learner.BalanceRouters();
    }
  }
  std::unique_ptr<model::LanguageModel> NewModel(uint64_t seed) {
    return model::NewModel(testing::StagePolicyConfig(), seed);
  }
  void Save(const TrainerState& state = {}) {
    SaveCheckpoint(at_, "me",
                   {.model = model_.get(),
                    .tokenizer = &tokenizer_,
                    .generation = {},
                    .optimizer = &learner_.optimizer(),
                    .reference = reference_.get()},
                   state);
  }
  std::string OptimizerMessage(const model::LanguageModel& model) {
    return ErrorOf([&] {
      nn::AdamW optimizer({}, model.values());
      LoadOptimizer(at_, optimizer);
    });
  }
  static void ExpectHas(const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
  }

  TemporaryFolder folder_;
  fs::path at_ = folder_.path() / "checkpoint-3";
  Executor executor_{1};
  nn::Compute compute_{executor_};
  model::Tokenizer tokenizer_ = model::Tokenizer::ByteLevel();
  std::unique_ptr<model::LanguageModel> model_ = NewModel(1), reference_ = NewModel(2);
  Learner learner_{*model_, compute_};
};

TEST_F(CheckpointTest, TheStateComesBack) {
  const TrainerState state{.recipe_hash = "0123456789abcdef",
                           .model = "policy",
                           .stage = "grpo \"é\"",
                           .stage_index = 3,
                           .step = 17,
                           .global_step = int64_t{1} << 40,
                           .stage_state = {{"phase", "decay"}, {"x", 0.1}, {"list", {1, 2}}},
                           .environment = Environment()};
  Save(state);
  const TrainerState got = ReadTrainerState(at_);
  EXPECT_EQ(got.recipe_hash, state.recipe_hash);
  EXPECT_EQ(got.model, state.model);
  EXPECT_EQ(got.stage, state.stage);
  EXPECT_EQ(got.stage_index, state.stage_index);
  EXPECT_EQ(got.step, state.step);
  EXPECT_EQ(got.global_step, state.global_step);
  EXPECT_EQ(got.stage_state, state.stage_state);
  EXPECT_EQ(got.environment, state.environment);
  for (const char* key : {"retort", "instruction_set", "compiler"}) {
    EXPECT_FALSE(got.environment.at(key).get<std::string>().empty()) << key;
  }
}

TEST_F(CheckpointTest, TrainingGoesOnInTheSameBits) {
  Save();
  const model::Pretrained opened = model::LoadPretrained(at_);
  EXPECT_EQ(AllWeights(*opened.model), AllWeights(*model_));
  Learner again(*opened.model, compute_);
  LoadOptimizer(at_, again.optimizer());
  EXPECT_EQ(again.optimizer().steps(), 3);
  nn::AdamW& optimizer = learner_.optimizer();
  EXPECT_EQ(testing::Numbers(again.optimizer().first()), testing::Numbers(optimizer.first()));
  EXPECT_EQ(testing::Numbers(again.optimizer().second()), testing::Numbers(optimizer.second()));
  double sum = 0;
  for (const float value : optimizer.second().numbers()) sum += value;
  EXPECT_GT(sum, 0);
  const auto reference = NewModel(3);
  LoadReference(at_, *reference);
  EXPECT_EQ(AllWeights(*reference), AllWeights(*reference_));
  EXPECT_NE(AllWeights(*reference), AllWeights(*model_));

  Teach(learner_, 2);
  Teach(again, 2);
  EXPECT_EQ(AllWeights(*opened.model), AllWeights(*model_));
}

TEST_F(CheckpointTest, HoldsOnlyWhatThereIs) {
  SaveCheckpoint(at_, "me", {.model = model_.get(), .tokenizer = &tokenizer_, .generation = {}},
                 {});
  EXPECT_FALSE(fs::exists(at_ / "optimizer.safetensors"));
  EXPECT_FALSE(fs::exists(at_ / "reference"));
  Save();  // a newer one takes its place, whole
  EXPECT_TRUE(fs::exists(at_ / "optimizer.safetensors"));
  EXPECT_TRUE(fs::exists(at_ / "reference" / "model.safetensors"));
  int64_t entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_.path())) ++entries;
  EXPECT_EQ(entries, 1);
}

TEST_F(CheckpointTest, ADamagedOptimizerIsNamed) {
  Save();
  const fs::path file = at_ / "optimizer.safetensors";
  const std::string bytes = ReadFile(file);
  for (const size_t size :
       {size_t{0}, size_t{7}, size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
    fs::resize_file(file, size);
    ExpectHas(OptimizerMessage(*model_), file.string());
    WriteFileAtomic(file, bytes);
  }
  EXPECT_EQ(OptimizerMessage(*model_), "(no error)");
  const auto student = model::NewModel(testing::StageStudentConfig(), 1);
  ExpectHas(OptimizerMessage(*student), file.string());
  model::DeepseekConfig wide = testing::StagePolicyConfig();
  wide.intermediate_size = 28;  // the same names, other shapes
  ExpectHas(OptimizerMessage(*model::NewModel(wide, 1)), "another shape");
  fs::remove(file);
  ExpectHas(OptimizerMessage(*model_), file.string());
  fs::remove_all(at_ / "reference");
  ExpectHas(ErrorOf([&] { LoadReference(at_, *reference_); }), "reference");
}

TEST_F(CheckpointTest, AMalformedStateIsNamed) {
  Save();
  const fs::path file = at_ / "trainer_state.json";
  const Json good = ParseJson(ReadFile(file), "state");
  const auto message = [&](const std::string& text) {
    WriteFileAtomic(file, text);
    return ErrorOf([&] { ReadTrainerState(at_); });
  };
  for (const std::string text : {"", "{", "{}", "[]", "null", "7"}) {
    ExpectHas(message(text), file.string());
  }
  for (const char* key : {"recipe_hash", "model", "stage", "stage_index", "step", "global_step",
                          "stage_state", "environment"}) {
    Json json = good;
    json.erase(key);
    ExpectHas(message(json.dump()), key);
  }
  for (const char* key : {"recipe_hash", "stage_index", "step", "global_step"}) {
    Json json = good;
    json[key] = Json::array();
    ExpectHas(message(json.dump()), file.string());
  }
  for (const char* key : {"stage_index", "step", "global_step"}) {
    for (const Json& value : {Json(-1), Json(1.5), Json(UINT64_MAX)}) {
      Json json = good;
      json[key] = value;
      ExpectHas(message(json.dump()), key);
    }
  }
  EXPECT_EQ(message(good.dump()), "(no error)");
  for (const Json& steps : {Json("three"), Json(nullptr), Json(-1), Json(2.5), Json(UINT64_MAX)}) {
    Json json = good;
    json["optimizer_steps"] = steps;
    WriteFileAtomic(file, json.dump());
    ExpectHas(OptimizerMessage(*model_), "optimizer_steps");
  }
  Json json = good;
  json.erase("optimizer_steps");
  WriteFileAtomic(file, json.dump());
  ExpectHas(OptimizerMessage(*model_), "optimizer_steps");
  fs::remove(file);
  ExpectHas(ErrorOf([&] { ReadTrainerState(at_); }), file.string());
}

}  // namespace
}  // namespace retort::train::checkpoint_test
