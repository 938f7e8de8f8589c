#include "nn/internal/row_math.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/complex_step.h"
#include "tests/support/head_twin.h"
#include "tests/support/op_testing.h"

namespace retort::nn::row_math_test {
namespace {
using namespace retort::testing;

constexpr int64_t kLengths[] = {1, 2, 7, 15, 16, 17, 63, 64, 65, 127, 300};

TEST(RowMath, SumsAndUpdatesRowsOfEveryLengthAndNothingBeyond) {
  for (const int64_t n : kLengths) {
    const Floats a = Normals("a", n + 1), b = Normals("b", n + 1);
    double dot = 0;
    std::vector<double> axpy = As<double>(b), sum = axpy, product = axpy;
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
      const double x = a[i], y = b[i];
      dot += x * y;
      axpy[i] += 0.3 * x;
      sum[i] += x;
      product[i] *= 0.3 * x;
    }
    EXPECT_NEAR(Dot(a.data(), b.data(), n), dot, 1e-5 * std::sqrt(static_cast<double>(n)));
    const auto check = [&](const std::vector<double>& want, const auto& op) {
      Floats y = b;
      op(y.data());
      EXPECT_LT(RelativeDifference(y, want), 1e-6) << n;
      EXPECT_EQ(y.back(), b.back()) << n;
    };
    check(axpy, [&](float* y) { Axpy(0.3f, a.data(), y, n); });
    check(sum, [&](float* y) { Add(a.data(), y, n); });
    check(product, [&](float* y) { MultiplyScaled(a.data(), y, 0.3f, y, n); });
  }
}

TEST(RowMath, BitsDoNotDependOnThePlaceInMemory) {
  for (const int64_t n : kLengths) {
    const Floats a = Normals("a", n), b = Normals("b", n);
    for (int64_t shift = 1; shift < 16; ++shift) {
      const Floats pad(static_cast<size_t>(shift), NAN);
      const Floats moved_a = Joined(pad, a), moved_b = Joined(Joined(pad, b), pad);
      EXPECT_EQ(Dot(a.data(), b.data(), n), Dot(moved_a.data() + shift, moved_b.data() + shift, n));
      const SoftmaxRow here = ReadSoftmaxRow(b.data(), n, 0.7f);
      const SoftmaxRow there = ReadSoftmaxRow(moved_b.data() + shift, n, 0.7f);
      EXPECT_EQ(here.log_sum, there.log_sum);
      EXPECT_EQ(here.entropy, there.entropy);
    }
  }
}

TEST(SoftmaxRow, GivesLogProbabilitiesAndEntropyOfWideRows) {
  for (const double spread : {0.01, 1.0, 30.0}) {
    const Floats logits = Normals("logits", 20000, spread);
    const SoftmaxRow row = ReadSoftmaxRow(logits.data(), 20000, 1.3f);
    Floats got;
    for (const float l : logits) got.push_back(row.LogProb(l));
    const auto want = LogSoftmaxTwin(As<double>(logits), static_cast<double>(1.3f));
    EXPECT_LT(RelativeDifference(got, want), 1e-6) << spread;
    EXPECT_NEAR(row.entropy, EntropyTwin(want), 1e-5) << spread;
  }
}

TEST(SoftmaxRow, OneTokenAndCertainty) {
  const float alone = 3;
  EXPECT_EQ(ReadSoftmaxRow(&alone, 1, 0.7f).LogProb(alone), 0.0f);
  EXPECT_EQ(ReadSoftmaxRow(&alone, 1, 0.7f).entropy, 0.0f);
  const Floats certain = {1000, 0, -1000};
  const SoftmaxRow row = ReadSoftmaxRow(certain.data(), 3, 1);
  EXPECT_EQ(row.LogProb(1000), 0.0f);
  EXPECT_EQ(row.LogProb(0), -1000.0f);
  EXPECT_EQ(row.entropy, 0.0f);
}

TEST(SoftmaxRow, ExcludedTokensHaveNoProbabilityAndNoGradient) {
  Floats logits = {1, -INFINITY, 2, -INFINITY};
  const SoftmaxRow row = ReadSoftmaxRow(logits.data(), 4, 1);
  EXPECT_EQ(row.LogProb(-INFINITY), -INFINITY);
  const double p = 1 / (1 + std::exp(1.0));
  EXPECT_NEAR(row.entropy, -p * std::log(p) - (1 - p) * std::log(1 - p), 1e-6);
  SoftmaxGradRow(row, {.target = 0, .dlogprob = 1, .dentropy = 1}, logits.data(), 4);
  EXPECT_EQ(logits[1], 0.0f);
  EXPECT_TRUE(std::isfinite(logits[0]) && std::isfinite(logits[2]));
}

TEST(SoftmaxRow, NaNDoesNotVanish) {
  for (const size_t at : {0, 5, 18}) {
    Floats logits = Normals("logits", 19);
    logits[at] = NAN;
    const SoftmaxRow row = ReadSoftmaxRow(logits.data(), 19, 1);
    EXPECT_TRUE(std::isnan(row.LogProb(logits[2]))) << at;
    EXPECT_TRUE(std::isnan(row.entropy)) << at;
    SoftmaxGradRow(row, {.target = 2, .dlogprob = 1}, logits.data(), 19);
    EXPECT_TRUE(std::isnan(logits[2])) << at;
  }
}

}  // namespace
}  // namespace retort::nn::row_math_test
