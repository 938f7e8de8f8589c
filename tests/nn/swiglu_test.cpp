#include "nn/swiglu.h"

#include <gtest/gtest.h>

#include "tests/support/complex_step.h"
#include "tests/support/op_testing.h"
#include "tests/support/swiglu_twin.h"

namespace retort::nn::swiglu_test {
namespace {
using namespace retort::testing;

Floats Forward(Compute& compute, const Floats& gate_up, int64_t f) {
  const int64_t rows = static_cast<int64_t>(gate_up.size()) / (2 * f);
  Floats y(static_cast<size_t>(rows * f));
  SwiGlu(compute, {gate_up.data(), rows, 2 * f}, {y.data(), rows, f});
  return y;
}

Floats Backward(Compute& compute, const Floats& gate_up, const Floats& dy, int64_t f) {
  const int64_t rows = static_cast<int64_t>(gate_up.size()) / (2 * f);
  Floats dgate_up(gate_up.size()), y(dy.size());
  SwiGluGrad(compute, {.gate_up = {gate_up.data(), rows, 2 * f},
                       .dy = {dy.data(), rows, f},
                       .dgate_up = {dgate_up.data(), rows, 2 * f},
                       .y = {y.data(), rows, f}});
  EXPECT_TRUE(SameBits(y, Forward(compute, gate_up, f)));
  return dgate_up;
}

TEST(SwiGlu, FollowsTheFormula) {
  const Executor executor(2);
  Compute compute(executor);
  for (const int64_t f : {1, 7, 16, 17, 100}) {
    const Floats gate_up = Normals("gate_up", 20 * 2 * f, 3);
    const auto want = SwiGluTwin(As<double>(gate_up), static_cast<size_t>(f));
    EXPECT_LT(RelativeDifference(Forward(compute, gate_up, f), want), 1e-6) << f;
  }
}

TEST(SwiGlu, LargeGatesSaturate) {
  const Executor executor(1);
  Compute compute(executor);
  const Floats gate_up = {200, -200, 1e30f, -1e30f, 2, 2, 2, 2};
  EXPECT_EQ(Forward(compute, gate_up, 4), (Floats{400, 0, 2e30f, 0}));
  EXPECT_EQ(Backward(compute, gate_up, {1, 1, 1, 1}, 4), (Floats{2, 0, 2, 0, 200, 0, 1e30f, 0}));
}

TEST(SwiGlu, GradientIsTheComplexStepDerivative) {
  const Executor executor(2);
  Compute compute(executor);
  for (const int64_t f : {3, 16, 21}) {
    const Floats gate_up = Normals("gate_up", 5 * 2 * f, 2), dy = Normals("dy", 5 * f);
    const auto want = ComplexStepGradient(
        [&](const std::vector<Complex>& x) {
          return WeightedSum(dy, SwiGluTwin(x, static_cast<size_t>(f)));
        },
        As<double>(gate_up));
    EXPECT_LT(RelativeDifference(Backward(compute, gate_up, dy, f), want), 1e-5) << f;

    Floats in_place = gate_up, y(dy.size());
    SwiGluGrad(compute, {.gate_up = {in_place.data(), 5, 2 * f},
                         .dy = {dy.data(), 5, f},
                         .dgate_up = {in_place.data(), 5, 2 * f},
                         .y = {y.data(), 5, f}});
    EXPECT_TRUE(SameBits(in_place, Backward(compute, gate_up, dy, f)));
  }
}

TEST(SwiGlu, RowsAreIndependentToTheBit) {
  const int64_t rows = 40, f = 21;
  const Floats gate_up = Normals("gate_up", rows * 2 * f), dy = Normals("dy", rows * f);
  ExpectRowsIndependent(rows, [&](Compute& compute, const std::vector<int64_t>& list) {
    return Forward(compute, TakeRows(gate_up, 2 * f, list), f);
  });
  ExpectRowsIndependent(rows, [&](Compute& compute, const std::vector<int64_t>& list) {
    return Backward(compute, TakeRows(gate_up, 2 * f, list), TakeRows(dy, f, list), f);
  });
}

}  // namespace
}  // namespace retort::nn::swiglu_test
