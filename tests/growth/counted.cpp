#include "tests/growth/counted.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

int64_t work = 0, live = 0, peak = 0;

void* Allocate(size_t size) {
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  const auto bytes = static_cast<int64_t>(malloc_usable_size(memory));
  live += bytes;
  work += 1 + bytes / 16;
  peak = std::max(peak, live);
  return memory;
}

void Release(void* memory) noexcept {
  if (memory) live -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

extern "C" void __sanitizer_cov_trace_pc() { ++work; }

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { Release(memory); }
void operator delete[](void* memory) noexcept { Release(memory); }
void operator delete(void* memory, size_t) noexcept { Release(memory); }
void operator delete[](void* memory, size_t) noexcept { Release(memory); }

namespace retort::testing {

Counted Count(const std::function<void()>& body) {
  const int64_t before = live;
  work = 0;
  peak = live;
  body();
  return {work, peak - before};
}

void AddWork(int64_t steps) { work += steps; }

}  // namespace retort::testing
