#include "nn/growing_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace retort::nn {
namespace {
constexpr size_t kPage = 4096, kHugePage = size_t{1} << 21;
constexpr size_t kSetAside = size_t{1} << 34;  // bytes of addresses, which cost nothing

size_t RoundUp(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }
}  // namespace

GrowingBuffer::~GrowingBuffer() {
  if (map_) munmap(map_, mapped_);
}

// Sets aside room for `bytes`, more when there is.
void GrowingBuffer::Map(size_t bytes) {
  for (size_t room = std::max(kSetAside, 2 * bytes);; room = std::max(room / 2, bytes)) {
    mapped_ = room + kHugePage;
    map_ = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map_ != MAP_FAILED) break;
    map_ = nullptr;
    if (room == bytes) throw std::bad_alloc();
  }
  data_ = reinterpret_cast<float*>(RoundUp(reinterpret_cast<uintptr_t>(map_), kHugePage));
}

void GrowingBuffer::Reserve(size_t size) {
  if (size <= size_) return;
  size_t bytes = size * sizeof(float);
  bytes = RoundUp(bytes, bytes < kHugePage ? kPage : kHugePage);
  if (bytes + kHugePage > mapped_) {
    GrowingBuffer larger;
    larger.Map(bytes);
    std::swap(*this, larger);
    if (larger.size_ > 0) {
      Reserve(larger.size_);
      std::copy_n(larger.data_, larger.size_, data_);
    }
  }
  if (mprotect(data_, bytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  if (bytes >= kHugePage) madvise(data_, bytes, MADV_HUGEPAGE);  // may be refused
  size_ = bytes / sizeof(float);
}

}  // namespace retort::nn
