#include "nn/moe.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "tests/support/complex_step.h"
#include "tests/support/moe_twin.h"

namespace retort::nn::moe_test {
namespace {

using testing::Complex;
using testing::ComplexStepGradient;
using testing::RelativeDifference;

std::vector<float> Normals(const char* purpose, int64_t count, double spread = 1) {
  RandomStream random({.seed = 7, .purpose = purpose});
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(spread * random.Normal()));
  return values;
}
std::vector<double> Doubles(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

struct Routed {
  std::vector<float> scores;
  std::vector<int32_t> experts;
  std::vector<float> weights;
  bool operator==(const Routed&) const = default;
};

Routed RunRoute(Compute& compute, const RouterShape& shape, ConstMat logits,
                const std::vector<float>& bias) {
  const size_t tokens = static_cast<size_t>(logits.rows);
  Routed r{std::vector<float>(tokens * static_cast<size_t>(shape.experts)),
           std::vector<int32_t>(tokens * static_cast<size_t>(shape.top_k)),
           std::vector<float>(tokens * static_cast<size_t>(shape.top_k))};
  Route(compute, {shape,
                  logits,
                  bias.empty() ? nullptr : bias.data(),
                  {r.scores.data(), logits.rows, shape.experts},
                  r.experts.data(),
                  r.weights.data()});
  return r;
}
Routed RunRoute(const RouterShape& shape, const std::vector<float>& logits,
                const std::vector<float>& bias = {}) {
  const Executor executor(1);
  Compute compute(executor);
  const int64_t tokens = static_cast<int64_t>(logits.size()) / shape.experts;
  return RunRoute(compute, shape, {logits.data(), tokens, shape.experts}, bias);
}

struct RouterCase {
  RouterShape shape;
  bool biased;
};
std::vector<RouterCase> Cases() {
  return {
      {{8, 2, 1, 1, Scoring::kSigmoid, true, 1.0f}, true},
      {{8, 2, 1, 1, Scoring::kSoftmax, false, 1.0f}, false},
      {{8, 1, 1, 1, Scoring::kSigmoid, false, 1.5f}, true},
      {{7, 7, 1, 1, Scoring::kSoftmax, true, 2.0f}, false},
      {{12, 3, 4, 4, Scoring::kSigmoid, true, 2.5f}, true},
      {{16, 4, 4, 2, Scoring::kSigmoid, true, 2.5f}, true},
      {{16, 4, 4, 2, Scoring::kSoftmax, true, 0.5f}, false},
      {{16, 3, 16, 5, Scoring::kSigmoid, true, 1.0f}, true},
      {{64, 6, 8, 3, Scoring::kSoftmax, false, 16.0f}, true},
      {{256, 8, 8, 4, Scoring::kSigmoid, true, 2.5f}, true},
  };
}

TEST(Route, MatchesTwin) {
  for (const auto& [shape, biased] : Cases()) {
    const auto logits = Normals("logits", 50 * shape.experts, 1.5);
    const auto bias = biased ? Normals("bias", shape.experts, 0.3) : std::vector<float>();
    const Routed got = RunRoute(shape, logits, bias);
    const auto want = testing::RouteTwin<double>(shape, Doubles(logits), Doubles(bias));
    EXPECT_EQ(got.experts, want.experts) << shape.experts;
    EXPECT_LT(RelativeDifference(got.scores, want.scores), 1e-6);
    EXPECT_LT(RelativeDifference(got.weights, want.weights), 1e-6);
  }
}

TEST(Route, GradientMatchesComplexStep) {
  for (const auto& [shape, biased] : Cases()) {
    const int64_t tokens = 3;
    const auto logits = Normals("logits", tokens * shape.experts, 1.5);
    const auto bias = biased ? Normals("bias", shape.experts, 0.3) : std::vector<float>();
    const auto dweights = Normals("dweights", tokens * shape.top_k);
    const auto dscores = Normals("dscores", tokens * shape.experts);
    for (const bool with_scores : {false, true}) {
      const auto loss = [&](const std::vector<Complex>& x) {
        const auto r = testing::RouteTwin<Complex>(shape, x, Doubles(bias));
        Complex sum = 0;
        for (size_t i = 0; i < dweights.size(); ++i) sum += r.weights[i] * double{dweights[i]};
        for (size_t i = 0; i < dscores.size() && with_scores; ++i) {
          sum += r.scores[i] * double{dscores[i]};
        }
        return sum;
      };
      const auto want = ComplexStepGradient(loss, Doubles(logits));

      const Executor executor(2);
      Compute compute(executor);
      const ConstMat x(logits.data(), tokens, shape.experts);
      Routed r = RunRoute(compute, shape, x, bias);
      std::vector<float> dlogits(logits.size(), NAN);
      RouteGradArgs args;
      args.forward = {
          shape,           x, nullptr, {r.scores.data(), tokens, shape.experts}, r.experts.data(),
          r.weights.data()};
      args.dweights = dweights.data();
      if (with_scores) args.dscores = {dscores.data(), tokens, shape.experts};
      args.dlogits = {dlogits.data(), tokens, shape.experts};
      RouteGrad(compute, args);
      EXPECT_LT(RelativeDifference(dlogits, want), 1e-5) << shape.experts << " " << with_scores;
    }
  }
}

TEST(Route, RowsDoNotDependOnBatchPositionOrThreads) {
  for (const auto& [shape, biased] : Cases()) {
    const int64_t tokens = 130;
    const auto logits = Normals("logits", tokens * shape.experts, 1.5);
    const auto bias = Normals("bias", shape.experts, 0.3);
    const Routed whole = RunRoute(shape, logits, bias);
    for (const int threads : {2, 3, 8}) {
      const Executor executor(threads);
      Compute compute(executor);
      EXPECT_EQ(RunRoute(compute, shape, {logits.data(), tokens, shape.experts}, bias), whole);
    }
    // One row at a time, every row at another alignment.
    const Executor executor(1);
    Compute compute(executor);
    std::vector<float> storage(static_cast<size_t>(shape.experts + 16));
    for (int64_t t = 0; t < tokens; ++t) {
      float* row = storage.data() + t % 16;
      std::copy_n(logits.data() + t * shape.experts, shape.experts, row);
      const Routed one = RunRoute(compute, shape, {row, 1, shape.experts}, bias);
      for (int64_t k = 0; k < shape.top_k; ++k) {
        const size_t i = static_cast<size_t>(t * shape.top_k + k);
        EXPECT_EQ(one.experts[static_cast<size_t>(k)], whole.experts[i]);
        EXPECT_EQ(one.weights[static_cast<size_t>(k)], whole.weights[i]);
      }
    }
  }
}

float Logit(double score) { return static_cast<float>(std::log(score / (1 - score))); }

TEST(Route, BiasMovesTheChoiceButNotTheWeights) {
  const RouterShape shape{4, 2, 1, 1, Scoring::kSigmoid, true, 2.0f};
  const std::vector<float> logits = {Logit(0.9), Logit(0.6), Logit(0.5), Logit(0.2)};
  EXPECT_EQ(RunRoute(shape, logits).experts, (std::vector<int32_t>{0, 1}));
  const Routed biased = RunRoute(shape, logits, {0, 0, 0, 0.75f});
  EXPECT_EQ(biased.experts, (std::vector<int32_t>{0, 3}));
  EXPECT_NEAR(biased.weights[0], 2 * 0.9 / 1.1, 1e-6);
  EXPECT_NEAR(biased.weights[1], 2 * 0.2 / 1.1, 1e-6);
}

TEST(Route, NormalisationScaleAndScoringAct) {
  const std::vector<float> logits = {Logit(0.9), Logit(0.6), Logit(0.5), Logit(0.2)};
  const Routed plain = RunRoute({4, 2, 1, 1, Scoring::kSigmoid, false, 1.0f}, logits);
  EXPECT_NEAR(plain.weights[0], 0.9, 1e-6);
  EXPECT_NEAR(plain.weights[1], 0.6, 1e-6);
  const Routed scaled = RunRoute({4, 2, 1, 1, Scoring::kSigmoid, false, 2.5f}, logits);
  EXPECT_NEAR(scaled.weights[1], 1.5, 1e-6);
  const Routed normalized = RunRoute({4, 2, 1, 1, Scoring::kSigmoid, true, 1.0f}, logits);
  EXPECT_NEAR(normalized.weights[1], 0.4, 1e-6);
  const Routed softmax = RunRoute({4, 2, 1, 1, Scoring::kSoftmax, false, 1.0f}, logits);
  EXPECT_NEAR(softmax.weights[0], 9 / (9 + 1.5 + 1 + 0.25), 1e-6);  // odds of the scores
}

TEST(Route, ExcludedGroupsStayOutWhenBiasedScoresAreNegative) {
  // Groups {0, 1} and {2, 3}; every biased score is below 0, the fill value of some codes.
  const RouterShape shape{4, 2, 2, 1, Scoring::kSigmoid, true, 1.0f};
  const std::vector<float> logits = {Logit(0.2), Logit(0.3), Logit(0.8), Logit(0.7)};
  const Routed r = RunRoute(shape, logits, {-10, -10, -10, -10});
  EXPECT_EQ(r.experts, (std::vector<int32_t>{2, 3}));
}

TEST(Route, AGroupScoresItsTwoBestOrWithoutBiasItsBest) {
  const RouterShape shape{6, 1, 2, 1, Scoring::kSigmoid, true, 1.0f};
  // Best single expert in group 0, best pair in group 1, best sum of three in group 0.
  const std::vector<float> logits = {Logit(0.9), Logit(0.5),  Logit(0.5),
                                     Logit(0.8), Logit(0.75), Logit(0.1)};
  EXPECT_EQ(RunRoute(shape, logits, std::vector<float>(6, 0.0f)).experts[0], 3);
  EXPECT_EQ(RunRoute(shape, logits).experts[0], 0);
}

TEST(Route, TiesGoToTheLowerId) {
  const RouterShape shape{8, 3, 4, 2, Scoring::kSigmoid, true, 1.0f};
  EXPECT_EQ(RunRoute(shape, std::vector<float>(8, 0.5f)).experts, (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(RunRoute(shape, std::vector<float>(8, 0.5f), {0, 0, 0, 0, 1, 1, 0, 0}).experts,
            (std::vector<int32_t>{0, 4, 5}));
}

TEST(Route, ExtremeLogitsStayFinite) {
  for (const Scoring scoring : {Scoring::kSigmoid, Scoring::kSoftmax}) {
    const Routed r = RunRoute({4, 2, 1, 1, scoring, true, 1.0f}, {-500, 300, -1000, 200});
    EXPECT_EQ(r.experts, (std::vector<int32_t>{1, 3}));
    EXPECT_FLOAT_EQ(r.weights[0] + r.weights[1], 1.0f);
    const Routed low = RunRoute({4, 2, 1, 1, scoring, true, 1.0f}, {-500, -500, -500, -500});
    for (const float weight : low.weights) EXPECT_TRUE(std::isfinite(weight));
  }
}

TEST(Route, ANanStaysVisible) {
  for (const Scoring scoring : {Scoring::kSigmoid, Scoring::kSoftmax}) {
    const Routed r = RunRoute({4, 4, 1, 1, scoring, true, 1.0f}, {1, NAN, 2, 3});
    EXPECT_TRUE(std::isnan(r.weights[0]));
  }
}

TEST(Route, RefusesContradictoryShapes) {
  const std::vector<float> logits(8, 0.0f);
  EXPECT_THROW(RunRoute({8, 2, 3, 1, {}, true, 1}, logits), Error);
  EXPECT_THROW(RunRoute({8, 2, 4, 5, {}, true, 1}, logits), Error);
  EXPECT_THROW(RunRoute({8, 5, 4, 2, {}, true, 1}, logits), Error);  // 2 groups hold 4 experts
}

// Experts 0 … 4 get 3, 0, 1, 2, 2 tokens.
const std::vector<int32_t>& Choices() {
  static const std::vector<int32_t> choices = {0, 3, 0, 4, 2, 3, 0, 4};
  return choices;
}

TEST(Dispatch, OrdersSlotsByExpertThenToken) {
  const Dispatch d = MakeDispatch(Choices().data(), 4, 5, 2);
  EXPECT_EQ(d.begin, (std::vector<int64_t>{0, 3, 3, 4, 6, 8}));
  EXPECT_EQ(d.token, (std::vector<int32_t>{0, 1, 3, 2, 0, 2, 1, 3}));
  EXPECT_EQ(d.slot, (std::vector<int32_t>{0, 4, 1, 6, 3, 5, 2, 7}));
}

TEST(Dispatch, SlotAndTokenAreInverse) {
  const auto logits = Normals("logits", 500 * 32);
  const Routed r = RunRoute({32, 4, 1, 1, {}, true, 1}, logits);
  const Dispatch d = MakeDispatch(r.experts.data(), 500, 32, 4);
  for (size_t i = 0; i < r.experts.size(); ++i) {
    const int64_t slot = d.slot[i];
    const size_t expert = static_cast<size_t>(r.experts[i]);
    EXPECT_TRUE(d.begin[expert] <= slot && slot < d.begin[expert + 1]);
    EXPECT_EQ(d.token[static_cast<size_t>(slot)], static_cast<int32_t>(i / 4));
  }
  for (size_t e = 0; e < 32; ++e) {
    EXPECT_TRUE(std::is_sorted(d.token.begin() + d.begin[e], d.token.begin() + d.begin[e + 1]));
  }
}

TEST(Dispatch, TakesNoTokens) {
  const Dispatch d = MakeDispatch(nullptr, 0, 3, 2);
  EXPECT_EQ(d.begin, (std::vector<int64_t>{0, 0, 0, 0}));
  const Executor executor(1);
  Compute compute(executor);
  GatherTokensGrad(compute, d, {}, {});
}

struct MixtureRun {
  std::vector<float> y, dys, dweights, dx;
  bool operator==(const MixtureRun&) const = default;
};

// Gather, an expert that multiplies expert e's rows by e + 1, combine, and the way back.
MixtureRun RunMixture(int threads, int64_t tokens, int64_t d) {
  const Executor executor(threads);
  Compute compute(executor);
  const int64_t experts = 16, top_k = 3, slots = tokens * top_k;
  const Routed r = RunRoute({experts, top_k, 1, 1, {}, true, 1}, Normals("logits", tokens * 16));
  const Dispatch dispatch = MakeDispatch(r.experts.data(), tokens, experts, top_k);
  const auto x = Normals("x", tokens * d), dy = Normals("dy", tokens * d);
  std::vector<float> xs(static_cast<size_t>(slots * d));
  GatherTokens(compute, dispatch, {x.data(), tokens, d}, {xs.data(), slots, d});
  const auto scale_experts = [&](std::vector<float>& rows) {
    for (size_t e = 0; e < 16; ++e) {
      for (int64_t i = dispatch.begin[e] * d; i < dispatch.begin[e + 1] * d; ++i) {
        rows[static_cast<size_t>(i)] *= static_cast<float>(e + 1);
      }
    }
  };
  scale_experts(xs);
  MixtureRun run{std::vector<float>(static_cast<size_t>(tokens * d), 0.25f),
                 std::vector<float>(static_cast<size_t>(slots * d)),
                 std::vector<float>(static_cast<size_t>(slots)),
                 std::vector<float>(static_cast<size_t>(tokens * d), 0.5f)};
  const CombineArgs args{
      &dispatch, top_k, r.weights.data(), {xs.data(), slots, d}, {run.y.data(), tokens, d}};
  Combine(compute, args);
  CombineGrad(compute,
              {args, {dy.data(), tokens, d}, {run.dys.data(), slots, d}, run.dweights.data()});
  auto dxs = run.dys;
  scale_experts(dxs);
  GatherTokensGrad(compute, dispatch, {dxs.data(), slots, d}, {run.dx.data(), tokens, d});
  return run;
}

TEST(Combine, ForwardAndGradientsMatchTwin) {
  const int64_t tokens = 6, d = 5, top_k = 3;
  const Routed r = RunRoute({16, top_k, 1, 1, {}, true, 1}, Normals("logits", tokens * 16));
  const auto x = Normals("x", tokens * d), dy = Normals("dy", tokens * d);
  // Variables: the weights [T, K], then x [T, d].
  const auto mixture = [&](const auto& v) {
    using S = typename std::decay_t<decltype(v)>::value_type;
    const std::vector<S> weights(v.begin(), v.begin() + tokens * top_k);
    std::vector<S> outputs;
    for (int64_t i = 0; i < tokens * top_k; ++i) {
      for (int64_t c = 0; c < d; ++c) {
        outputs.push_back(v[static_cast<size_t>(tokens * top_k + i / top_k * d + c)] *
                          (r.experts[static_cast<size_t>(i)] + 1.0));
      }
    }
    return testing::CombineTwin<S>(weights, outputs, top_k, d);
  };
  std::vector<double> point = Doubles(r.weights);
  point.insert(point.end(), x.begin(), x.end());
  const auto gradient = ComplexStepGradient(
      [&](const std::vector<Complex>& v) {
        const auto y = mixture(v);
        Complex sum = 0;
        for (size_t i = 0; i < y.size(); ++i) sum += y[i] * double{dy[i]};
        return sum;
      },
      point);

  MixtureRun run = RunMixture(1, tokens, d);
  for (float& y : run.y) y -= 0.25f;    // Combine adds
  for (float& dx : run.dx) dx -= 0.5f;  // and so does the gradient of gathering
  EXPECT_LT(RelativeDifference(run.y, mixture(point)), 1e-6);
  const auto split = gradient.begin() + tokens * top_k;
  EXPECT_LT(RelativeDifference(run.dweights, std::vector<double>(gradient.begin(), split)), 1e-6);
  EXPECT_LT(RelativeDifference(run.dx, std::vector<double>(split, gradient.end())), 1e-6);
}

TEST(Combine, SameBitsOnAnyNumberOfThreads) {
  const MixtureRun one = RunMixture(1, 200, 37);
  for (const int threads : {2, 3, 8}) EXPECT_EQ(RunMixture(threads, 200, 37), one);
  // The first rows of a larger batch are those of a smaller one.
  const MixtureRun few = RunMixture(2, 33, 37);
  EXPECT_TRUE(std::equal(few.y.begin(), few.y.end(), one.y.begin()));
  EXPECT_TRUE(std::equal(few.dx.begin(), few.dx.end(), one.dx.begin()));
}

}  // namespace
}  // namespace retort::nn::moe_test
