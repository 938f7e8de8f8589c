#include "nn/adamw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "base/random.h"
#include "tests/support/adamw_twin.h"
#include "tests/support/complex_step.h"

namespace retort::nn::adamw_test {
namespace {

/// A matrix that decays, a norm that does not, and a bias moved by a rule of its own.
struct Weights {
  explicit Weights(int64_t rows = 37, int64_t cols = 29)
      : layout([&] {
          auto made = std::make_shared<ParameterLayout>();
          made->Add("matrix", {rows, cols});
          made->Add("norm", {cols});
          made->Add("router_bias", {8}, /*trainable=*/false);
          return made;
        }()),
        values(layout),
        gradients(values.Like()) {
    RandomStream random({.seed = 1, .purpose = "weights"});
    for (const ParameterInfo& p : layout->all()) {
      for (float& value : values[p.name]) value = static_cast<float>(random.Normal());
    }
  }

  void FillGradients(uint64_t step) {
    RandomStream random({.seed = 1, .purpose = "gradients", .step = step});
    for (const ParameterInfo& p : layout->all()) {
      for (float& g : gradients[p.name]) {
        g = p.trainable ? static_cast<float>(0.3 * random.Normal()) : 0;
      }
    }
  }

  double Norm() const {
    double sum = 0;
    for (const float g : gradients.numbers()) sum += double{g} * g;
    return std::sqrt(sum);
  }

  std::vector<float> Values(std::string_view name) const {
    return {values[name].begin(), values[name].end()};
  }
  std::vector<float> All() const { return {values.numbers().begin(), values.numbers().end()}; }

  /// As a learner's step.
  double Step(Compute& compute, AdamW& optimizer, double rate) {
    const double norm = GlobalNorm(compute, gradients);
    const double factor = ClipFactor(norm, optimizer.options().max_grad_norm);
    optimizer.Update(compute, {gradients, factor}, rate, values);
    return norm;
  }

  std::shared_ptr<const ParameterLayout> layout;
  ParameterStore values, gradients;
};

OptimizerOptions Plain() {
  OptimizerOptions options;
  options.adam_epsilon = 1e-3;
  options.weight_decay = 0.1;
  options.max_grad_norm = 2.0;
  return options;
}

TEST(AdamW, FollowsTheTextbookOverManySteps) {
  const Executor executor(2);
  Compute compute(executor);
  Weights w;
  const std::vector<float> start = w.All();
  const auto bias = w.Values("router_bias");
  const OptimizerOptions options = Plain();
  AdamW optimizer(options, w.values);
  testing::AdamWTwin matrix(w.Values("matrix")), norm(w.Values("norm"));
  for (uint64_t step = 1; step <= 20; ++step) {
    w.FillGradients(step);
    const double global = w.Norm();
    ASSERT_GT(global, 2.0);  // so that clipping acts
    const auto clipped = [&](const char* name) {
      std::vector<double> g;
      for (const float value : w.gradients[name]) g.push_back(value * 2.0 / global);
      return g;
    };
    const double rate = 0.01 * static_cast<double>(step);
    matrix.Step(options, rate, true, clipped("matrix"));
    norm.Step(options, rate, false, clipped("norm"));
    EXPECT_NEAR(w.Step(compute, optimizer, rate), global, 1e-12 * global);
  }
  EXPECT_EQ(optimizer.steps(), 20);
  EXPECT_LT(testing::RelativeDifference(w.Values("matrix"), matrix.weights), 3e-6);
  EXPECT_LT(testing::RelativeDifference(w.Values("norm"), norm.weights), 3e-6);
  EXPECT_EQ(w.Values("router_bias"), bias);
  EXPECT_NE(w.All(), start);
}

// Weights after two steps with one option changed.
std::vector<float> After(const std::function<void(OptimizerOptions&)>& change, int threads = 1) {
  const Executor executor(threads);
  Compute compute(executor);
  Weights w(300, 129);  // several tiles and a tail
  OptimizerOptions options = Plain();
  change(options);
  AdamW optimizer(options, w.values);
  for (uint64_t step = 0; step < 2; ++step) {
    w.FillGradients(step);
    w.Step(compute, optimizer, 0.01);
  }
  return w.All();
}

TEST(AdamW, EveryOptionActs) {
  const auto plain = After([](OptimizerOptions&) {});
  EXPECT_NE(After([](OptimizerOptions& o) { o.adam_beta1 = 0.8; }), plain);
  EXPECT_NE(After([](OptimizerOptions& o) { o.adam_beta2 = 0.99; }), plain);
  EXPECT_NE(After([](OptimizerOptions& o) { o.adam_epsilon = 1e-2; }), plain);
  EXPECT_NE(After([](OptimizerOptions& o) { o.weight_decay = 0.2; }), plain);
  EXPECT_NE(After([](OptimizerOptions& o) { o.max_grad_norm = 1.0; }), plain);
  // 0 switches clipping off, like a limit above the norm.
  EXPECT_EQ(After([](OptimizerOptions& o) { o.max_grad_norm = 0; }),
            After([](OptimizerOptions& o) { o.max_grad_norm = 1e9; }));
}

TEST(AdamW, SameBitsOnAnyNumberOfThreads) {
  const auto one = After([](OptimizerOptions&) {});
  for (const int threads : {2, 3, 8}) EXPECT_EQ(After([](OptimizerOptions&) {}, threads), one);
}

TEST(AdamW, DecayIsDecoupledAndOnlyOfMatrices) {
  const Executor executor(1);
  Compute compute(executor);
  Weights w;
  const Weights before = w;
  OptimizerOptions options;
  options.weight_decay = 0.5;
  AdamW optimizer(options, w.values);
  w.Step(compute, optimizer, 0.1);  // with gradients of zero
  for (size_t i = 0; i < before.values["matrix"].size(); ++i) {
    EXPECT_FLOAT_EQ(w.values["matrix"][i], before.values["matrix"][i] * 0.95f);
  }
  EXPECT_EQ(w.Values("norm"), before.Values("norm"));
}

TEST(AdamW, FirstStepIsTheRateWhateverTheGradient) {
  // Bias correction: m / √v is ±1 after one step.
  const Executor executor(1);
  Compute compute(executor);
  Weights w(1, 3);
  std::ranges::fill(w.values["norm"], 1.0f);
  std::ranges::copy(std::array{1e-3f, -5.0f, 0.25f}, w.gradients["norm"].begin());
  OptimizerOptions options;
  options.max_grad_norm = 0;
  AdamW optimizer(options, w.values);
  w.Step(compute, optimizer, 0.125);
  EXPECT_NEAR(w.values["norm"][0], 0.875, 2e-6);
  EXPECT_NEAR(w.values["norm"][1], 1.125, 2e-6);
  EXPECT_NEAR(w.values["norm"][2], 0.875, 2e-6);
}

TEST(GlobalNorm, RefusesWhatIsNotFinite) {
  for (const float bad : {NAN, INFINITY}) {
    const Executor executor(2);
    Compute compute(executor);
    Weights w;
    w.FillGradients(1);
    w.gradients["norm"][3] = bad;
    try {
      GlobalNorm(compute, w.gradients);
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("'norm'"), std::string::npos) << error.what();
    }
  }
}

TEST(AdamW, ResumesFromItsMoments) {
  const Executor executor(1);
  Compute compute(executor);
  Weights w;
  AdamW optimizer(Plain(), w.values);
  w.FillGradients(0);
  w.Step(compute, optimizer, 0.01);

  Weights restored = w;
  AdamW resumed(Plain(), w.values);
  std::ranges::copy(optimizer.first().numbers(), resumed.first().numbers().begin());
  std::ranges::copy(optimizer.second().numbers(), resumed.second().numbers().begin());
  resumed.set_steps(optimizer.steps());
  w.FillGradients(1);
  restored.FillGradients(1);
  w.Step(compute, optimizer, 0.01);
  restored.Step(compute, resumed, 0.01);
  EXPECT_EQ(restored.All(), w.All());

  Weights other;
  EXPECT_THROW(other.Step(compute, optimizer, 0.01), Error);
}

TEST(ParameterStore, ASiblingHasTheSamePlacesAndIsZero) {
  Weights w(3, 5);
  w.FillGradients(1);
  ParameterStore sibling = w.gradients.Like();
  for (const float number : sibling.numbers()) EXPECT_EQ(number, 0);
  for (const ParameterInfo& p : w.layout->all()) {
    EXPECT_EQ(sibling[p.name].data() - sibling.numbers().data(), p.offset) << p.name;
    EXPECT_EQ(p.offset % 16, 0) << p.name;
    EXPECT_EQ(std::ssize(sibling[p.name]), p.size()) << p.name;
  }
  EXPECT_EQ(w.layout->count(), 3 * 5 + 5 + 8);
  EXPECT_EQ(w.layout->Find("nothing"), std::nullopt);
  EXPECT_THROW(sibling["nothing"], Error);
  const auto moved = std::move(sibling);
  EXPECT_EQ(moved["norm"].size(), 5u);
}

TEST(ParameterLayout, RefusesNamesThatAreTakenAndSizesBeyondAnyMemory) {
  ParameterLayout layout;
  layout.Add("a", {2, 3});
  EXPECT_THROW(layout.Add("a", {1}), Error);
  EXPECT_THROW(layout.Add("b", {1, 2, 3}), Error);
  EXPECT_THROW(layout.Add("c", {int64_t{1} << 40, int64_t{1} << 40}), Error);
  layout.Add("d", {int64_t{1} << 59});
  EXPECT_THROW(layout.Add("e", {int64_t{1} << 59}), Error);
}

TEST(LearningRate, WarmsUpAndFalls) {
  OptimizerOptions options;
  options.learning_rate = 2;
  options.warmup_steps = 4;
  options.min_lr_ratio = 0.1;
  EXPECT_EQ(LearningRate(options, 0, 14), 0);
  EXPECT_DOUBLE_EQ(LearningRate(options, 1, 14), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(options, 4, 14), 2);
  EXPECT_DOUBLE_EQ(LearningRate(options, 13, 14), 2);  // constant by default

  options.lr_scheduler_type = Schedule::kLinear;
  EXPECT_DOUBLE_EQ(LearningRate(options, 2, 14), 1);
  EXPECT_DOUBLE_EQ(LearningRate(options, 4, 14), 2);
  EXPECT_DOUBLE_EQ(LearningRate(options, 9, 14), 2 * 0.55);
  EXPECT_DOUBLE_EQ(LearningRate(options, 14, 14), 2 * 0.1);
  EXPECT_DOUBLE_EQ(LearningRate(options, 99, 14), 2 * 0.1);

  options.lr_scheduler_type = Schedule::kCosine;
  EXPECT_DOUBLE_EQ(LearningRate(options, 4, 14), 2);
  EXPECT_NEAR(LearningRate(options, 9, 14), 2 * 0.55, 1e-12);
  EXPECT_NEAR(LearningRate(options, 6, 14), 2 * (0.1 + 0.9 * 0.5 * (1 + std::cos(M_PI * 0.2))),
              1e-12);
  EXPECT_NEAR(LearningRate(options, 14, 14), 2 * 0.1, 1e-12);

  options.min_lr_ratio = 0;
  EXPECT_NEAR(LearningRate(options, 14, 14), 0, 1e-12);
  options.warmup_steps = 0;
  EXPECT_DOUBLE_EQ(LearningRate(options, 0, 14), 2);
  EXPECT_TRUE(std::isfinite(LearningRate(options, 3, 0)));
}

}  // namespace
}  // namespace retort::nn::adamw_test
