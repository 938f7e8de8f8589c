#include "model/kv_cache.h"

#include <algorithm>

namespace retort::model {
namespace {
constexpr size_t kSpareRows = 256;  // how far storage grows ahead: few moves, little waste
}

KvCache::KvCache(int64_t layers, int64_t width)
    : width_(width), layers_(static_cast<size_t>(layers)) {}

KvCache::Handle KvCache::NewSequence() {
  if (free_sequences_.empty()) {
    sequences_.emplace_back();
    return static_cast<Handle>(sequences_.size() - 1);
  }
  const Handle handle = free_sequences_.back();
  free_sequences_.pop_back();
  return handle;
}

KvCache::Handle KvCache::Fork(Handle sequence) {
  const Handle fork = NewSequence();
  sequences_[static_cast<size_t>(fork)] = rows(sequence);
  for (const int32_t row : rows(sequence)) ++references_[static_cast<size_t>(row)];
  return fork;
}

void KvCache::Truncate(Handle sequence, int64_t length) {
  std::vector<int32_t>& rows = sequences_[static_cast<size_t>(sequence)];
  while (static_cast<int64_t>(rows.size()) > length) {
    Release(rows.back());
    rows.pop_back();
  }
}

void KvCache::Drop(Handle sequence) {
  Truncate(sequence, 0);
  free_sequences_.push_back(sequence);
}

void KvCache::Append(Handle sequence, int64_t count) {
  std::vector<int32_t>& rows = sequences_[static_cast<size_t>(sequence)];
  for (int64_t i = 0; i < count; ++i) {
    if (free_rows_.empty()) {
      references_.push_back(0);
      free_rows_.push_back(static_cast<int32_t>(references_.size() - 1));
    }
    rows.push_back(free_rows_.back());
    free_rows_.pop_back();
    references_[static_cast<size_t>(rows.back())] = 1;
  }
  rows_in_use_ += count;
  peak_rows_ = std::max(peak_rows_, rows_in_use_);
  const size_t needed = references_.size() * static_cast<size_t>(width_);
  for (nn::AlignedVector<float>& layer : layers_) {
    if (layer.size() >= needed) continue;
    if (layer.capacity() < needed) {
      layer.reserve(needed + std::min(needed / 8, kSpareRows * static_cast<size_t>(width_)));
    }
    layer.resize(needed);
  }
}

int64_t KvCache::bytes() const {
  size_t floats = 0;
  for (const nn::AlignedVector<float>& layer : layers_) floats += layer.capacity();
  return static_cast<int64_t>(floats * sizeof(float));
}

nn::Mat KvCache::layer(int64_t l) {
  return {layers_[static_cast<size_t>(l)].data(), static_cast<int64_t>(references_.size()), width_};
}

void KvCache::Release(int32_t row) {
  if (--references_[static_cast<size_t>(row)] > 0) return;
  free_rows_.push_back(row);
  --rows_in_use_;
}

}  // namespace retort::model
