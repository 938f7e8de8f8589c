#pragma once
// Bump allocation for activations and scratch: 64-byte aligned, freed all at once or back to a
// mark. Chunks are kept between uses, so a steady state allocates nothing. Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "nn/tensor.h"

namespace retort::nn {

class Arena {
 public:
  struct Mark {
    size_t chunk = 0;
    size_t used = 0;
  };

  /// Uninitialised storage for `count` objects of a trivial type.
  template <class T>
  T* New(int64_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(Allocate(static_cast<size_t>(count) * sizeof(T)));
  }
  Mat NewMat(int64_t rows, int64_t cols) { return {New<float>(rows * cols), rows, cols}; }
  Mat NewZeroMat(int64_t rows, int64_t cols);

  Mark mark() const { return {current_, used_}; }
  /// Frees everything allocated since `mark`.
  void Release(Mark mark);
  void Reset() { Release({}); }

  /// Bytes held now and the most ever held by live allocations.
  size_t bytes() const;
  size_t peak_bytes() const { return peak_; }

 private:
  struct Free {
    size_t size = 0;
    void operator()(std::byte* p) const;
  };
  struct Chunk {
    std::unique_ptr<std::byte, Free> data;
    size_t size = 0;
  };
  void* Allocate(size_t bytes);

  std::vector<Chunk> chunks_;
  size_t current_ = 0;  // chunk being filled
  size_t used_ = 0;     // bytes used of it
  size_t peak_ = 0;
};

/// A short list in an arena, which must outlive it; a range that converts to a span.
template <class T>
class ArenaList {
 public:
  ArenaList(Arena& arena, size_t capacity) : items_(arena.New<T>(static_cast<int64_t>(capacity))) {}
  void Add(const T& item) { std::construct_at(items_ + size_++, item); }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + size_; }
  bool empty() const { return size_ == 0; }

 private:
  T* items_;
  size_t size_ = 0;
};

/// Frees what a scope allocated.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ~ArenaScope() { arena_.Release(mark_); }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

}  // namespace retort::nn
