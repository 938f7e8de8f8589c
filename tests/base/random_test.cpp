#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace retort::random_test {
namespace {

std::vector<uint64_t> Draw(const StreamKey& key, int count) {
  RandomStream stream(key);
  std::vector<uint64_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(stream.NextU64());
  return numbers;
}

// The known-answer vectors of the Random123 library for philox4x32 with ten rounds.
TEST(Random, PhiloxGivesThePublishedNumbers) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(Philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, TheNameAloneDecidesTheNumbers) {
  const StreamKey key{1, "sample", 2, 3, 4};
  EXPECT_EQ(Draw(key, 9), Draw(key, 9));
  const std::string same = std::string("sam") + "ple";  // the text counts, not its address
  EXPECT_EQ(Draw(key, 9), Draw({1, same, 2, 3, 4}, 9));
}

TEST(Random, EveryPartOfTheNameMatters) {
  std::set<uint64_t> first;
  for (const StreamKey& key :
       {StreamKey{0, "a", 0, 0, 0}, StreamKey{1, "a", 0, 0, 0}, StreamKey{0, "b", 0, 0, 0},
        StreamKey{0, "a", 1, 0, 0}, StreamKey{0, "a", 0, 1, 0}, StreamKey{0, "a", 0, 0, 1}}) {
    first.insert(Draw(key, 1)[0]);
  }
  EXPECT_EQ(first.size(), 6u);
}

// Streams of neighbouring names must look independent: over many pairs the correlation of their
// uniforms is within five standard errors of zero.
TEST(Random, NeighbouringStreamsAreUncorrelated) {
  double sum = 0;
  constexpr int kPairs = 20000;
  for (int i = 0; i < kPairs; ++i) {
    RandomStream a({7, "test", 0, 0, static_cast<uint64_t>(i)});
    RandomStream b({7, "test", 0, 0, static_cast<uint64_t>(i) + 1});
    sum += (a.Uniform() - 0.5) * (b.Uniform() - 0.5);
  }
  EXPECT_LT(std::abs(sum / kPairs), 5.0 / 12.0 / std::sqrt(kPairs));
}

TEST(Random, TheStreamDoesNotRepeatItsBlocks) {
  const std::vector<uint64_t> numbers = Draw({3, "long", 0, 0, 0}, 5000);
  EXPECT_EQ(std::set<uint64_t>(numbers.begin(), numbers.end()).size(), numbers.size());
}

TEST(Random, UniformStaysInItsIntervalWithTheRightMoments) {
  RandomStream stream({1, "uniform", 0, 0, 0});
  double sum = 0, squares = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double u = stream.Uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    squares += u * u;
  }
  EXPECT_NEAR(sum / kDraws, 1.0 / 2, 0.005);
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 0.005);
}

TEST(Random, BelowIsEvenOverItsValues) {
  RandomStream stream({1, "below", 0, 0, 0});
  std::array<int, 7> counts{};
  constexpr int kDraws = 70000;
  for (int i = 0; i < kDraws; ++i) ++counts[stream.Below(7)];
  double chi2 = 0;
  for (const int count : counts) chi2 += std::pow(count - kDraws / 7.0, 2) / (kDraws / 7.0);
  EXPECT_LT(chi2, 22.5);  // 6 degrees of freedom, p = 0.001
  EXPECT_EQ(stream.Below(1), 0u);
}

// For n = 3·2^62 a plain `draw % n` would give the lowest third twice as often as the others.
TEST(Random, BelowHasNoModuloBias) {
  RandomStream stream({2, "below", 0, 0, 0});
  constexpr uint64_t kThird = uint64_t{1} << 62;
  int low = 0;
  for (int i = 0; i < 9000; ++i) low += stream.Below(3 * kThird) < kThird;
  EXPECT_NEAR(low, 3000, 250);
}

TEST(Random, BetweenIncludesBothEnds) {
  RandomStream stream({1, "between", 0, 0, 0});
  std::set<int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(stream.Between(-2, 2));
  EXPECT_EQ(seen, (std::set<int64_t>{-2, -1, 0, 1, 2}));
  EXPECT_EQ(stream.Between(5, 5), 5);
  bool negative = false, positive = false;
  for (int i = 0; i < 64; ++i) {
    const int64_t wide = stream.Between(INT64_MIN, INT64_MAX);
    (wide < 0 ? negative : positive) = true;
  }
  EXPECT_TRUE(negative && positive);
}

TEST(Random, NormalHasTheMomentsOfTheNormal) {
  RandomStream stream({1, "normal", 0, 0, 0});
  double sum = 0, squares = 0, fourth = 0;
  constexpr int kDraws = 200000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = stream.Normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.012);
  EXPECT_NEAR(squares / kDraws, 1, 0.016);
  EXPECT_NEAR(fourth / kDraws, 3, 0.12);
}

TEST(Random, ShuffleReachesEveryOrderEqually) {
  RandomStream stream({1, "shuffle", 0, 0, 0});
  std::array<int, 6> counts{};
  constexpr int kDraws = 12000;
  for (int i = 0; i < kDraws; ++i) {
    std::vector<int> items = {0, 1, 2};
    stream.Shuffle(items);
    std::vector<int> order = {0, 1, 2};
    size_t rank = 0;
    while (order != items) {
      std::next_permutation(order.begin(), order.end());
      ++rank;
    }
    ++counts[rank];
  }
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 6, 200);
}

}  // namespace
}  // namespace retort::random_test
