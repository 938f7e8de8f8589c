#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"

namespace retort::model::kv_cache_test {
namespace {

float Number(float token, int64_t layer, int64_t part) {
  return token + static_cast<float>(layer) / 2 + static_cast<float>(part) / 8;
}

// Against the plainest model of it: every sequence is a list of numbers.
TEST(KvCache, KeepsEverySequenceThroughRandomForksTruncationsAndDrops) {
  RandomStream random({.seed = 1, .purpose = "cache"});
  KvCache cache({.layers = 2, .segments = 3, .segment = 5});
  std::map<KvCache::Handle, std::vector<float>> expected;
  float next = 1;
  int64_t peak = 0;
  const auto any = [&] {
    auto it = expected.begin();
    std::advance(it, static_cast<int64_t>(random.Below(expected.size())));
    return it->first;
  };
  for (int step = 0; step < 3000; ++step) {
    switch (expected.empty() ? 0 : random.Below(6)) {
      case 0:
        if (expected.size() < 12) {
          const KvCache::Handle fresh = cache.NewSequence();
          EXPECT_EQ(expected.count(fresh), 0u);
          EXPECT_EQ(cache.length(fresh), 0);
          expected[fresh] = {};
        }
        break;
      case 1:
      case 2: {
        const KvCache::Handle s = any();
        const auto count = static_cast<int64_t>(random.Below(30));
        cache.Append(s, count);
        for (int64_t i = 0; i < count; ++i, ++next) {
          const int32_t row = cache.rows(s)[expected[s].size()];
          for (const int64_t l : {0, 1}) {
            for (const int64_t part : {0, 1, 2}) {
              cache.layer(l)(row + part * KvCache::kPageTokens, 4) = Number(next, l, part);
            }
          }
          expected[s].push_back(next);
        }
        break;
      }
      case 3:
        if (expected.size() < 12) {
          const KvCache::Handle s = any(), fork = cache.Fork(s);
          EXPECT_EQ(expected.count(fork), 0u);
          expected[fork] = expected[s];
        }
        break;
      case 4: {
        const KvCache::Handle s = any();
        const size_t length = random.Below(expected[s].size() + 1);
        cache.Truncate(s, static_cast<int64_t>(length));
        expected[s].resize(length);
        break;
      }
      default: {
        const KvCache::Handle s = any();
        cache.Drop(s);
        expected.erase(s);
      }
    }
    std::set<float> alive;
    for (const auto& [s, numbers] : expected) {
      ASSERT_EQ(cache.length(s), static_cast<int64_t>(numbers.size()));
      for (size_t i = 0; i < numbers.size(); ++i) {
        for (const int64_t l : {0, 1}) {
          for (const int64_t part : {0, 1, 2}) {
            ASSERT_EQ(cache.layer(l)(cache.rows(s)[i] + part * KvCache::kPageTokens, 4),
                      Number(numbers[i], l, part));
          }
        }
      }
      alive.insert(numbers.begin(), numbers.end());
    }
    // At most one page of a sequence is not full; what is shared is held once.
    const auto tokens = static_cast<int64_t>(alive.size());
    const auto sequences = static_cast<int64_t>(expected.size());
    ASSERT_GE(cache.tokens_in_use(), tokens);
    ASSERT_LE(cache.tokens_in_use(), tokens + 2 * sequences * (KvCache::kPageTokens - 1));
    peak = std::max(peak, cache.tokens_in_use());
    ASSERT_GE(cache.peak_tokens(), peak);
  }
  EXPECT_LE(cache.peak_tokens(), peak + 12 * KvCache::kPageTokens);
  // Freed pages are used again: storage follows the peak, not the total.
  EXPECT_LE(cache.bytes(), cache.peak_tokens() * cache.bytes_per_token() + 2 * 4096);
  EXPECT_GT(next, 20 * static_cast<float>(peak));
}

TEST(KvCache, StorageGrowsLittleAheadOfItsUse) {
  KvCache cache({.layers = 1, .segments = 1, .segment = 5});
  const KvCache::Handle s = cache.NewSequence();
  for (int i = 0; i < 9000; ++i) cache.Append(s, 1);
  EXPECT_GE(cache.bytes(), 9000 * cache.bytes_per_token());
  EXPECT_LE(cache.bytes(), 9016 * cache.bytes_per_token() + 4096);
}

}  // namespace
}  // namespace retort::model::kv_cache_test
