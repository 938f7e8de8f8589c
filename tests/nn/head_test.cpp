#include "nn/head.h"

#include <gtest/gtest.h>

#include "tests/support/complex_step.h"
#include "tests/support/head_twin.h"
#include "tests/support/op_testing.h"

namespace retort::nn::head_test {
namespace {
using namespace retort::testing;

// Predictions p take hidden row p·p mod T, so that many share a row and none are in order.
struct HeadCase {
  int64_t rows, width, vocabulary, predictions;
  float temperature = 1;
  Floats hidden = Normals("hidden", rows* width);
  Floats w = Normals("w", vocabulary* width);
  Floats dlogprob = Normals("dlogprob", predictions), dentropy = Normals("dentropy", predictions);
  std::vector<int32_t> row_of = Squares(rows), targets = Squares(vocabulary);

  std::vector<int32_t> Squares(int64_t below) const {
    std::vector<int32_t> list;
    for (int64_t p = 0; p < predictions; ++p) list.push_back(static_cast<int32_t>(p * p % below));
    return list;
  }
  ConstMat hidden_mat() const { return {hidden.data(), rows, width}; }
  ConstMat w_mat() const { return {w.data(), vocabulary, width}; }
  HeadTwinArgs twin_args() const {
    return {width, row_of, targets, static_cast<double>(temperature)};
  }
};

struct HeadResult {
  Floats logprob, entropy;
};
HeadResult Forward(Compute& compute, const HeadCase& c) {
  const testing::Packed packed(c.w_mat());
  HeadResult r{Floats(c.row_of.size()), Floats(c.row_of.size())};
  Head(compute, {.hidden = c.hidden_mat(),
                 .w = &packed.matrix,
                 .predictions = c.predictions,
                 .rows = c.row_of.data(),
                 .targets = c.targets.data(),
                 .temperature = c.temperature,
                 .logprob = r.logprob.data(),
                 .entropy = r.entropy.data()});
  return r;
}

struct Given {  // what stands in the gradients before, and which of them are wanted
  float before = 0;
  bool dentropy = true, dw = true;
};
/// dhidden, then dw.
Floats Backward(Compute& compute, const HeadCase& c, const Given& given = {}) {
  const testing::Packed packed(c.w_mat());
  Floats dhidden(c.hidden.size(), given.before), dw(c.w.size(), given.before);
  HeadGrad(compute, {.forward = {.hidden = c.hidden_mat(),
                                 .w = &packed.matrix,
                                 .predictions = c.predictions,
                                 .rows = c.row_of.data(),
                                 .targets = c.targets.data(),
                                 .temperature = c.temperature},
                     .weight = c.w_mat(),
                     .dlogprob = c.dlogprob.data(),
                     .dentropy = given.dentropy ? c.dentropy.data() : nullptr,
                     .dhidden = {dhidden.data(), c.rows, c.width},
                     .dw = given.dw ? Mat{dw.data(), c.vocabulary, c.width} : Mat()});
  return Joined(dhidden, dw);
}

std::vector<double> WantedGradient(const HeadCase& c) {
  const int64_t split = c.rows * c.width;
  const auto loss = [&](const std::vector<Complex>& inputs) {
    const auto r = HeadTwin(Part(inputs, 0, split), Part(inputs, split, c.vocabulary * c.width),
                            c.twin_args());
    return WeightedSum(c.dlogprob, r.logprob) + WeightedSum(c.dentropy, r.entropy);
  };
  return ComplexStepGradient(loss, As<double>(Joined(c.hidden, c.w)));
}

TEST(Head, FollowsTheFormulaAtEveryTemperature) {
  const Executor executor(2);
  Compute compute(executor);
  for (const int64_t vocabulary : {1, 2, 15, 16, 17, 300}) {
    for (const float temperature : {1.0f, 0.7f, 1.3f}) {
      const HeadCase c{.rows = 5,
                       .width = 7,
                       .vocabulary = vocabulary,
                       .predictions = 70,
                       .temperature = temperature};
      const HeadResult got = Forward(compute, c);
      const auto want = HeadTwin(As<double>(c.hidden), As<double>(c.w), c.twin_args());
      EXPECT_LT(RelativeDifference(got.logprob, want.logprob), 1e-6) << vocabulary;
      EXPECT_LT(RelativeDifference(got.entropy, want.entropy), 1e-6) << vocabulary;
    }
  }
}

TEST(Head, TheSamplersLogProbabilityIsTheTrainersToTheBit) {
  const Executor executor(2);
  Compute compute(executor);
  for (const int64_t vocabulary : {1, 2, 15, 16, 17, 63, 64, 65, 300, 5000}) {
    for (const float temperature : {1.0f, 0.7f, 1.3f}) {
      HeadCase c{.rows = 4,
                 .width = 33,
                 .vocabulary = vocabulary,
                 .predictions = 80,
                 .temperature = temperature};
      c.targets.back() = static_cast<int32_t>(vocabulary - 1);
      const HeadResult head = Forward(compute, c);

      // As in decoding: one row of logits at a time, lying anywhere.
      const testing::Packed packed(c.w_mat());
      Floats logits(static_cast<size_t>(c.rows * (vocabulary + 1) + 1)), entropies;
      const Mat decoded(logits.data() + 1, c.rows, vocabulary, vocabulary + 1);
      for (int64_t t = 0; t < c.rows; ++t) {
        Gemm(compute, GemmJob{c.hidden_mat().Rows(t, 1), &packed.matrix, decoded.Rows(t, 1)});
        entropies.push_back(LogSoftmaxRow(decoded.row(t), vocabulary, temperature));
      }
      for (size_t p = 0; p < c.row_of.size(); ++p) {
        EXPECT_EQ(head.logprob[p], decoded(c.row_of[p], c.targets[p])) << vocabulary;
        EXPECT_EQ(head.entropy[p], entropies[static_cast<size_t>(c.row_of[p])]) << vocabulary;
      }
    }
  }
}

TEST(Head, GradientIsTheComplexStepDerivative) {
  const Executor executor(2);
  Compute compute(executor);
  for (const float temperature : {1.0f, 0.7f, 1.3f}) {
    HeadCase c{
        .rows = 5, .width = 7, .vocabulary = 11, .predictions = 70, .temperature = temperature};
    EXPECT_LT(RelativeDifference(Backward(compute, c), WantedGradient(c)), 1e-5);
    const Floats log_only = Backward(compute, c, {.dentropy = false});
    c.dentropy.assign(c.dentropy.size(), 0.0f);  // the same as none
    EXPECT_LT(RelativeDifference(log_only, WantedGradient(c)), 1e-5);
    c.dentropy = Normals("dentropy", c.predictions);
    c.dlogprob.assign(c.dlogprob.size(), 0.0f);
    EXPECT_LT(RelativeDifference(Backward(compute, c), WantedGradient(c)), 1e-5);
  }
}

TEST(Head, GradientGoesOverSeveralChunks) {
  const Executor executor(2);
  Compute compute(executor);
  const HeadCase c{.rows = 3, .width = 2, .vocabulary = 3, .predictions = 4200};
  EXPECT_LT(RelativeDifference(Backward(compute, c), WantedGradient(c)), 1e-5);
}

TEST(Head, GradientIsAddedAndTheWeightsMayBeLeftOut) {
  const Executor executor(2);
  Compute compute(executor);
  const HeadCase c{.rows = 5, .width = 7, .vocabulary = 11, .predictions = 70};
  const Floats once = Backward(compute, c), added = Backward(compute, c, {.before = 100});
  for (size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(added[i], 100 + once[i], 1e-4f);

  const Floats frozen = Backward(compute, c, {.dw = false});
  const int64_t split = c.rows * c.width;
  EXPECT_TRUE(SameBits(Part(frozen, 0, split), Part(once, 0, split)));
}

TEST(Head, NoPredictionsIsNoWork) {
  const Executor executor(2);
  Compute compute(executor);
  const HeadCase c{.rows = 5, .width = 7, .vocabulary = 11, .predictions = 0};
  EXPECT_TRUE(Forward(compute, c).logprob.empty());
  for (const float gradient : Backward(compute, c)) EXPECT_EQ(gradient, 0.0f);
}

TEST(Head, PredictionsAreIndependentToTheBit) {
  const HeadCase all{
      .rows = 7, .width = 33, .vocabulary = 65, .predictions = 70, .temperature = 0.7f};
  ExpectRowsIndependent(all.predictions, [&](Compute& compute, const std::vector<int64_t>& list) {
    HeadCase c = all;
    c.predictions = static_cast<int64_t>(list.size());
    c.row_of.clear();
    c.targets.clear();
    for (const int64_t p : list) {
      c.row_of.push_back(all.row_of[static_cast<size_t>(p)]);
      c.targets.push_back(all.targets[static_cast<size_t>(p)]);
    }
    const HeadResult got = Forward(compute, c);
    Floats pairs;
    for (size_t i = 0; i < got.logprob.size(); ++i) {
      pairs.push_back(got.logprob[i]);
      pairs.push_back(got.entropy[i]);
    }
    return pairs;
  });
}

TEST(Head, GradientsAreTheSameOnAllThreads) {
  const HeadCase c{.rows = 40, .width = 33, .vocabulary = 300, .predictions = 200};
  ExpectSameOnAllThreads([&](Compute& compute) { return Backward(compute, c); });
}

TEST(Head, HoldsABoundedChunkOfLogits) {
  const Executor executor(1);
  Compute compute(executor);
  const HeadCase c{.rows = 5, .width = 7, .vocabulary = 5000, .predictions = 2000};
  Backward(compute, c);
  EXPECT_EQ(compute.scratch[0].bytes(), 0u);
  // The logits of all predictions together would be 40 MB; a chunk is at most 32.
  EXPECT_LT(compute.scratch[0].peak_bytes(), size_t{36} << 20);
}

TEST(DrawFrom, IsTheFirstWhoseSumPassesTheNumber) {
  for (const int64_t vocabulary : {1, 5, 256, 257, 1000}) {
    Floats logprobs = testing::Normals("logits", vocabulary, 2);
    logprobs[static_cast<size_t>(vocabulary / 2)] = -std::numeric_limits<float>::infinity();
    if (vocabulary == 1) logprobs[0] = 1;
    LogSoftmaxRow(logprobs.data(), vocabulary, 1);
    double sum = 0;
    for (int64_t j = 0; j < vocabulary; ++j) {
      const double p = std::exp(static_cast<double>(logprobs[static_cast<size_t>(j)]));
      if (p < 1e-5) {
        sum += p;
        continue;  // rounding may hide it
      }
      EXPECT_EQ(DrawFrom(logprobs.data(), vocabulary, std::min(sum + p / 2, 0.9999999)), j);
      sum += p;
    }
    // What rounding leaves goes to the last possible one.
    const int64_t last = DrawFrom(logprobs.data(), vocabulary, std::nextafter(1.0, 0.0));
    EXPECT_GT(logprobs[static_cast<size_t>(last)], -1e9f);
  }
}

}  // namespace
}  // namespace retort::nn::head_test
