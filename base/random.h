#pragma once
// Named random streams: counter-based (Philox 4x32-10, Salmon et al. 2011), so the numbers depend
// only on the name, never on threads, batches or the order of use. No global state, no time seeds.

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace retort {

/// The generator itself: ten rounds of Philox 4x32 (published test vectors in tests/base).
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// What a stream is for; the same key always gives the same numbers.
struct StreamKey {
  uint64_t seed = 0;
  std::string_view purpose;  ///< "sample", "init", "shuffle", …; only its hash is kept
  uint64_t step = 0;
  uint64_t problem = 0;
  uint64_t sample = 0;
};

/// A cheap value type; one per use, not shared between threads.
class RandomStream {
 public:
  explicit RandomStream(const StreamKey& key);

  uint32_t NextU32();
  uint64_t NextU64();
  /// Uniform in [0, 1) with 53 random bits.
  double Uniform();
  /// Uniform integer in [0, n), n > 0, without bias.
  uint64_t Below(uint64_t n);
  /// Uniform integer in [low, high], both included.
  int64_t Between(int64_t low, int64_t high);
  /// Standard normal (Box-Muller; uses the C library's log, cos: reproducible per library).
  double Normal();

  template <class T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }
  template <class T>
  const T& Pick(const std::vector<T>& items) {
    return items[Below(items.size())];
  }

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_;
  int used_ = 4;
};

}  // namespace retort
