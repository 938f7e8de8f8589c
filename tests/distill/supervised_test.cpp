#include "distill/supervised.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "model/cost.h"
#include "tests/support/stage_run.h"

namespace retort::distill::supervised_test {
namespace {

using testing::StageRun;
using testing::StageSetup;

/// Everything is switched on: the decay begins at step 4, the end is measured at step 8.
SupervisedOptions BaseOptions() {
  SupervisedOptions o;
  o.problems = testing::StageProblems(10);
  o.reasoning_share = 0.5;
  o.until.every = 4;
  o.until.problems = testing::StageProblems(3);
  o.until.decay_reasoning_accuracy = 0;
  o.until.min_reasoning_accuracy = 0;
  o.until.sampling.max_completion_length = 12;
  o.training.steps = 10;
  o.training.batch_size = 4;
  o.training.micro_batch_tokens = 60;
  o.training.logging_steps = 2;
  o.training.decay_steps = 3;
  o.training.save_steps = 2;
  o.training.optimizer = {.learning_rate = 0.01,
                          .weight_decay = 0.1,
                          .max_grad_norm = 0.5,
                          .warmup_steps = 2,
                          .min_lr_ratio = 0.1};
  o.training.balance = {
      .router_bias_update_speed = 0.01, .seq_aux_loss_alpha = 0.01, .aux_loss_alpha = 0.01};
  return o;
}

/// No probe, no decay, no balance.
SupervisedOptions PlainOptions() {
  SupervisedOptions o = BaseOptions();
  o.until.every = 0;
  o.training.steps = 4;
  o.training.decay_steps = 0;
  o.training.logging_steps = 1;
  o.training.optimizer = {.learning_rate = 0.001};
  o.training.balance = {.router_bias_update_speed = 0};
  return o;
}

StageRun Learn(const SupervisedOptions& options,
               const StageSetup& setup = {testing::StagePolicyConfig()}) {
  return testing::RunStage(
      setup, [&](const train::StageContext& context) { return RunSupervised(context, options); });
}

SupervisedOptions With(const Json& changes, SupervisedOptions options = BaseOptions()) {
  ReadOptions(changes, "options", options);
  return options;
}

TEST(Supervised, EveryOptionHasAnEffect) {
  const std::map<std::string, Json> changes = {{"reward", Json::array({{{"verifier", "format"}}})},
                                               {"problems", {{"generator", {{"seed", 7}}}}},
                                               {"reasoning_share", 1},
                                               {"learn_prompt", true},
                                               {"steps", 3},
                                               {"num_train_epochs", 2},  // 5 steps
                                               {"batch_size", 3},
                                               {"micro_batch_tokens", 400},
                                               {"logging_steps", 3},
                                               {"decay_steps", 2},
                                               {"save_steps", 3},
                                               {"max_tera_operations", 1e-9},
                                               {"learning_rate", 0.02},
                                               {"adam_beta1", 0.5},
                                               {"adam_beta2", 0.5},
                                               {"adam_epsilon", 0.01},
                                               {"weight_decay", 0},
                                               {"max_grad_norm", 0.001},
                                               {"warmup_steps", 1},
                                               {"min_lr_ratio", 0.5},
                                               {"router_bias_update_speed", 0},
                                               {"seq_aux_loss_alpha", 0},
                                               {"aux_loss_alpha", 0}};
  const std::map<std::string, Json> probe_changes = {{"every", 5},
                                                     {"problems", {{"generator", {{"seed", 7}}}}},
                                                     {"samples", 3},
                                                     {"decay_reasoning_accuracy", 1},
                                                     {"min_reasoning_accuracy", 1}};
  const std::map<std::string, Json> sampling_changes = {{"temperature", 0.1},
                                                        {"top_k", 1},
                                                        {"top_p", 0.1},
                                                        {"min_p", 0.9},
                                                        {"stop", {"<answer>"}},
                                                        {"max_completion_length", 3},
                                                        {"repetition_penalty", 3},
                                                        {"presence_penalty", -100},
                                                        {"frequency_penalty", -100}};
  const std::string base = Learn(BaseOptions()).Everything();
  EXPECT_EQ(Learn(BaseOptions()).Everything(), base);
  const Json all = WriteOptions(BaseOptions()), of_files = WriteOptions(TextOptions());
  const auto expect_changes = [&](const Json& all, const std::map<std::string, Json>& rows,
                                  const std::function<Json(const Json&)>& wrap) {
    for (const auto& [key, value] : all.items()) {
      if (key == "until" || key == "sampling" || key == "lr_scheduler_type") continue;
      if (key == "save_total_limit") continue;  // the run's: tests/recipes/run_resume_test.cpp
      if (of_files.contains(key)) continue;     // text_stage_test.cpp
      ASSERT_TRUE(rows.contains(key)) << "a new option needs a row here: " << key;
      EXPECT_NE(Learn(With(wrap({{key, rows.at(key)}}))).Everything(), base) << key;
    }
  };
  expect_changes(all, changes, [](const Json& change) { return change; });
  expect_changes(all["until"], probe_changes, [](const Json& change) -> Json {
    return {{"until", change}};
  });
  expect_changes(all["until"]["sampling"], sampling_changes, [](const Json& change) -> Json {
    return {{"until", {{"sampling", change}}}};
  });
  const SupervisedOptions plain = PlainOptions();  // a schedule of its own excludes the decay
  EXPECT_NE(Learn(With({{"lr_scheduler_type", "linear"}}, plain)).Everything(),
            Learn(plain).Everything());
}

TEST(Supervised, MetricsAreThoseOfTheTokensSeen) {
  for (const bool learn_prompt : {false, true}) {
    SupervisedOptions options = PlainOptions();
    options.learn_prompt = learn_prompt;
    options.reasoning_share = 0;
    options.training.batch_size = 10;  // an epoch: the order does not matter
    options.training.steps = 1;
    const StageRun run = Learn(options);
    const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
    const Executor executor(1);
    nn::Compute compute(executor);
    const auto model = model::NewModel(testing::StagePolicyConfig(), 1);
    testing::SetWeights(run.before, *model);
    model::Workspace workspace(compute);
    train::MicroBatch batch;
    for (const Problem& problem : train::GetProblems(options.problems)) {
      batch.Add({model::RenderPrompt(tokenizer, model::PromptTemplate::kShort, problem.prompt),
                 {model::RenderCompletion(tokenizer, {"", problem.answer})},
                 learn_prompt});
    }
    double loss = 0;
    const auto weights = model->Packed(compute);
    for (const float l : train::ScoreWith(*weights, workspace, batch).logprob) loss -= l;
    loss /= static_cast<double>(batch.predictions());
    EXPECT_NEAR(run.Metric(0, "loss"), loss, 1e-6 * loss);
    const auto tokens = static_cast<double>(batch.batch().size());
    EXPECT_EQ(run.Metric(0, "num_tokens"), tokens);
    EXPECT_EQ(run.Metric(0, "operations"),
              6 * tokens *
                  static_cast<double>(model::CountParameters(testing::StagePolicyConfig()).active));
    EXPECT_EQ(run.report.details["final_loss"].get<double>(), run.Metric(0, "loss"));
    EXPECT_GT(run.Metric(0, "grad_norm"), 0);
  }
}

TEST(Supervised, MicroBatchesDoNotChangeTheStep) {
  SupervisedOptions options = PlainOptions();
  options.training.steps = 1;
  options.training.balance.seq_aux_loss_alpha = 0.1;
  options.training.micro_batch_tokens = 1 << 20;
  const StageRun whole = Learn(options);
  for (const int64_t tokens : {1, 30, 70}) {
    options.training.micro_batch_tokens = tokens;
    const StageRun cut = Learn(options);
    for (const char* name : {"loss", "grad_norm", "balance_loss"}) {
      EXPECT_NEAR(cut.Metric(0, name), whole.Metric(0, name), 1e-6 * whole.Metric(0, name)) << name;
    }
    double difference = 0, norm = 0;
    for (size_t i = 0; i < whole.after.size(); ++i) {
      difference += std::pow(double{cut.after[i]} - whole.after[i], 2);
      norm += std::pow(double{whole.after[i]}, 2);
    }
    EXPECT_LT(std::sqrt(difference / norm), 1e-6) << tokens;
  }
}

// Sums, norms and means go through the reduce, all of them: else something would be twice as large.
TEST(Supervised, TwoRanksWithTheSameBatchLearnWhatOneLearns) {
  const StageSetup one{.config = testing::StagePolicyConfig()};
  const StageSetup two{.config = testing::StagePolicyConfig(),
                       .reduce = testing::AlsoHeldByAnother()};
  EXPECT_EQ(Learn(BaseOptions(), two).Everything(), Learn(BaseOptions(), one).Everything());
}

TEST(Supervised, TheProbeBeginsTheDecayAndEndsTheStage) {
  const StageRun run = Learn(BaseOptions());
  EXPECT_EQ(run.report.steps, 8);
  std::vector<int64_t> logged;
  for (const auto& step : run.steps) logged.push_back(step.key.step + 1);
  EXPECT_EQ(logged, (std::vector<int64_t>{2, 4, 6, 8}));
  EXPECT_EQ(run.saved, (std::vector<int64_t>{2, 4, 6, 8}));
  for (const char* name : {"probe/accuracy", "probe/reasoning_share", "probe/reasoning_accuracy",
                           "probe/reasoning_accuracy/addition", "probe/direct_accuracy/addition"}) {
    EXPECT_TRUE(run.HasMetric(1, name)) << name;
    EXPECT_FALSE(run.HasMetric(0, name)) << name;
  }
  EXPECT_DOUBLE_EQ(run.Metric(1, "learning_rate"), 0.01);
  // Steps 4, 5, 6 of the decay: 3/3, 2/3 and 1/3 of the way above the floor of a tenth, then 0.
  EXPECT_DOUBLE_EQ(run.Metric(2, "learning_rate"), 0.01 * (0.1 + 0.9 * 2 / 3));
  EXPECT_DOUBLE_EQ(run.Metric(3, "learning_rate"), 0.01 * 0.1);
  SupervisedOptions hard = BaseOptions();
  hard.until.decay_reasoning_accuracy = hard.until.min_reasoning_accuracy = 1;
  hard.until.problems = testing::StageProblems(20);
  EXPECT_EQ(Learn(hard).report.steps, 10);
}

// A budget of about ten steps fits every schedule to those ten, however many `steps` allows.
TEST(Supervised, ABudgetOfOperationsFitsTheFallOfTheRate) {
  SupervisedOptions options = PlainOptions();
  options.training.steps = 10;
  const StageRun whole = Learn(options);
  for (const Json& schedule : {Json{{"lr_scheduler_type", "linear"}}, Json{{"decay_steps", 5}}}) {
    SupervisedOptions budgeted = With(schedule, options);
    budgeted.training.steps = 100000;
    budgeted.training.logging_steps = 9;  // the last step is logged all the same
    budgeted.training.budget.max_tera_operations = whole.report.operations / 1e12;
    const StageRun run = Learn(budgeted);
    EXPECT_EQ(run.report.steps, 10);
    ASSERT_EQ(run.steps.size(), 2u);
    EXPECT_DOUBLE_EQ(run.Metric(1, "operations"), run.report.operations);
    EXPECT_LT(run.Metric(1, "learning_rate"), 0.0005) << schedule;
    EXPECT_GT(run.Metric(1, "learning_rate"), 0) << schedule;
  }
}

TEST(Supervised, EpochsCountTheExamples) {
  SupervisedOptions options = PlainOptions();
  options.training.num_train_epochs = 1.5;  // 15 of 10 examples, 4 at a time
  EXPECT_EQ(Learn(options).report.steps, 4);
  options.training.num_train_epochs = 2.01;
  EXPECT_EQ(Learn(options).report.steps, 6);
}

TEST(Supervised, RefusesDecayBesideASchedule) {
  EXPECT_THROW(Learn(With({{"lr_scheduler_type", "cosine"}})), Error);
  EXPECT_THROW(Learn(With({{"decay_steps", 11}})), Error);
}

}  // namespace
}  // namespace retort::distill::supervised_test
