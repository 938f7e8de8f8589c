#pragma once
// That a reader takes no more memory than what it reads justifies, where the program runs under
// AddressSanitizer (which tells of every allocation); elsewhere nothing is measured.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "fuzz/fuzz.h"

extern "C" {
__attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*,
                                                                             size_t),
                                                                    void (*)(const volatile void*));
__attribute__((weak)) size_t __sanitizer_get_allocated_size(const volatile void*);
}

namespace retort {

/// Aborts at its end when at some moment of its life more than 4 MiB + 250 * `input` bytes were
/// held beyond those before. One at a time, in a program of one thread.
class MemoryBound {
 public:
  explicit MemoryBound(size_t input) : most_(kOnce + kPerByte * static_cast<int64_t>(input)) {
    static const bool installed = __sanitizer_install_malloc_and_free_hooks &&
                                  __sanitizer_install_malloc_and_free_hooks(Allocated, Freed) != 0;
    static_cast<void>(installed);
    held_ = peak_ = 0;
  }
  ~MemoryBound() { Require(peak_ <= most_, "more memory than the input justifies"); }
  MemoryBound(const MemoryBound&) = delete;
  MemoryBound& operator=(const MemoryBound&) = delete;

 private:
  static constexpr int64_t kOnce = 4 << 20, kPerByte = 250;

  static void Allocated(const volatile void*, size_t size) {
    held_ += static_cast<int64_t>(size);
    peak_ = std::max(peak_, held_);
  }
  static void Freed(const volatile void* memory) {
    if (memory) held_ -= static_cast<int64_t>(__sanitizer_get_allocated_size(memory));
  }

  int64_t most_;
  static inline int64_t held_ = 0, peak_ = 0;
};

}  // namespace retort
