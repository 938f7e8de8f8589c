#include "nn/arena.h"

#include <algorithm>
#include <cstring>

#include "nn/aligned.h"

namespace retort::nn {
namespace {
constexpr size_t kFirstChunk = size_t{1} << 20;
}  // namespace

void Arena::Free::operator()(std::byte* p) const { FreeAligned(p, size); }

void* Arena::Allocate(size_t bytes) {
  bytes = (std::max<size_t>(bytes, 1) + kCacheLine - 1) / kCacheLine * kCacheLine;
  while (current_ < chunks_.size() && used_ + bytes > chunks_[current_].size) {
    ++current_;
    used_ = 0;
  }
  if (current_ == chunks_.size()) {
    const size_t last = chunks_.empty() ? kFirstChunk / 2 : chunks_.back().size;
    const size_t size = std::max(bytes, last * 2);
    auto* data = static_cast<std::byte*>(AllocateAligned(size));
    chunks_.push_back({std::unique_ptr<std::byte, Free>(data, Free{size}), size});
    used_ = 0;
  }
  void* result = chunks_[current_].data.get() + used_;
  used_ += bytes;
  peak_ = std::max(peak_, this->bytes());
  return result;
}

Mat Arena::NewZeroMat(int64_t rows, int64_t cols) {
  const Mat mat = NewMat(rows, cols);
  std::memset(mat.data, 0, static_cast<size_t>(rows * cols) * sizeof(float));
  return mat;
}

void Arena::Release(Mark mark) {
  current_ = mark.chunk;
  used_ = mark.used;
}

size_t Arena::bytes() const {
  size_t total = used_;
  for (size_t i = 0; i < current_ && i < chunks_.size(); ++i) total += chunks_[i].size;
  return total;
}

}  // namespace retort::nn
