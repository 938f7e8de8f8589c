#include "nn/rope.h"

#include <gtest/gtest.h>

#include "tests/support/complex_step.h"
#include "tests/support/op_testing.h"
#include "tests/support/rope_twin.h"

namespace retort::nn::rope_test {
namespace {
using namespace retort::testing;

// Two heads inside rows that hold other things before, between and after.
Rotations Plain(int64_t dim, double theta) {
  Rotations rotations;
  for (int64_t i = 0; i < dim / 2; ++i) {
    rotations.frequencies.push_back(std::pow(theta, -2.0 * double(i) / double(dim)));
  }
  return rotations;
}

struct RopeCase {
  int64_t rows, dim;
  RopeLayout layout = RopeLayout::kHalfSplit;
  bool inverse = false;
  double theta = 10000;
  int64_t begin = 3, stride = dim + 2, width = begin + 2 * stride;
  Floats x = Normals("x", rows* width);
  std::vector<int32_t> positions = Positions();

  std::vector<int32_t> Positions() const {
    std::vector<int32_t> p;
    for (int64_t t = 0; t < rows; ++t) p.push_back(static_cast<int32_t>((t * 37 + 5) % 200));
    return p;
  }
  Floats Run(Compute& compute) const {
    RopeTable table(Plain(dim, theta));
    table.Reserve(3);
    table.Reserve(200);  // grows, the old entries stay
    table.Reserve(1);
    Floats y = x;
    Rope(compute, {.table = &table,
                   .positions = positions.data(),
                   .x = {y.data(), rows, width},
                   .heads = 2,
                   .begin = begin,
                   .head_stride = stride,
                   .layout = layout,
                   .inverse = inverse});
    return y;
  }
  template <class S>
  std::vector<S> Twin(std::vector<S> y) const {
    for (int64_t t = 0; t < rows; ++t) {
      for (int64_t h = 0; h < 2; ++h) {
        const int64_t at = t * width + begin + h * stride;
        const auto turned =
            RopeTwin(Part(y, at, dim), {.position = double(positions[static_cast<size_t>(t)]),
                                        .theta = theta,
                                        .interleaved = layout == RopeLayout::kInterleaved,
                                        .inverse = inverse});
        std::copy(turned.begin(), turned.end(), y.begin() + at);
      }
    }
    return y;
  }
};

class RopeTest : public ::testing::TestWithParam<RopeLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, RopeTest,
                         ::testing::Values(RopeLayout::kInterleaved, RopeLayout::kHalfSplit));

TEST_P(RopeTest, TurnsEveryHeadAndTouchesNothingElse) {
  const Executor executor(2);
  Compute compute(executor);
  for (const int64_t dim : {2, 8, 32, 34, 64}) {
    for (const bool inverse : {false, true}) {
      for (const double theta : {10000.0, 100.0}) {
        const RopeCase c{
            .rows = 20, .dim = dim, .layout = GetParam(), .inverse = inverse, .theta = theta};
        EXPECT_LT(RelativeDifference(c.Run(compute), c.Twin(As<double>(c.x))), 1e-6);
      }
    }
  }
}

TEST_P(RopeTest, InverseIsTheGradient) {
  const Executor executor(2);
  Compute compute(executor);
  const RopeCase forward{.rows = 3, .dim = 34, .layout = GetParam()};
  RopeCase backward = forward;
  backward.inverse = true;
  backward.x = Normals("dy", forward.rows * forward.width);
  const auto want = ComplexStepGradient(
      [&](const std::vector<Complex>& x) { return WeightedSum(backward.x, forward.Twin(x)); },
      As<double>(forward.x));
  EXPECT_LT(RelativeDifference(backward.Run(compute), want), 1e-5);
}

TEST_P(RopeTest, RowsAreIndependentToTheBit) {
  const RopeCase all{.rows = 40, .dim = 34, .layout = GetParam()};
  ExpectRowsIndependent(all.rows, [&](Compute& compute, const std::vector<int64_t>& list) {
    RopeCase c = all;
    c.rows = static_cast<int64_t>(list.size());
    c.x = TakeRows(all.x, all.width, list);
    c.positions.clear();
    for (const int64_t row : list) c.positions.push_back(all.positions[static_cast<size_t>(row)]);
    return c.Run(compute);
  });
}

TEST(RopeTable, IsExactAtLargePositions) {
  RopeTable table(Plain(4, 10000));
  table.Reserve(100001);
  EXPECT_EQ(table.cos(100000)[0], static_cast<float>(std::cos(100000.0)));
  EXPECT_EQ(table.sin(100000)[1], static_cast<float>(std::sin(100000.0 * 0.01)));
}

TEST(RopeTable, MultipliesByTheMagnitude) {
  Rotations stretched = Plain(4, 10000);
  stretched.magnitude = 1.25;
  RopeTable table(stretched);
  table.Reserve(8);
  EXPECT_EQ(table.cos(7)[0], static_cast<float>(1.25 * std::cos(7.0)));
  EXPECT_EQ(table.sin(7)[1], static_cast<float>(1.25 * std::sin(7.0 * 0.01)));
}

}  // namespace
}  // namespace retort::nn::rope_test
