#include "distill/packing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace retort::distill::packing_test {
namespace {

/// The sizes of the pieces of each sequence.
using Sizes = std::vector<std::vector<int64_t>>;

std::vector<Piece> Rows(const std::vector<int64_t>& sizes) {
  std::vector<Piece> rows;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    rows.push_back({begin, begin + size});
    begin += size;
  }
  return rows;
}
Sizes SizesOf(const Packing& packing) {
  Sizes sizes(static_cast<size_t>(packing.size()));
  for (int64_t s = 0; s < packing.size(); ++s) {
    for (const Piece& piece : packing[s]) sizes[static_cast<size_t>(s)].push_back(piece.size());
  }
  return sizes;
}
Sizes Pack(const std::vector<int64_t>& sizes, int64_t max_length, PackingStrategy strategy) {
  return SizesOf(Packing(Rows(sizes), max_length, strategy));
}

// The examples of TRL's pack_dataset: rows of 5 (cut to 4), 2, 3 and 1 tokens, sequences of 4.
TEST(Packing, AsTrlPacks) {
  EXPECT_EQ(Pack({4, 2, 3, 1}, 4, PackingStrategy::kBfd), (Sizes{{4}, {3, 1}, {2}}));
  EXPECT_EQ(Pack({5, 2, 3, 1}, 4, PackingStrategy::kBfdSplit), (Sizes{{4}, {3, 1}, {2, 1}}));
  EXPECT_EQ(Pack({5, 2, 3, 1}, 4, PackingStrategy::kWrapped), (Sizes{{4}, {1, 2, 1}, {2, 1}}));
}

TEST(Packing, EachRowByItself) {
  const std::vector<Piece> rows = Rows({5, 2});
  const Packing packing(rows);
  ASSERT_EQ(packing.size(), 2);
  EXPECT_EQ(packing[0][0], rows[0]);
  EXPECT_EQ(packing[1][0], rows[1]);
  EXPECT_EQ(Packing({}, 4, PackingStrategy::kBfd).size(), 0);
  EXPECT_EQ(Packing({}, 4, PackingStrategy::kWrapped).size(), 0);
}

TEST(Packing, EveryTokenOnceAndNoSequenceTooLong) {
  RandomStream random({.seed = 1, .purpose = "packing"});
  for (int trial = 0; trial < 200; ++trial) {
    const auto max_length = static_cast<int64_t>(2 + random.Below(12));
    std::vector<int64_t> sizes(random.Below(20));
    for (int64_t& size : sizes) size = static_cast<int64_t>(1 + random.Below(25));
    const int64_t total = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
    for (const auto& [strategy, name] : EnumNames(PackingStrategy())) {
      std::vector<int64_t> rows = sizes;
      if (strategy == PackingStrategy::kBfd) {
        for (int64_t& size : rows) size = std::min(size, max_length);
      }
      const int64_t tokens = std::accumulate(rows.begin(), rows.end(), int64_t{0});
      const Packing packing(Rows(rows), max_length, strategy);
      std::vector<int> seen(static_cast<size_t>(tokens));
      for (int64_t s = 0; s < packing.size(); ++s) {
        int64_t length = 0;
        for (const Piece& piece : packing[s]) {
          EXPECT_GT(piece.size(), 0);
          length += piece.size();
          for (int64_t i = piece.begin; i < piece.end; ++i) ++seen[static_cast<size_t>(i)];
        }
        EXPECT_LE(length, max_length) << name;
        EXPECT_GT(length, 0) << name;
        if (strategy == PackingStrategy::kWrapped && s + 1 < packing.size()) {
          EXPECT_EQ(length, max_length);
        }
      }
      EXPECT_EQ(std::ranges::count(seen, 1), tokens) << name;
      EXPECT_LE(tokens, total);
    }
  }
}

}  // namespace
}  // namespace retort::distill::packing_test
