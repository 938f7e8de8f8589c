#include "nn/norm.h"

#include <gtest/gtest.h>

#include "tests/support/complex_step.h"
#include "tests/support/norm_twin.h"
#include "tests/support/op_testing.h"

namespace retort::nn::norm_test {
namespace {
using namespace retort::testing;

struct NormCase {
  explicit NormCase(int64_t rows, int64_t n) : rows(rows), n(n) {}
  int64_t rows, n;
  Floats x = Normals("x", rows*n), weight = Normals("weight", n), dy = Normals("dy", rows*n);
};

struct NormResult {
  Floats y, rstd;
};
NormResult Forward(Compute& compute, const NormCase& c, float eps) {
  NormResult r{Floats(c.x.size()), Floats(static_cast<size_t>(c.rows))};
  RmsNorm(compute, {.x = {c.x.data(), c.rows, c.n},
                    .weight = c.weight.data(),
                    .eps = eps,
                    .y = {r.y.data(), c.rows, c.n},
                    .rstd = r.rstd.data()});
  return r;
}

struct NormGradient {
  Floats dx, dweight;
};
NormGradient Backward(Compute& compute, const NormCase& c, float eps) {
  const NormResult forward = Forward(compute, c, eps);
  NormGradient g{Floats(c.x.size(), 7.0f), Floats(static_cast<size_t>(c.n), 0.0f)};
  RmsNormGrad(compute, {.x = {c.x.data(), c.rows, c.n},
                        .weight = c.weight.data(),
                        .rstd = forward.rstd.data(),
                        .dy = {c.dy.data(), c.rows, c.n},
                        .dx = {g.dx.data(), c.rows, c.n},
                        .dweight = g.dweight.data()});
  return g;
}

TEST(RmsNorm, FollowsTheFormulaAndEpsilon) {
  const Executor executor(2);
  Compute compute(executor);
  for (const int64_t n : {1, 3, 16, 17, 64, 65, 200}) {
    for (const float eps : {1e-6f, 0.5f}) {
      const NormCase c(3, n);
      const auto want = RmsNormTwin(As<double>(c.x), As<double>(c.weight), eps);
      EXPECT_LT(RelativeDifference(Forward(compute, c, eps).y, want), 1e-6) << n << " " << eps;
    }
  }
}

TEST(RmsNorm, GradientIsTheComplexStepDerivative) {
  const Executor executor(2);
  Compute compute(executor);
  for (const int64_t n : {5, 16, 37}) {
    const NormCase c(35, n);  // more than one tile of rows
    const float eps = 0.1f;
    const auto loss = [&](const std::vector<Complex>& inputs) {
      const auto x = Part(inputs, 0, c.rows * n), weight = Part(inputs, c.rows * n, n);
      return WeightedSum(c.dy, RmsNormTwin(x, weight, static_cast<double>(eps)));
    };
    const auto want = ComplexStepGradient(loss, As<double>(Joined(c.x, c.weight)));
    const NormGradient got = Backward(compute, c, eps);
    EXPECT_LT(RelativeDifference(got.dx, Part(want, 0, c.rows * n)), 1e-5);
    EXPECT_LT(RelativeDifference(got.dweight, Part(want, c.rows * n, n)), 1e-5);
  }
}

TEST(RmsNorm, WorksInPlace) {
  const Executor executor(1);
  Compute compute(executor);
  const NormCase c(4, 19);
  const NormResult forward = Forward(compute, c, 1e-6f);
  Floats y = c.x;
  RmsNorm(compute, {.x = {y.data(), c.rows, c.n},
                    .weight = c.weight.data(),
                    .eps = 1e-6f,
                    .y = {y.data(), c.rows, c.n}});
  EXPECT_TRUE(SameBits(y, forward.y));

  Floats dx = c.dy, dweight(static_cast<size_t>(c.n), 0.0f);
  RmsNormGrad(compute, {.x = {c.x.data(), c.rows, c.n},
                        .weight = c.weight.data(),
                        .rstd = forward.rstd.data(),
                        .dy = {dx.data(), c.rows, c.n},
                        .dx = {dx.data(), c.rows, c.n},
                        .dweight = dweight.data()});
  const NormGradient want = Backward(compute, c, 1e-6f);
  EXPECT_TRUE(SameBits(dx, want.dx));
  EXPECT_TRUE(SameBits(dweight, want.dweight));
}

TEST(RmsNorm, AddsToGradientsWhenAsked) {
  const Executor executor(1);
  Compute compute(executor);
  const NormCase c(4, 19);
  const NormResult forward = Forward(compute, c, 1e-6f);
  const NormGradient once = Backward(compute, c, 1e-6f);
  const Floats before = Normals("before", c.rows * c.n), weight_before = Normals("wb", c.n);
  Floats dx = before, dweight = weight_before;
  RmsNormGrad(compute, {.x = {c.x.data(), c.rows, c.n},
                        .weight = c.weight.data(),
                        .rstd = forward.rstd.data(),
                        .dy = {c.dy.data(), c.rows, c.n},
                        .dx = {dx.data(), c.rows, c.n},
                        .start = {dx.data(), c.rows, c.n},
                        .dweight = dweight.data()});
  for (size_t i = 0; i < dx.size(); ++i) EXPECT_NEAR(dx[i], before[i] + once.dx[i], 1e-5f);
  for (size_t i = 0; i < dweight.size(); ++i) {
    EXPECT_NEAR(dweight[i], weight_before[i] + once.dweight[i], 1e-5f);
  }
}

TEST(RmsNorm, RowsAreIndependentToTheBit) {
  const NormCase all(40, 37);
  ExpectRowsIndependent(all.rows, [&](Compute& compute, const std::vector<int64_t>& list) {
    NormCase c(static_cast<int64_t>(list.size()), all.n);
    c.x = TakeRows(all.x, all.n, list);
    c.dy = TakeRows(all.dy, all.n, list);
    Floats rows;  // y and dx of each row, side by side
    const Floats y = Forward(compute, c, 1e-6f).y, dx = Backward(compute, c, 1e-6f).dx;
    for (int64_t i = 0; i < c.rows; ++i) {
      rows = Joined(Joined(std::move(rows), Part(y, i * c.n, c.n)), Part(dx, i * c.n, c.n));
    }
    return rows;
  });
}

TEST(RmsNorm, WeightGradientIsTheSameOnAllThreads) {
  const NormCase c(4000, 37);  // enough tiles for every thread
  ExpectSameOnAllThreads([&](Compute& compute) { return Backward(compute, c, 1e-6f).dweight; });
}

}  // namespace
}  // namespace retort::nn::norm_test
