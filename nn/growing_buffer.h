#pragma once
// Floats that grow without being copied: the kernel moves their pages to where there is room.

#include <cstddef>
#include <utility>

namespace retort::nn {

/// Owns its storage, zero at first, page-aligned. Not thread-safe.
class GrowingBuffer {
 public:
  GrowingBuffer() = default;
  ~GrowingBuffer();
  GrowingBuffer(GrowingBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  GrowingBuffer& operator=(GrowingBuffer&&) = delete;

  /// At least `size` floats; pointers into it become invalid. Throws std::bad_alloc.
  void Reserve(size_t size);
  float* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  float* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace retort::nn
