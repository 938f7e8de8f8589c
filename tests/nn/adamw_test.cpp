#include "nn/adamw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/random.h"
#include "tests/support/adamw_twin.h"
#include "tests/support/complex_step.h"

namespace retort::nn::adamw_test {
namespace {

// A matrix that decays, a norm that does not, and a bias moved by a rule of its own.
ParameterStore MakeStore(int64_t rows = 37, int64_t cols = 29) {
  ParameterStore store;
  store.Add("matrix", {rows, cols});
  store.Add("norm", {cols});
  store.Add("router_bias", {8}).trainable = false;
  RandomStream random({.seed = 1, .purpose = "weights"});
  for (Parameter& p : store.all()) {
    for (float& value : p.value) value = static_cast<float>(random.Normal());
  }
  store.ZeroGradients();
  return store;
}

void FillGradients(ParameterStore& store, uint64_t step) {
  RandomStream random({.seed = 1, .purpose = "gradients", .step = step});
  for (Parameter& p : store.all()) {
    for (float& g : p.grad) g = static_cast<float>(0.3 * random.Normal());
  }
}

double GlobalNorm(const ParameterStore& store) {
  double sum = 0;
  for (const Parameter& p : store.all()) {
    for (const float g : p.grad) sum += double{g} * g;
  }
  return std::sqrt(sum);
}

std::vector<float> AllWeights(const ParameterStore& store) {
  std::vector<float> all;
  for (const Parameter& p : store.all()) all.insert(all.end(), p.value.begin(), p.value.end());
  return all;
}

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
  ParameterStore store = MakeStore();
  const std::vector<float> start = AllWeights(store);
  const auto bias = store.Find("router_bias")->value;
  const OptimizerOptions options = Plain();
  AdamW optimizer(options);
  testing::AdamWTwin matrix(store.Find("matrix")->value), norm(store.Find("norm")->value);
  for (uint64_t step = 1; step <= 20; ++step) {
    FillGradients(store, step);
    const double global = GlobalNorm(store);
    ASSERT_GT(global, 2.0);  // so that clipping acts
    const auto clipped = [&](const char* name) {
      std::vector<double> g;
      for (const float value : store.Find(name)->grad) g.push_back(value * 2.0 / global);
      return g;
    };
    const double rate = 0.01 * static_cast<double>(step);
    matrix.Step(options, rate, true, clipped("matrix"));
    norm.Step(options, rate, false, clipped("norm"));
    EXPECT_NEAR(optimizer.Step(compute, store, rate), global, 1e-12 * global);
  }
  EXPECT_EQ(optimizer.steps(), 20);
  EXPECT_LT(testing::RelativeDifference(store.Find("matrix")->value, matrix.weights), 3e-6);
  EXPECT_LT(testing::RelativeDifference(store.Find("norm")->value, norm.weights), 3e-6);
  EXPECT_EQ(store.Find("router_bias")->value, bias);
  EXPECT_NE(AllWeights(store), start);
}

// Weights after two steps with one option changed.
std::vector<float> After(const std::function<void(OptimizerOptions&)>& change, int threads = 1) {
  const Executor executor(threads);
  Compute compute(executor);
  ParameterStore store = MakeStore(300, 129);  // several tiles and a tail
  OptimizerOptions options = Plain();
  change(options);
  AdamW optimizer(options);
  for (uint64_t step = 0; step < 2; ++step) {
    FillGradients(store, step);
    optimizer.Step(compute, store, 0.01);
  }
  return AllWeights(store);
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
  ParameterStore store = MakeStore();
  const ParameterStore before = store;
  OptimizerOptions options;
  options.weight_decay = 0.5;
  AdamW(options).Step(compute, store, 0.1);  // with gradients of zero
  for (size_t i = 0; i < before.Find("matrix")->value.size(); ++i) {
    EXPECT_FLOAT_EQ(store.Find("matrix")->value[i], before.Find("matrix")->value[i] * 0.95f);
  }
  EXPECT_EQ(store.Find("norm")->value, before.Find("norm")->value);
}

TEST(AdamW, FirstStepIsTheRateWhateverTheGradient) {
  // Bias correction: m / √v is ±1 after one step.
  const Executor executor(1);
  Compute compute(executor);
  ParameterStore store;
  store.Add("norm", {3}).value = {1, 1, 1};
  store.ZeroGradients();
  store.all()[0].grad = {1e-3f, -5.0f, 0.25f};
  OptimizerOptions options;
  options.max_grad_norm = 0;
  AdamW(options).Step(compute, store, 0.125);
  EXPECT_NEAR(store.all()[0].value[0], 0.875, 2e-6);
  EXPECT_NEAR(store.all()[0].value[1], 1.125, 2e-6);
  EXPECT_NEAR(store.all()[0].value[2], 0.875, 2e-6);
}

TEST(AdamW, RefusesGradientsThatAreNotFinite) {
  for (const float bad : {NAN, INFINITY}) {
    const Executor executor(2);
    Compute compute(executor);
    ParameterStore store = MakeStore();
    AdamW optimizer(Plain());
    FillGradients(store, 0);
    optimizer.Step(compute, store, 0.01);
    const auto weights = AllWeights(store);
    const auto first = optimizer.moments()[0].first;
    FillGradients(store, 1);
    store.all()[1].grad[3] = bad;
    try {
      optimizer.Step(compute, store, 0.01);
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("'norm'"), std::string::npos) << error.what();
    }
    EXPECT_EQ(AllWeights(store), weights);
    EXPECT_EQ(optimizer.moments()[0].first, first);
    EXPECT_EQ(optimizer.steps(), 1);
  }
}

TEST(AdamW, ResumesFromItsMoments) {
  const Executor executor(1);
  Compute compute(executor);
  ParameterStore store = MakeStore();
  AdamW optimizer(Plain());
  FillGradients(store, 0);
  optimizer.Step(compute, store, 0.01);

  ParameterStore restored = store;
  AdamW resumed(Plain());
  resumed.Prepare(restored);
  ASSERT_EQ(resumed.moments().size(), 2u);  // trainable parameters only
  for (size_t i = 0; i < 2; ++i) resumed.moments()[i] = optimizer.moments()[i];
  resumed.set_steps(optimizer.steps());
  FillGradients(store, 1);
  FillGradients(restored, 1);
  optimizer.Step(compute, store, 0.01);
  resumed.Step(compute, restored, 0.01);
  EXPECT_EQ(AllWeights(restored), AllWeights(store));

  resumed.moments()[1].first.pop_back();
  EXPECT_THROW(resumed.Step(compute, restored, 0.01), Error);
  ParameterStore other;
  other.Add("matrix", {37, 29});
  EXPECT_THROW(optimizer.Prepare(other), Error);
}

TEST(AdamW, NeedsGradients) {
  const Executor executor(1);
  Compute compute(executor);
  ParameterStore store = MakeStore();
  store.DropGradients();
  AdamW optimizer(Plain());
  EXPECT_THROW(optimizer.Step(compute, store, 0.01), Error);
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
