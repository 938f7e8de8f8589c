#include "nn/growing_buffer.h"

#include <sys/mman.h>

#include <new>

namespace retort::nn {

GrowingBuffer::~GrowingBuffer() {
  if (data_) munmap(data_, size_ * sizeof(float));
}

void GrowingBuffer::Reserve(size_t size) {
  constexpr size_t kStep = 4096 / sizeof(float);  // a page of memory
  size = (size + kStep - 1) / kStep * kStep;
  if (size <= size_) return;
  void* grown = data_ ? mremap(data_, size_ * sizeof(float), size * sizeof(float), MREMAP_MAYMOVE)
                      : mmap(nullptr, size * sizeof(float), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (grown == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<float*>(grown);
  size_ = size;
}

}  // namespace retort::nn
