#include "train/kl.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/complex_step.h"

namespace retort::train::kl_test {
namespace {

using testing::Complex;

// Everything is enumerated over a vocabulary of three tokens.
const std::vector<double>& Logits() {
  static const std::vector<double> logits = {0.3, -1.1, 0.8};
  return logits;
}
const std::vector<double>& ReferenceLogits() {
  static const std::vector<double> logits = {-0.4, 0.2, 0.5};
  return logits;
}

template <class S>
std::vector<S> LogSoftmax(const std::vector<S>& logits) {
  S sum = 0;
  for (const S& l : logits) sum += std::exp(l);
  std::vector<S> result;
  for (const S& l : logits) result.push_back(l - std::log(sum));
  return result;
}

// KL(p ‖ q) of log-probabilities.
template <class S, class R>
S Divergence(const std::vector<S>& p, const std::vector<R>& q) {
  S sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum += std::exp(p[i]) * (p[i] - q[i]);
  return sum;
}

// The expectation of the estimator's value and of its gradient in the logits.
struct Expectation {
  double value = 0;
  std::vector<double> gradient = std::vector<double>(3, 0.0);
};
Expectation Enumerate(KlEstimator estimator) {
  const auto p = LogSoftmax(Logits()), q = LogSoftmax(ReferenceLogits());
  Expectation e;
  for (size_t a = 0; a < 3; ++a) {
    const KlTerm term = EstimateKl(estimator, p[a], q[a]);
    e.value += std::exp(p[a]) * term.value;
    for (size_t j = 0; j < 3; ++j) {
      e.gradient[j] += std::exp(p[a]) * term.gradient * ((a == j) - std::exp(p[j]));
    }
  }
  return e;
}

TEST(Kl, K1AndK3EstimateTheDivergenceK2HalfTheSquare) {
  const auto p = LogSoftmax(Logits()), q = LogSoftmax(ReferenceLogits());
  const double kl = Divergence(p, q);
  EXPECT_GT(kl, 0.1);
  EXPECT_NEAR(Enumerate(KlEstimator::kK1).value, kl, 1e-15);
  EXPECT_NEAR(Enumerate(KlEstimator::kK3).value, kl, 1e-15);
  double half_square = 0;
  for (size_t a = 0; a < 3; ++a) half_square += std::exp(p[a]) * 0.5 * std::pow(p[a] - q[a], 2);
  EXPECT_NEAR(Enumerate(KlEstimator::kK2).value, half_square, 1e-15);
}

TEST(Kl, ExpectedGradients) {
  const auto q = LogSoftmax(ReferenceLogits());
  const auto reverse = testing::ComplexStepGradient(
      [&](const std::vector<Complex>& logits) { return Divergence(LogSoftmax(logits), q); },
      Logits());
  const auto forward = testing::ComplexStepGradient(
      [&](const std::vector<Complex>& logits) {
        const std::vector<Complex> reference(q.begin(), q.end());
        return Divergence(reference, LogSoftmax(logits));
      },
      Logits());
  const auto k1 = Enumerate(KlEstimator::kK1).gradient;
  for (const double g : k1) EXPECT_NEAR(g, 0, 1e-15);
  EXPECT_LT(testing::RelativeDifference(Enumerate(KlEstimator::kK2).gradient, reverse), 1e-12);
  EXPECT_LT(testing::RelativeDifference(Enumerate(KlEstimator::kK3).gradient, forward), 1e-12);
}

TEST(Kl, GradientIsTheDerivativeOfTheValue) {
  for (const auto estimator : {KlEstimator::kK1, KlEstimator::kK2, KlEstimator::kK3}) {
    for (const double ref : {-2.0, -0.7, -0.69, 3.0, 12.0}) {
      const double h = 1e-6;
      const double slope = (EstimateKl(estimator, -0.7 + h, ref).value -
                            EstimateKl(estimator, -0.7 - h, ref).value) /
                           (2 * h);
      EXPECT_NEAR(EstimateKl(estimator, -0.7, ref).gradient, slope, 1e-7 * (1 + std::abs(slope)));
    }
  }
}

TEST(Kl, VanishesAtTheReference) {
  for (const auto estimator : {KlEstimator::kK1, KlEstimator::kK2, KlEstimator::kK3}) {
    EXPECT_EQ(EstimateKl(estimator, -0.7, -0.7).value, 0);
  }
}

TEST(Kl, LogRatioIsClamped) {
  EXPECT_EQ(EstimateKl(KlEstimator::kK1, -50, -1).value, -20);
  EXPECT_EQ(EstimateKl(KlEstimator::kK2, -1, -50).value, 200);
  const KlTerm term = EstimateKl(KlEstimator::kK3, -50, -1);
  EXPECT_NEAR(term.value, std::exp(20.0) - 21, 1e-4);
  EXPECT_EQ(term.gradient, 0);
}

}  // namespace
}  // namespace retort::train::kl_test
