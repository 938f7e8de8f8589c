#include "train/learner.h"

#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <cmath>
#include <thread>

#include "tests/support/complex_step.h"
#include "tests/support/mid_models.h"
#include "tests/support/op_testing.h"

namespace retort::train::learner_test {
namespace {

using testing::Floats;

std::vector<LearnGroup> Groups(int64_t vocabulary) {
  const auto tokens = [&](std::string_view name, int64_t count) {
    return testing::RandomTokens(name, count, vocabulary);
  };
  return {{tokens("p0", 6), {tokens("a", 4), tokens("b", 1), tokens("c", 7), {}}},
          {tokens("p1", 1), {tokens("d", 3)}},
          {tokens("p2", 9), {tokens("e", 5), tokens("f", 5), tokens("g", 2)}, true},
          {tokens("p3", 3), {tokens("h", 12)}}};
}

/// A loss that needs every number, different for every prediction: known by its target and score.
ScoreGradients SomeLoss(const Scores& scores) {
  ScoreGradients gradients;
  for (const float l : scores.logprob) gradients.logprob.push_back(-1 + 0.1f * std::sin(l));
  for (const float e : scores.entropy) gradients.entropy.push_back(0.1f * std::cos(e));
  return gradients;
}

struct Result {
  std::vector<Floats> logprob;  // per sequence
  Floats gradient;              // all parameters
  double balance_loss = 0;
  std::vector<double> violation;
};

Result LearnAll(const model::ModelConfig& config, const std::vector<LearnGroup>& groups,
                int64_t max_tokens, const BalanceSettings& balance = {}, int threads = 1) {
  const Executor executor(threads);
  nn::Compute compute(executor);
  const auto model = testing::TinyModel(config);
  Learner learner(*model, compute, {.balance = balance});
  int64_t sequences = 0;
  for (const LearnGroup& group : groups) {
    sequences += static_cast<int64_t>(group.completions.size());
  }
  Result result;
  for (const auto& cut : CutIntoMicroBatches(groups, max_tokens)) {
    MicroBatch batch;
    for (const GroupPiece& piece : cut) batch.Add(groups, piece);
    const double share = static_cast<double>(batch.sequences()) / static_cast<double>(sequences);
    learner.Accumulate(batch, 0.9f, share, [&](const Scores& scores) {
      for (int64_t s = 0; s < batch.sequences(); ++s) {
        result.logprob.push_back(testing::Part(scores.logprob, batch.begin(s), batch.length(s)));
      }
      return SomeLoss(scores);
    });
  }
  result.gradient = testing::Numbers(learner.gradients());
  result.balance_loss = learner.balance_loss();
  result.violation = learner.BalanceRouters();
  return result;
}

class Learning : public ::testing::TestWithParam<testing::NamedConfig> {};

TEST_P(Learning, ACutIntoMicroBatchesChangesNoLogProbabilityAndHardlyAGradient) {
  std::vector<LearnGroup> groups = Groups(101);
  groups[2].learn_prompt = false;  // a split group would learn its prompt twice
  const BalanceSettings balance{.seq_aux_loss_alpha = 0.5};
  const Result whole = LearnAll(GetParam().config, groups, 1 << 20, balance);
  for (const int64_t max_tokens : {1, 7, 10, 12, 20, 30}) {
    const Result cut = LearnAll(GetParam().config, groups, max_tokens, balance);
    EXPECT_EQ(cut.logprob, whole.logprob) << max_tokens;
    EXPECT_LT(testing::RelativeDifference(cut.gradient, whole.gradient), 1e-6) << max_tokens;
    EXPECT_NEAR(cut.balance_loss, whole.balance_loss, 1e-6 * whole.balance_loss);
    EXPECT_EQ(cut.violation, whole.violation);
    const Result again = LearnAll(GetParam().config, groups, max_tokens, balance, 3);
    EXPECT_TRUE(testing::SameBits(again.gradient, cut.gradient)) << max_tokens;
  }
}

TEST_P(Learning, ASharedPromptLearnsWhatSeparateSequencesLearn) {
  std::vector<LearnGroup> groups = Groups(101), alone;
  groups[2].learn_prompt = false;
  for (const LearnGroup& group : groups) {
    for (const auto& completion : group.completions) alone.push_back({group.prompt, {completion}});
  }
  const BalanceSettings balance{.seq_aux_loss_alpha = 0.5, .aux_loss_alpha = 0.3};
  const Result shared = LearnAll(GetParam().config, groups, 1 << 20, balance);
  const Result separate = LearnAll(GetParam().config, alone, 1 << 20, balance);
  EXPECT_EQ(shared.logprob, separate.logprob);
  EXPECT_LT(testing::RelativeDifference(shared.gradient, separate.gradient), 1e-6);
  EXPECT_NEAR(shared.balance_loss, separate.balance_loss, 1e-9);
  EXPECT_EQ(shared.violation, separate.violation);
}

/// All weights after three steps.
Floats Trained(const model::ModelConfig& config, int threads, Floats* losses = nullptr) {
  const Executor executor(threads);
  nn::Compute compute(executor);
  const auto model = testing::TinyModel(config);
  Learner learner(*model, compute,
                  {.optimizer = {.learning_rate = 3e-3, .weight_decay = 0.1},
                   .balance = {.router_bias_update_speed = 0.01, .seq_aux_loss_alpha = 0.01}});
  for (int step = 0; step < 3; ++step) {
    MicroBatch batch;
    for (const LearnGroup& group : Groups(101)) batch.Add(group);
    float loss = 0;
    learner.Accumulate(batch, 1, 1, [&](const Scores& scores) {
      for (const float l : scores.logprob) loss -= l;
      return ScoreGradients{Floats(scores.logprob.size(), -1.0f), {}};
    });
    if (losses) losses->push_back(loss);
    EXPECT_GT(learner.Step(3e-3), 0);
    learner.BalanceRouters();
  }
  for (const float g : learner.gradients().numbers()) {
    EXPECT_EQ(g, 0) << "a step leaves gradients at zero";
  }
  return testing::Numbers(model->values());
}

TEST_P(Learning, ThreeStepsAreTheSameBitsOnAnyNumberOfThreads) {
  Floats losses;
  const Floats one = Trained(GetParam().config, 1, &losses);
  EXPECT_LT(losses[1], losses[0]);
  EXPECT_LT(losses[2], losses[1]);
  for (const int threads : {2, 3, 8}) {
    EXPECT_TRUE(testing::SameBits(Trained(GetParam().config, threads), one)) << threads;
  }
}

/// Two ranks in two threads: what each hands over is added, rank 0's first.
class TwoRanks {
 public:
  Reduce Of(size_t rank) {
    return {[this, rank](std::span<float> floats, std::span<double> doubles) {
      floats_[rank].assign(floats.begin(), floats.end());
      doubles_[rank].assign(doubles.begin(), doubles.end());
      meet_.arrive_and_wait();
      for (size_t i = 0; i < floats.size(); ++i) floats[i] = floats_[0][i] + floats_[1][i];
      for (size_t i = 0; i < doubles.size(); ++i) doubles[i] = doubles_[0][i] + doubles_[1][i];
      meet_.arrive_and_wait();
    }};
  }

 private:
  std::barrier<> meet_{2};
  std::array<std::vector<float>, 2> floats_;
  std::array<std::vector<double>, 2> doubles_;
};

/// Weights after two steps on some groups, the mean over all predictions of all ranks being
/// learned.
struct Taught {
  Floats weights;
  double norm = 0;
  std::vector<double> violation;
};
Taught Teach(const model::ModelConfig& config, std::span<const LearnGroup> groups,
             const Reduce& reduce) {
  const Executor executor(1);
  nn::Compute compute(executor);
  const auto model = testing::TinyModel(config);
  Learner learner(*model, compute,
                  {.optimizer = {.adam_epsilon = 1e-2, .max_grad_norm = 0.1},
                   .balance = {.router_bias_update_speed = 0.01, .seq_aux_loss_alpha = 0.2},
                   .reduce = reduce});
  Taught taught;
  for (int step = 0; step < 2; ++step) {
    MicroBatch batch;
    for (const LearnGroup& group : groups) batch.Add(group);
    int64_t predictions = batch.predictions(), sequences = batch.sequences();
    reduce.Totals(predictions, sequences);
    const double share = static_cast<double>(batch.sequences()) / static_cast<double>(sequences);
    learner.Accumulate(batch, 1, share, [&](const Scores& scores) {
      const float each = -1 / static_cast<float>(predictions);
      return ScoreGradients{Floats(scores.logprob.size(), each), {}};
    });
    taught.norm = learner.Step(0.1);
    taught.violation = learner.BalanceRouters();
  }
  taught.weights = testing::Numbers(model->values());
  return taught;
}

TEST_P(Learning, TwoHalvesOfABatchAreTheWhole) {
  const std::vector<LearnGroup> groups = Groups(101);
  const Taught whole = Teach(GetParam().config, groups, {});
  TwoRanks ranks;
  Taught first, second;
  std::thread other(
      [&] { second = Teach(GetParam().config, std::span(groups).subspan(2), ranks.Of(1)); });
  first = Teach(GetParam().config, std::span(groups).first(2), ranks.Of(0));
  other.join();
  EXPECT_TRUE(testing::SameBits(first.weights, second.weights)) << "ranks stay together";
  EXPECT_EQ(first.norm, second.norm);
  EXPECT_LT(testing::RelativeDifference(first.weights, whole.weights), 1e-6);
  EXPECT_NEAR(first.norm, whole.norm, 1e-6 * whole.norm);
  EXPECT_EQ(first.violation, whole.violation);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Learning, ::testing::ValuesIn(testing::MidConfigs()),
                         [](const auto& info) { return info.param.name; });

TEST(Learner, RouterBiasMovesAgainstTheLoadAndOnlyThen) {
  const Executor executor(1);
  nn::Compute compute(executor);
  const auto config = testing::MidPolicyConfig();
  const auto model = testing::TinyModel(config);
  const std::string name = "model.layers.1.mlp.gate.e_score_correction_bias";
  const auto bias = [&] {
    const std::span<const float> values = std::as_const(*model).values()[name];
    return Floats(values.begin(), values.end());
  };
  const Floats before = bias();
  Learner learner(
      *model, compute,
      {.optimizer = {.learning_rate = 1e-2}, .balance = {.router_bias_update_speed = 0.25}});
  MicroBatch batch;
  for (const LearnGroup& group : Groups(101)) batch.Add(group);
  learner.Accumulate(batch, 1, 1, SomeLoss);
  learner.Step(1e-2);
  EXPECT_EQ(bias(), before) << "no gradient moves the bias";
  const std::vector<double> violation = learner.BalanceRouters();
  ASSERT_EQ(violation.size(), 1u);
  EXPECT_GT(violation[0], 0);
  int up = 0, down = 0;
  for (size_t e = 0; e < before.size(); ++e) {
    const float moved = bias()[e] - before[e];
    EXPECT_TRUE(std::abs(std::abs(moved) - 0.25f) < 1e-6f || moved == 0) << moved;
    up += moved > 0;
    down += moved < 0;
  }
  EXPECT_GT(up, 0);
  EXPECT_GT(down, 0);
  const Floats after = bias();
  learner.BalanceRouters();
  EXPECT_EQ(bias(), after) << "loads are counted anew";
}

TEST(Learner, BalanceLossesActThroughTheGradient) {
  const auto groups = Groups(101);
  const auto config = testing::MidPolicyConfig();
  const Result none = LearnAll(config, groups, 1 << 20);
  EXPECT_EQ(none.balance_loss, 0);
  for (const BalanceSettings& balance :
       {BalanceSettings{.seq_aux_loss_alpha = 0.5}, BalanceSettings{.aux_loss_alpha = 0.5}}) {
    const Result with = LearnAll(config, groups, 1 << 20, balance);
    EXPECT_GT(with.balance_loss, 0);
    EXPECT_NE(with.gradient, none.gradient);
    EXPECT_EQ(with.logprob, none.logprob);
  }
}

TEST(Learner, AWideMixtureTakesAStep) {
  auto config = testing::WidePolicyConfig();
  config.vocab_size = 101;
  Floats losses;
  Trained(config, 2, &losses);
  EXPECT_LT(losses[2], losses[0]);
}

TEST(Learner, ATinyStudentMemorisesEightSequences) {
  const Executor executor(2);
  nn::Compute compute(executor);
  model::LlamaConfig config;
  config.vocab_size = 32;
  config.hidden_size = 32;
  config.num_hidden_layers = 2;
  config.intermediate_size = 64;
  const auto model = model::NewModel(config, 1);
  Learner learner(*model, compute, {.optimizer = {.learning_rate = 1e-2}});
  MicroBatch batch;
  for (int i = 0; i < 8; ++i) {
    // A first token of its own, then twelve that nothing but memory can tell.
    batch.Add({{i}, {testing::RandomTokens(StrCat("sequence ", i), 12, 32)}});
  }
  const auto mean = [&](const Scores& scores) {
    double sum = 0;
    for (const float l : scores.logprob) sum += l;
    return sum / static_cast<double>(scores.logprob.size());
  };
  EXPECT_LT(mean(learner.Score(batch)), -3.0);
  for (int step = 0; step < 200; ++step) {
    learner.Accumulate(batch, 1, 1, [&](const Scores& scores) {
      const auto count = static_cast<float>(scores.logprob.size());
      return ScoreGradients{Floats(scores.logprob.size(), -1 / count), {}};
    });
    learner.Step(1e-2);
  }
  const Scores scores = learner.Score(batch);
  for (const float l : scores.logprob) EXPECT_GT(std::exp(l), 0.9f);
}

}  // namespace
}  // namespace retort::train::learner_test
