#include "rl/grpo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/strings.h"
#include "model/cost.h"
#include "tests/support/stage_run.h"
#include "tests/support/trace_step.h"
#include "train/accuracy.h"
#include "train/evaluation.h"

namespace retort::rl::grpo_test {
namespace {

using testing::StageRun;
using testing::StageSetup;

/// Everything is switched on, so that every option has something to act on.
GrpoOptions BaseOptions() {
  GrpoOptions o;
  o.problems = testing::StageProblems();
  o.reward = {{"math", 1, Json::object()}, {"format", 0.5, {{"require_think", false}}}};
  o.steps = 2;
  o.prompts_per_step = 4;
  o.num_generations = 4;
  o.num_iterations = 2;
  o.minibatches = 2;
  o.micro_batch_tokens = 40;
  o.save_steps = 1;
  o.loss.epsilon = 0.05;
  o.loss.epsilon_high = 0.06;
  o.loss.beta = 0.05;
  o.loss.mask_truncated_completions = true;
  o.loss.entropy_coef = 0.01;
  o.sampling.max_completion_length = 6;
  o.optimizer = {.learning_rate = 0.01,
                 .weight_decay = 0.1,
                 .lr_scheduler_type = nn::Schedule::kLinear,
                 .warmup_steps = 2,
                 .min_lr_ratio = 0.1};
  o.balance = {
      .router_bias_update_speed = 0.01, .seq_aux_loss_alpha = 0.01, .aux_loss_alpha = 0.01};
  return o;
}

/// One update per rollout and nothing but the policy loss.
GrpoOptions PlainOptions() {
  GrpoOptions o = BaseOptions();
  o.num_iterations = o.minibatches = 1;
  o.micro_batch_tokens = 1 << 20;
  o.sampling.max_completion_length = 12;
  o.loss = {};
  o.balance = {.router_bias_update_speed = 0};
  o.optimizer = {.learning_rate = 0.001};
  return o;
}

StageRun Learn(const GrpoOptions& options,
               const StageSetup& setup = {testing::StagePolicyConfig()}) {
  return testing::RunStage(
      setup, [&](const train::StageContext& context) { return RunGrpo(context, options); });
}

GrpoOptions With(const Json& changes, GrpoOptions options = BaseOptions()) {
  ReadOptions(changes, "options", options);
  return options;
}

/// A rollout that has something to correct.
GrpoOptions CorrectedOptions() {
  GrpoOptions o = BaseOptions();
  o.rollout_dtype = nn::Dtype::kFloat8E4M3;
  o.importance = {
      .mode = train::ImportanceMode::kTokenTruncate, .clip_max = 1.01, .clip_min = 0.99};
  return o;
}

TEST(Grpo, EveryOptionHasAnEffect) {
  const std::map<std::string, Json> changes = {{"reward", Json::array({{{"verifier", "format"}}})},
                                               {"problems", {{"generator", {{"seed", 7}}}}},
                                               {"steps", 3},
                                               {"prompts_per_step", 5},
                                               {"num_generations", 5},
                                               {"num_iterations", 1},
                                               {"minibatches", 4},
                                               {"ref_model_sync_steps", 1},
                                               {"micro_batch_tokens", 400},
                                               {"shuffle_advantages", true},
                                               {"save_steps", 2},
                                               {"rollout_dtype", "q8_0"},
                                               {"importance_sampling_correction", false},
                                               {"importance_sampling_mode", "token_mask"},
                                               {"importance_sampling_clip_max", 1.02},
                                               {"importance_sampling_clip_min", nullptr},
                                               {"max_tera_operations", 1e-9},
                                               {"scale_rewards", "none"},
                                               {"loss_type", "grpo"},
                                               {"epsilon", 0.5},
                                               {"epsilon_high", 0.5},
                                               {"beta", 0.5},
                                               {"kl_estimator", "k1"},
                                               {"mask_truncated_completions", false},
                                               {"entropy_coef", 0},
                                               {"temperature", 0.7},
                                               {"max_completion_length", 5},
                                               {"stop", {"1"}},
                                               {"learning_rate", 0.02},
                                               {"adam_beta1", 0.5},
                                               {"adam_beta2", 0.5},
                                               {"adam_epsilon", 0.01},
                                               {"weight_decay", 0},
                                               {"max_grad_norm", 0.001},
                                               {"lr_scheduler_type", "cosine"},
                                               {"warmup_steps", 1},
                                               {"min_lr_ratio", 0.5},
                                               {"router_bias_update_speed", 0},
                                               {"seq_aux_loss_alpha", 0},
                                               {"aux_loss_alpha", 0}};
  const std::set<std::string> refused = {
      "top_k", "top_p", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty"};
  // tests/recipes/run_resume_test.cpp, WhatIsUnjudgedIsWrongToThePolicyOrSkipped
  const std::set<std::string> elsewhere = {"save_total_limit", "unjudged"};
  const std::string base = Learn(CorrectedOptions()).Everything();
  EXPECT_EQ(Learn(CorrectedOptions()).Everything(), base);
  const Json all = WriteOptions(CorrectedOptions());
  for (const auto& [key, value] : all.items()) {
    if (refused.contains(key) || elsewhere.contains(key)) continue;
    ASSERT_TRUE(changes.contains(key)) << "a new option needs a row here: " << key;
    EXPECT_NE(Learn(With({{key, changes.at(key)}}, CorrectedOptions())).Everything(), base) << key;
  }
  GrpoOptions weights = CorrectedOptions();
  weights.reward[1].weight = 0.25;
  EXPECT_NE(Learn(weights).Everything(), base);
}

TEST(Grpo, TheNameOfTheStageAndTheSeedChooseTheStreams) {
  const auto text = [](const StageSetup& setup) {
    std::string all;
    for (const Trace& trace : Learn(PlainOptions(), setup).traces) all += trace.text + "\n";
    return all;
  };
  const model::ModelConfig config = testing::StagePolicyConfig();
  const std::string base = text({config});
  EXPECT_NE(text({.config = config, .seed = 2}), base);
  EXPECT_NE(text({.config = config, .name = "other"}), base);
  EXPECT_NE(text({.config = config, .prompt_template = model::PromptTemplate::kR1Zero}), base);
}

class GrpoKinds : public ::testing::TestWithParam<testing::NamedConfig> {};

double RewardOf(const Trace& trace, const GrpoOptions& options) {
  double reward = 0;
  for (size_t j = 0; j < options.reward.size(); ++j) {
    EXPECT_EQ(trace.verdicts.at(j).verifier, options.reward[j].verifier);
    reward += options.reward[j].weight * trace.verdicts[j].verdict.score;
  }
  return reward;
}

TEST_P(GrpoKinds, EveryMetricFollowsFromTheStoredTraces) {
  GrpoOptions options = PlainOptions();
  options.loss.beta = 0.1;
  options.optimizer.warmup_steps = 5;
  const StageRun run = Learn(options, {GetParam().config});
  const auto count = static_cast<size_t>(options.prompts_per_step * options.num_generations);
  ASSERT_EQ(run.steps.size(), 2u);
  ASSERT_EQ(run.traces.size(), 2 * count);
  const auto active = static_cast<double>(model::CountParameters(GetParam().config).active);
  double tokens = 0, operations = 0, sampling_operations = 0;
  for (size_t step = 0; step < 2; ++step) {
    const std::span<const Trace> traces(run.traces.data() + step * count, count);
    std::vector<double> rewards;
    double sum = 0, right = 0, reasoning = 0, reasoning_right = 0, length = 0, clipped = 0;
    double shortest = 1e9, longest = 0, zero = 0, advantages = 0, learned = 0, prompts = 0;
    std::map<std::string, double> by_judge, outcomes;
    for (const Trace& trace : traces) {
      EXPECT_EQ(trace.step, static_cast<int64_t>(step));
      EXPECT_EQ(trace.policy_version, static_cast<int64_t>(step));
      EXPECT_EQ(trace.trajectory.logprobs.size(), trace.trajectory.completion.size());
      rewards.push_back(RewardOf(trace, options));
      EXPECT_EQ(trace.reward, rewards.back());
      sum += rewards.back();
      const bool correct = std::ranges::all_of(trace.verdicts, [](const NamedVerdict& v) {
        return v.verdict.status == VerdictStatus::kRight;
      });
      for (const auto& [name, verdict] : trace.verdicts) {
        by_judge[name] += verdict.score;
        ++outcomes[StrCat("rewards/", name, "/", retort::Split(verdict.reason, '/').front())];
      }
      const bool reasons = train::Reasons(trace.text);
      const auto size = static_cast<double>(trace.trajectory.completion.size());
      right += correct;
      reasoning += reasons;
      reasoning_right += reasons && correct;
      length += size;
      clipped += trace.trajectory.finish == FinishReason::kLength;
      shortest = std::min(shortest, size);
      longest = std::max(longest, size);
    }
    const auto n = static_cast<double>(count);
    const auto size = static_cast<size_t>(options.num_generations);
    for (size_t begin = 0; begin < count; begin += size) {
      double mean = 0, squares = 0;
      for (size_t i = begin; i < begin + size; ++i) mean += rewards[i] / static_cast<double>(size);
      for (size_t i = begin; i < begin + size; ++i) squares += std::pow(rewards[i] - mean, 2);
      const double std = std::sqrt(squares / static_cast<double>(size - 1));
      const auto [low, high] =
          std::minmax_element(rewards.begin() + begin, rewards.begin() + begin + size);
      if (*low == *high) zero += static_cast<double>(size);
      prompts += static_cast<double>(traces[begin].trajectory.prompt.size());
      for (size_t i = begin; i < begin + size; ++i) {
        EXPECT_EQ(traces[i].problem.id, traces[begin].problem.id);
        EXPECT_NEAR(traces[i].advantage, *low == *high ? 0 : (rewards[i] - mean) / (std + 1e-4),
                    1e-12);
        const auto own = static_cast<double>(traces[i].trajectory.completion.size());
        advantages += traces[i].advantage * own;
        learned += own - 1;
      }
    }
    learned += prompts;  // a group computes its prompt once
    double squares = 0;
    for (const double reward : rewards) squares += std::pow(reward - sum / n, 2);
    tokens += learned + length;
    operations += 6 * active * learned;
    sampling_operations += 2 * active * (length + prompts);
    const auto near = [&](const char* name, double expected, double tolerance = 1e-12) {
      EXPECT_NEAR(run.Metric(step, name), expected, tolerance * std::max(1.0, std::abs(expected)))
          << name << ", step " << step;
    };
    near("reward", sum / n);
    near("reward_std", std::sqrt(squares / (n - 1)));
    near("frac_reward_zero_std", zero / n);
    near("rewards/unjudged", 0);
    near("unjudged_share", 0);
    near("rewards/math/mean", by_judge["math"] / n);
    near("rewards/format/mean", by_judge["format"] / n);
    EXPECT_GE(outcomes.size(), 3u);
    for (const auto& [name, times] : outcomes) near(name.c_str(), times);
    near("accuracy", right / n);
    near("reasoning/share", reasoning / n);
    // Of nothing there is no accuracy.
    if (reasoning > 0) near("reasoning/accuracy", reasoning_right / reasoning);
    if (reasoning < n)
      near("reasoning/direct_accuracy", (right - reasoning_right) / (n - reasoning));
    near("completions/mean_length", length / n);
    near("completions/min_length", shortest);
    near("completions/max_length", longest);
    near("completions/clipped_ratio", clipped / n);
    near("num_tokens", tokens);
    near("operations", operations);
    near("sampling_operations", sampling_operations);
    near("learning_rate", nn::LearningRate(options.optimizer, static_cast<int64_t>(step), 2));
    near("sampling/sampling_logp_difference/max", 0, 0);
    near("sampling/sampling_logp_difference/mean", 0, 0);
    near("approx_kl", 0, 0);  // one update per rollout: every ratio is 1
    near("clip_ratio/low_mean", 0, 0);
    near("clip_ratio/high_mean", 0, 0);
    near("clip_ratio/region_mean", 0, 0);
    const double kl = run.Metric(step, "kl");
    if (step == 0) {
      EXPECT_EQ(kl, 0);  // the reference is where it starts; the first rate is 0
    }
    near("loss", options.loss.beta * kl - advantages / length, 1e-6);
    EXPECT_GT(run.Metric(step, "grad_norm"), 0);
    EXPECT_GT(run.Metric(step, "entropy"), 0);
    EXPECT_LT(run.Metric(step, "entropy"), std::log(264));
    EXPECT_GE(run.Metric(step, "step_time/judge"), 0);
    EXPECT_GT(run.Metric(step, "step_time"),
              run.Metric(step, "step_time/judge") + run.Metric(step, "step_time/update"));
    EXPECT_GT(run.Metric(step, "reward_std"), 0) << "nothing to learn from: choose other problems";
  }
  EXPECT_EQ(run.report.steps, 2);
  EXPECT_EQ(static_cast<double>(run.report.tokens), tokens);
  EXPECT_EQ(run.report.operations, operations);
  EXPECT_EQ(run.report.sampling_operations, sampling_operations);
  EXPECT_EQ(run.HasMetric(0, "moe/max_violation"), GetParam().name == "policy");
}

TEST_P(GrpoKinds, WhatWasSampledIsWhatIsTrainedOn) {
  for (const double temperature : {1.0, 0.7, 1.3}) {
    GrpoOptions options = BaseOptions();
    options.steps = 3;
    options.sampling.temperature = temperature;
    options.optimizer.warmup_steps = 0;
    const StageRun run = Learn(options, {.config = GetParam().config, .threads = 2});
    for (size_t step = 0; step < 3; ++step) {
      EXPECT_EQ(run.Metric(step, "sampling/sampling_logp_difference/max"), 0);
      EXPECT_NE(run.Metric(step, "approx_kl"), 0) << "later updates are off-policy";
    }
    EXPECT_NE(run.after, run.before);
  }
}

TEST_P(GrpoKinds, ARoundedPrecisionTrainsWhatItSampledAndSaysHowFarItIsFromFloat32) {
  constexpr auto kFloat32 = nn::Dtype::kFloat32, kBFloat16 = nn::Dtype::kBFloat16;
  GrpoOptions options = BaseOptions();
  options.num_iterations = options.minibatches = 1;
  options.optimizer.warmup_steps = 0;
  const StageRun exact = Learn(options, {.config = GetParam().config});
  EXPECT_FALSE(exact.HasMetric(0, "precision/logp_difference/max"));
  std::vector<nn::Precision> precisions{{kFloat32, kBFloat16}};
  if (nn::HasBFloat16()) precisions.push_back({kBFloat16, kBFloat16});
  for (const nn::Precision precision : precisions) {
    const StageRun run = Learn(options, {.config = GetParam().config, .precision = precision});
    for (size_t step = 0; step < 2; ++step) {
      EXPECT_EQ(run.Metric(step, "sampling/sampling_logp_difference/max"), 0);
      const double max = run.Metric(step, "precision/logp_difference/max");
      const double mean = run.Metric(step, "precision/logp_difference/mean");
      EXPECT_GT(mean, 0);
      EXPECT_GE(max, mean);
      EXPECT_LT(mean, 0.05);
    }
    EXPECT_NE(run.after, exact.after);
  }
}

TEST_P(GrpoKinds, AQuantizedRolloutIsCorrected) {
  for (const nn::Dtype dtype : {nn::Dtype::kFloat8E4M3, nn::Dtype::kQ8_0}) {
    GrpoOptions options = PlainOptions();
    options.steps = 1;
    options.rollout_dtype = dtype;
    options.importance = {.mode = train::ImportanceMode::kTokenTruncate, .clip_max = 1.001};
    const StageSetup setup{.config = GetParam().config};
    const StageRun run = Learn(options, setup);

    // What the stored traces say of it, with the weights that were there before the step.
    const Executor executor(1);
    nn::Compute compute(executor);
    const auto model = model::NewModel(setup.config, 1);
    testing::SetWeights(run.before, *model);
    model::Workspace workspace(compute);
    double sum = 0, most = 0, ratios = 0, least = 1e9, count = 0, advantages = 0;
    for (const Trace& trace : run.traces) {
      train::MicroBatch batch;
      batch.Add({trace.trajectory.prompt, {trace.trajectory.completion}});
      const train::Scores scores = train::ScoreWith(*model->Packed(compute), workspace, batch);
      for (size_t t = 0; t < scores.logprob.size(); ++t) {
        const float sampled = trace.trajectory.logprobs[t];
        const double difference = std::abs(scores.logprob[t] - sampled);
        const double ratio = std::min(1.001, std::exp(double{scores.logprob[t]} - sampled));
        sum += difference;
        most = std::max(most, difference);
        ratios += ratio;
        least = std::min(least, ratio);
        advantages += trace.advantage * ratio;
        ++count;
      }
    }
    EXPECT_GT(most, 1e-5);
    EXPECT_LT(sum / count, 0.05);
    const auto near = [&](const char* name, double want) {
      EXPECT_NEAR(run.Metric(0, name), want, 1e-6 * std::max(1.0, std::abs(want))) << name;
    };
    near("sampling/sampling_logp_difference/max", most);
    near("sampling/sampling_logp_difference/mean", sum / count);
    near("sampling/importance_sampling_ratio/min", least);
    near("sampling/importance_sampling_ratio/mean", ratios / count);
    near("sampling/importance_sampling_ratio/max", 1.001);
    near("approx_kl", 0);  // from the policy that learns, not from the one that was sampled
    near("loss", -advantages / count);

    options.importance.correction = false;
    const StageRun uncorrected = Learn(options, setup);
    EXPECT_FALSE(uncorrected.HasMetric(0, "sampling/importance_sampling_ratio/mean"));
    EXPECT_EQ(uncorrected.Metric(0, "sampling/sampling_logp_difference/max"),
              run.Metric(0, "sampling/sampling_logp_difference/max"));
  }
}

TEST_P(GrpoKinds, FurtherUpdatesOfAQuantizedRolloutKnowWhereTheyStarted) {
  GrpoOptions options = CorrectedOptions();
  options.steps = 1;
  options.minibatches = 1;
  options.num_iterations = 2;
  options.optimizer = {.learning_rate = 0};
  const StageRun run = Learn(options, {.config = GetParam().config});
  EXPECT_EQ(run.Metric(0, "approx_kl"), 0) << "nothing was learned: every ratio is 1, to the bit";
  EXPECT_GT(run.Metric(0, "sampling/sampling_logp_difference/mean"), 0);
  options.optimizer = {.learning_rate = 0.01};
  EXPECT_NE(Learn(options, {.config = GetParam().config}).Metric(0, "approx_kl"), 0);
}

TEST(Grpo, EachFormOfTheWeightsIsPackedOncePerUpdate) {
  GrpoOptions options = PlainOptions();
  options.steps = 3;
  EXPECT_EQ(Learn(options).packs, 3);  // the rollout and its update share a form
  options.rollout_dtype = nn::Dtype::kQ8_0;
  EXPECT_EQ(Learn(options).packs, 3 + 3);
  options.minibatches = 2;
  EXPECT_EQ(Learn(options).packs, 2 * 3 + 3);
}

TEST(Grpo, ARolloutOfTheSamePrecisionIsTheSameRun) {
  GrpoOptions options = BaseOptions();
  const std::string plain = Learn(options).Everything();
  options.rollout_dtype = nn::Dtype::kFloat32;
  EXPECT_EQ(Learn(options).Everything(), plain);
}

TEST_P(GrpoKinds, MicroBatchesDoNotChangeTheStep) {
  GrpoOptions options = PlainOptions();
  options.steps = 1;
  options.loss.beta = 0.1;
  options.loss.entropy_coef = 0.1;
  options.balance.seq_aux_loss_alpha = 0.1;
  const StageRun whole = Learn(options, {GetParam().config});
  for (const int64_t tokens : {1, 30, 100}) {
    options.micro_batch_tokens = tokens;
    const StageRun cut = Learn(options, {GetParam().config});
    for (const char* name : {"loss", "entropy", "grad_norm", "reward"}) {
      const double expected = whole.Metric(0, name);
      EXPECT_NEAR(cut.Metric(0, name), expected, 1e-6 * std::abs(expected) + 1e-9) << name;
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
TEST_P(GrpoKinds, TwoRanksWithTheSameBatchLearnWhatOneLearns) {
  const StageSetup one{.config = GetParam().config};
  const StageSetup two{.config = GetParam().config, .reduce = testing::AlsoHeldByAnother()};
  EXPECT_EQ(Learn(BaseOptions(), two).Everything(), Learn(BaseOptions(), one).Everything());
}

TEST_P(GrpoKinds, GroupsWithoutDifferencesTeachExactlyNothing) {
  GrpoOptions options = PlainOptions();
  options.reward = {{"math", 0.3, Json::object()}};
  const StageRun run = Learn(options, {.config = GetParam().config, .answering = false});
  EXPECT_EQ(run.after, run.before);
  for (size_t step = 0; step < 2; ++step) {
    EXPECT_EQ(run.Metric(step, "frac_reward_zero_std"), 1);
    EXPECT_EQ(run.Metric(step, "grad_norm"), 0);
    EXPECT_EQ(run.Metric(step, "loss"), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, GrpoKinds,
    ::testing::Values(testing::NamedConfig{"policy", testing::StagePolicyConfig()},
                      testing::NamedConfig{"student", testing::StageStudentConfig()}),
    [](const auto& info) { return info.param.name; });

TEST(Grpo, TheRouterBiasMovesOncePerRollout) {
  GrpoOptions options = BaseOptions();
  options.steps = 1;
  options.optimizer = {.learning_rate = 0};
  options.balance.router_bias_update_speed = 0.25;
  const StageRun run = Learn(options);
  int moved = 0;
  for (size_t i = 0; i < run.after.size(); ++i) {
    const float by = std::abs(run.after[i] - run.before[i]);
    EXPECT_TRUE(by == 0 || std::abs(by - 0.25f) < 1e-6f) << by;
    moved += by != 0;
  }
  EXPECT_GT(moved, 0);
  EXPECT_LE(moved, 4);  // one per expert
}

TEST(Grpo, TheReferenceIsRefreshedWhenDue) {
  GrpoOptions options = BaseOptions();
  options.steps = 4;
  options.optimizer.warmup_steps = 0;
  options.ref_model_sync_steps = 2;
  StageRun run = Learn(options);
  EXPECT_EQ(run.saved, (std::vector<int64_t>{1, 2, 3, 4}));
  ASSERT_EQ(run.references.size(), 4u);
  EXPECT_EQ(run.references[0], run.before);
  EXPECT_EQ(run.references[1], run.weights[1]);
  EXPECT_EQ(run.references[2], run.weights[1]);
  EXPECT_EQ(run.references[3], run.weights[3]);
  EXPECT_NE(run.weights[1], run.before);
  options.ref_model_sync_steps = 0;
  run = Learn(options);
  for (const auto& reference : run.references) EXPECT_EQ(reference, run.before);
  options.loss.beta = 0;
  run = Learn(options);
  EXPECT_TRUE(run.references.empty());
  EXPECT_FALSE(run.HasMetric(0, "kl"));
}

TEST(Grpo, TheControlShufflesInsideGroupsOnly) {
  GrpoOptions options = PlainOptions();
  options.steps = 1;
  options.prompts_per_step = 12;
  const StageRun plain = Learn(options);
  options.shuffle_advantages = true;
  const StageRun shuffled = Learn(options);
  const auto size = static_cast<size_t>(options.num_generations);
  int permuted = 0;
  for (size_t begin = 0; begin < plain.traces.size(); begin += size) {
    std::vector<double> a, b;
    for (size_t i = begin; i < begin + size; ++i) {
      EXPECT_EQ(plain.traces[i].text, shuffled.traces[i].text);
      EXPECT_EQ(plain.traces[i].reward, shuffled.traces[i].reward);
      a.push_back(plain.traces[i].advantage);
      b.push_back(shuffled.traces[i].advantage);
    }
    permuted += a != b;
    std::ranges::sort(a);
    std::ranges::sort(b);
    EXPECT_EQ(a, b);
  }
  EXPECT_GT(permuted, 0);
}

TEST(Grpo, StopsOnRequestAndSaves) {
  GrpoOptions options = PlainOptions();
  options.steps = 5;
  options.save_steps = 0;
  int asked = 0;
  const StageRun run = Learn(options, {.config = testing::StagePolicyConfig(),
                                       .stop_requested = [&] { return ++asked >= 2; }});
  EXPECT_TRUE(run.report.interrupted);
  EXPECT_EQ(run.report.steps, 2);
  EXPECT_EQ(run.saved, (std::vector<int64_t>{2}));
}

TEST(Grpo, RefusesWhatWouldBeDishonestOrSenseless) {
  const auto message = [](const Json& change) -> std::string {
    try {
      With(change).Validate("stages[1]");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(Json::object()), "no error");
  for (const auto& [change, part] : std::vector<std::pair<Json, std::string>>{
           {{{"top_k", 5}}, "top_k"},
           {{{"top_p", 0.5}}, "top_p"},
           {{{"min_p", 0.1}}, "min_p"},
           {{{"repetition_penalty", 1.1}}, "repetition_penalty"},
           {{{"presence_penalty", 0.1}}, "penalties"},
           {{{"frequency_penalty", -0.1}}, "penalties"},
           {{{"temperature", 0}}, "stages[1].temperature"},
           {{{"num_generations", 1}}, "stages[1].num_generations"},
           {{{"importance_sampling_clip_min", 4}}, "stages[1].importance_sampling_clip_min"},
           {{{"minibatches", 5}}, "stages[1].minibatches"}}) {
    EXPECT_NE(message(change).find(part), std::string::npos) << message(change);
  }
}

TEST(Grpo, ABudgetOfOperationsFitsTheFallOfTheRate) {
  GrpoOptions options = PlainOptions();
  options.steps = 6;
  options.optimizer.lr_scheduler_type = nn::Schedule::kLinear;
  options.budget.max_tera_operations = Learn(options).report.operations / 1e12;
  options.steps = 100000;
  const StageRun run = Learn(options);
  EXPECT_NEAR(static_cast<double>(run.report.steps), 6, 1);
  EXPECT_DOUBLE_EQ(run.Metric(0, "learning_rate"), 0.001);
  EXPECT_LT(run.Metric(static_cast<size_t>(run.report.steps) - 1, "learning_rate"), 0.0005);
}

TEST(Grpo, WhatNobodyJudgesIsInNoMeanAndIsSaidOnce) {
  GrpoOptions options = PlainOptions();
  options.reward = {{"code", 1, Json::object()}};  // there are no tests
  options.steps = 3;
  const StageRun run = Learn(options);
  for (size_t step = 0; step < 3; ++step) {
    for (const char* name : {"reward", "reward_std", "accuracy", "rewards/code/mean"}) {
      EXPECT_TRUE(std::isnan(run.Metric(step, name))) << name;
    }
    EXPECT_EQ(run.Metric(step, "completions/unjudged"), 16);
    EXPECT_EQ(run.Metric(step, "rewards/unjudged"), 16);
    EXPECT_EQ(run.Metric(step, "unjudged_share"), 1);
  }
  for (const Trace& trace : run.traces) EXPECT_FALSE(trace.reward.has_value());
  EXPECT_EQ(run.report.details["unjudged"], 48);
  EXPECT_EQ(run.report.details["completions"], 48);
  ASSERT_EQ(run.warnings.size(), 1u);
  options.advantage.unjudged = Unjudged::kSkip;
  EXPECT_NE(Learn(options).warnings.at(0).find("unjudged: skip"), std::string::npos);
  for (const char* part :
       {"stage", "step 0", "'code'", "none of 16", "no-tests", "unjudged: wrong"}) {
    EXPECT_NE(run.warnings[0].find(part), std::string::npos) << run.warnings[0];
  }
}

// The verdicts of a run are replayed with some wrong ones unjudged: what the policy makes of those
// is the option's, what tables and means say of them is not.
TEST(Grpo, WhatIsUnjudgedIsWrongToThePolicyOrSkipped) {
  GrpoOptions options = PlainOptions();
  options.reward = {{"math", 1, Json::object()}};
  options.steps = 1;
  options.prompts_per_step = 24;
  options.num_generations = 8;
  options.optimizer.warmup_steps = 0;
  EXPECT_EQ(options.advantage.unjudged, Unjudged::kWrong);
  const StageRun judged = Learn(options);
  std::vector<Trace> open = judged.traces;
  std::vector<size_t> places;
  double sum = 0;
  for (size_t i = 0; i < open.size(); ++i) {
    const bool wrong_among_right = *open[i].reward == 0 && open[i].advantage != 0;
    if (wrong_among_right && (places.empty() || places.back() / 8 != i / 8)) {  // one of a group
      open[i].verdicts[0].verdict = {VerdictStatus::kUnjudged, 0, "too-complex", ""};
      places.push_back(i);
    }
    sum += *open[i].reward;
  }
  ASSERT_GE(places.size(), 2u) << "choose other problems";
  const auto unjudged = static_cast<double>(places.size()), all = static_cast<double>(open.size());
  for (const Unjudged mode : {Unjudged::kWrong, Unjudged::kSkip}) {
    options.advantage.unjudged = mode;
    const StageRun run =
        Learn(options, {.config = testing::StagePolicyConfig(),
                        .prepare = [&](datasets::TraceStore& store, int64_t id) {
                          store.AppendStep(TraceStep{{id, 1, 0}, "stage", {}, open});
                          store.CutBack({id, 1, -1});
                        }});
    ASSERT_EQ(run.traces.size(), open.size());
    for (const size_t i : places) {
      EXPECT_EQ(run.traces[i].text, judged.traces[i].text);
      EXPECT_FALSE(run.traces[i].reward.has_value());
      EXPECT_EQ(run.traces[i].advantage, mode == Unjudged::kSkip ? 0 : judged.traces[i].advantage);
    }
    EXPECT_EQ(run.after == judged.after, mode == Unjudged::kWrong);
    EXPECT_NE(run.after, run.before);
    EXPECT_EQ(run.Metric(0, "rewards/unjudged"), unjudged);
    EXPECT_DOUBLE_EQ(run.Metric(0, "unjudged_share"), unjudged / all);
    EXPECT_DOUBLE_EQ(run.Metric(0, "reward"), sum / (all - unjudged));
    EXPECT_DOUBLE_EQ(run.Metric(0, "accuracy"), sum / (all - unjudged));
  }
}

TEST(Grpo, GroupsWithoutDifferencesAreSaidOnce) {
  GrpoOptions options = PlainOptions();
  options.sampling.max_completion_length = 1;  // too short for any answer
  options.steps = 3;
  const StageRun run = Learn(options);
  EXPECT_EQ(run.Metric(1, "frac_reward_zero_std"), 1);
  ASSERT_EQ(run.warnings.size(), 1u);
  EXPECT_NE(run.warnings[0].find("all the same"), std::string::npos) << run.warnings[0];
  EXPECT_TRUE(Learn(PlainOptions()).warnings.empty());
}

TEST(Grpo, TwoJudgesOfOneVerifierHaveMetricsOfTheirOwn) {
  GrpoOptions options = PlainOptions();
  options.reward = {{"math", 1, Json::object()}, {"math", 0.5, {{"extraction", "any"}}}};
  const StageRun run = Learn(options);
  EXPECT_GE(run.Metric(0, "rewards/math-2/mean"), run.Metric(0, "rewards/math/mean"));
  for (const Trace& trace : run.traces) {
    ASSERT_EQ(trace.verdicts.size(), 2u);
    EXPECT_EQ(trace.verdicts[1].verifier, "math-2");
  }
}

TEST(Grpo, AProblemDrawnTwiceInAStepGivesTwoGroups) {
  GrpoOptions options = PlainOptions();
  options.problems = testing::StageProblems(3);
  const StageRun run = Learn(options);  // four prompts of three problems
  std::map<std::string, std::set<std::string>> groups;
  std::map<std::string, int> draws;
  for (size_t begin = 0; begin < 16; begin += 4) {
    std::string texts;
    for (size_t i = begin; i < begin + 4; ++i) texts += run.traces[i].text + "\n";
    groups[run.traces[begin].problem.id].insert(texts);
    ++draws[run.traces[begin].problem.id];
  }
  ASSERT_EQ(draws.size(), 3u);
  for (const auto& [id, count] : draws) EXPECT_EQ(groups[id].size(), static_cast<size_t>(count));
}

}  // namespace
}  // namespace retort::rl::grpo_test
