#include "nn/embedding.h"

#include <gtest/gtest.h>

#include "tests/support/complex_step.h"
#include "tests/support/embedding_twin.h"
#include "tests/support/op_testing.h"

namespace retort::nn::embedding_test {
namespace {
using namespace retort::testing;

struct EmbedCase {
  int64_t vocabulary = 9, width = 5;
  std::vector<int32_t> ids = {3, 0, 8, 3, 3, 1, 0};
  Floats table = Normals("table", vocabulary* width);
  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
};

Floats Gradient(Compute& compute, const EmbedCase& c, const Floats& dy, Floats dtable) {
  EmbedGrad(compute, c.ids.data(), {dy.data(), c.tokens(), c.width},
            {dtable.data(), c.vocabulary, c.width});
  return dtable;
}

TEST(Embed, CopiesRows) {
  const Executor executor(2);
  Compute compute(executor);
  const EmbedCase c;
  Floats y(static_cast<size_t>(c.tokens() * c.width));
  const ConstMat table(c.table.data(), c.vocabulary, c.width);
  Embed(compute, table, c.ids.data(), {y.data(), c.tokens(), c.width});
  EXPECT_EQ(y, EmbedTwin(c.table, c.width, c.ids));
  const testing::Packed packed(table);
  Floats from_packed(y.size());
  Embed(compute, packed.matrix, c.ids.data(), {from_packed.data(), c.tokens(), c.width});
  EXPECT_EQ(from_packed, y);
}

TEST(Embed, GradientIsTheComplexStepDerivativeAndIsAdded) {
  const Executor executor(2);
  Compute compute(executor);
  const EmbedCase c;
  const Floats dy = Normals("dy", c.tokens() * c.width);
  const auto want = ComplexStepGradient(
      [&](const std::vector<Complex>& x) { return WeightedSum(dy, EmbedTwin(x, c.width, c.ids)); },
      As<double>(c.table));
  const Floats zero(c.table.size(), 0.0f), one(c.table.size(), 1.0f);
  EXPECT_LT(RelativeDifference(Gradient(compute, c, dy, zero), want), 1e-6);
  const Floats added = Gradient(compute, c, dy, one);
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(added[i], 1 + want[i], 1e-5);
}

TEST(Embed, GradientAddsTokensInOrderOnAllThreads) {
  EmbedCase c{.vocabulary = 7, .width = 300, .ids = {}};
  c.table.assign(static_cast<size_t>(c.vocabulary * c.width), 0.0f);
  for (int32_t t = 0; t < 500; ++t) c.ids.push_back(t * t % 7);
  const Floats dy = Normals("dy", c.tokens() * c.width);
  Floats in_order = c.table;
  for (size_t t = 0; t < c.ids.size(); ++t) {
    for (size_t i = 0; i < 300; ++i) {
      in_order[static_cast<size_t>(c.ids[t]) * 300 + i] += dy[t * 300 + i];
    }
  }
  ExpectSameOnAllThreads([&](Compute& compute) {
    const Floats got = Gradient(compute, c, dy, c.table);
    EXPECT_TRUE(SameBits(got, in_order));
    return got;
  });
}

}  // namespace
}  // namespace retort::nn::embedding_test
