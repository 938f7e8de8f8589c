#pragma once
// Storage that starts on a cache line, as vector loads like it. Large blocks ask for huge pages:
// kernels that walk the rows of a wide matrix would else miss the translation of every one.

#include <cstddef>
#include <vector>

namespace retort::nn {

inline constexpr size_t kCacheLine = 64;

/// Uninitialised; throws std::bad_alloc. To be freed by FreeAligned with the same size.
void* AllocateAligned(size_t bytes);
void FreeAligned(void* p, size_t bytes);

template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(AllocateAligned(n * sizeof(T))); }
  void deallocate(T* p, size_t n) { FreeAligned(p, n * sizeof(T)); }
  template <class U>
  bool operator==(const AlignedAllocator<U>&) const {
    return true;
  }
};

template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace retort::nn
