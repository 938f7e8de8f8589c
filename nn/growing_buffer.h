#pragma once
// Floats that grow in place: addresses are set aside in advance, memory comes when it is needed.

#include <cstddef>
#include <utility>

namespace retort::nn {

/// Owns its storage, zero at first, starting on a page. Not thread-safe.
class GrowingBuffer {
 public:
  GrowingBuffer() = default;
  ~GrowingBuffer();
  GrowingBuffer(GrowingBuffer&& other) noexcept { *this = std::move(other); }
  GrowingBuffer& operator=(GrowingBuffer&& other) noexcept {
    std::swap(map_, other.map_);
    std::swap(mapped_, other.mapped_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  /// At least `size` floats; pointers into it become invalid. Throws std::bad_alloc.
  void Reserve(size_t size);
  float* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  void Map(size_t bytes);

  void* map_ = nullptr;  // what was set aside
  size_t mapped_ = 0;    // bytes of it
  float* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace retort::nn
