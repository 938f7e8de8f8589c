#include "model/kv_cache.h"

#include <algorithm>

namespace retort::model {
KvCache::KvCache(Shape shape, nn::Dtype dtype)
    : shape_(shape), dtype_(dtype), layers_(static_cast<size_t>(shape.layers)) {}

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
  At(fork) = At(sequence);
  for (const int32_t page : At(fork).pages) ++references_[static_cast<size_t>(page)];
  return fork;
}

void KvCache::Truncate(Handle sequence, int64_t length) {
  Sequence& s = At(sequence);
  if (static_cast<int64_t>(s.rows.size()) > length) s.rows.resize(static_cast<size_t>(length));
  while (static_cast<int64_t>(s.pages.size()) * kPageTokens >= length + kPageTokens) {
    Release(s.pages.back());
    s.pages.pop_back();
  }
}

void KvCache::Drop(Handle sequence) {
  Truncate(sequence, 0);
  free_sequences_.push_back(sequence);
}

void KvCache::Append(Handle sequence, int64_t count) {
  Sequence& s = At(sequence);
  if (count > 0 && static_cast<int64_t>(s.rows.size()) % kPageTokens != 0) OwnLastPage(s);
  for (int64_t i = 0; i < count; ++i) {
    const auto slot = static_cast<int32_t>(static_cast<int64_t>(s.rows.size()) % kPageTokens);
    if (slot == 0) s.pages.push_back(TakePage());
    s.rows.push_back(s.pages.back() * static_cast<int32_t>(page_rows()) + slot);
  }
}

int32_t KvCache::TakePage() {
  if (free_pages_.empty()) {
    references_.push_back(0);
    free_pages_.push_back(static_cast<int32_t>(references_.size() - 1));
    const auto floats = references_.size() * static_cast<size_t>(page_floats());
    for (nn::GrowingBuffer& layer : layers_) layer.Reserve(floats);
  }
  const int32_t page = free_pages_.back();
  free_pages_.pop_back();
  references_[static_cast<size_t>(page)] = 1;
  peak_pages_ = std::max(peak_pages_, ++pages_in_use_);
  return page;
}

void KvCache::OwnLastPage(Sequence& s) {
  const int32_t shared = s.pages.back();
  if (references_[static_cast<size_t>(shared)] == 1) return;
  const int32_t own = TakePage();
  --references_[static_cast<size_t>(shared)];
  const int64_t floats = page_floats();
  for (const nn::GrowingBuffer& layer : layers_) {
    std::copy_n(layer.data() + shared * floats, floats, layer.data() + own * floats);
  }
  s.pages.back() = own;
  const size_t used = s.rows.size() % kPageTokens;
  for (size_t i = s.rows.size() - used; i < s.rows.size(); ++i) {
    s.rows[i] += (own - shared) * static_cast<int32_t>(page_rows());
  }
}

int64_t KvCache::bytes() const {
  size_t floats = 0;
  for (const nn::GrowingBuffer& layer : layers_) floats += layer.size();
  return static_cast<int64_t>(floats * sizeof(float));
}

void KvCache::Release(int32_t page) {
  if (--references_[static_cast<size_t>(page)] > 0) return;
  free_pages_.push_back(page);
  --pages_in_use_;
}

}  // namespace retort::model
