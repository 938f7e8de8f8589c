#pragma once
// The only door to oneTBB. Executor adds what callers see.

#include <cstdint>
#include <memory>

namespace retort {

/// `threads` > 1 threads that share out the ranges of a loop.
class TbbArena {
 public:
  explicit TbbArena(int threads);
  ~TbbArena();

  /// Runs tiles [begin, end); `worker` in [0, threads) is not in use twice at one time.
  using Range = void (*)(void* object, int64_t begin, int64_t end, int worker);
  /// Covers [0, tiles) with ranges and returns when all are done; rethrows the first exception.
  void ForRanges(int64_t tiles, void* object, Range range);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace retort
