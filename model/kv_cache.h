#pragma once
// Cached keys and values of many sequences. A sequence is a list of pages of kPageTokens tokens;
// inside a page, what is read together lies together: a token's numbers are cut into segments (the
// key or the value of one head), and the page holds one segment of all its tokens after the other,
// in the order that nn::AttentionShape::paged describes.
// Sequences fork by reference (a prompt's pages are shared by all its samples; only a page that is
// not full is copied when one of them writes to it), truncate and drop; a page is free again when
// no sequence refers to it. Not thread-safe.

#include <cstdint>
#include <vector>

#include "nn/attention.h"
#include "nn/dtype.h"
#include "nn/growing_buffer.h"
#include "nn/tensor.h"

namespace retort::model {

class KvCache {
 public:
  using Handle = int32_t;
  static constexpr int64_t kPageTokens = nn::kPageTokens;

  struct Shape {
    int64_t layers;
    int64_t segments;  ///< per token and layer
    int64_t segment;   ///< numbers in each
  };
  explicit KvCache(Shape shape, nn::Dtype dtype = nn::Dtype::kFloat32);

  Handle NewSequence();
  /// A new sequence with the same tokens; nothing is copied but page numbers.
  Handle Fork(Handle sequence);
  void Truncate(Handle sequence, int64_t length);
  void Drop(Handle sequence);

  /// Adds `count` tokens to the end of the sequence; their content is written by the model, that of
  /// the tokens before must have been. May move the storage of all layers and the last page.
  void Append(Handle sequence, int64_t count);

  int64_t length(Handle sequence) const { return static_cast<int64_t>(rows(sequence).size()); }
  /// Where the sequence's tokens lie: segment s of a token is row `rows[token] + s · kPageTokens`
  /// of layer(l). Stable until the next Append, Truncate or Drop of the sequence.
  const std::vector<int32_t>& rows(Handle sequence) const {
    return sequences_[static_cast<size_t>(sequence)].rows;
  }
  nn::Mat layer(int64_t l) { return View<float>(l); }  // [pages · segments · kPageTokens, segment]
  /// The same of a cache of bfloat16.
  nn::MatrixView<nn::BFloat16> layer16(int64_t l) { return View<nn::BFloat16>(l); }

  nn::Dtype dtype() const { return dtype_; }
  int64_t segments() const { return shape_.segments; }
  int64_t segment() const { return shape_.segment; }
  /// Tokens that the pages in use have room for, now and at most so far.
  int64_t tokens_in_use() const { return pages_in_use_ * kPageTokens; }
  int64_t peak_tokens() const { return peak_pages_ * kPageTokens; }
  /// Storage held, used or not.
  int64_t bytes() const;
  int64_t bytes_per_token() const {
    return shape_.layers * shape_.segments * shape_.segment * nn::ByteSize(dtype_);
  }

 private:
  struct Sequence {
    std::vector<int32_t> pages;
    std::vector<int32_t> rows;  // of each token
  };
  Sequence& At(Handle sequence) { return sequences_[static_cast<size_t>(sequence)]; }
  int64_t page_rows() const { return shape_.segments * kPageTokens; }
  int64_t page_floats() const {  // that take the room of a page
    return page_rows() * shape_.segment * nn::ByteSize(dtype_) / 4;
  }
  template <class T>
  nn::MatrixView<T> View(int64_t l) {
    RETORT_DCHECK(sizeof(T) == static_cast<size_t>(nn::ByteSize(dtype_)));
    return {reinterpret_cast<T*>(layers_[static_cast<size_t>(l)].data()),
            static_cast<int64_t>(references_.size()) * page_rows(), shape_.segment};
  }
  int32_t TakePage();
  void Release(int32_t page);
  /// Makes the sequence the only owner of its last page, which is not full.
  void OwnLastPage(Sequence& sequence);

  Shape shape_;
  nn::Dtype dtype_;
  std::vector<nn::GrowingBuffer> layers_;
  std::vector<Sequence> sequences_;
  std::vector<Handle> free_sequences_;
  std::vector<int32_t> references_;  // per page
  std::vector<int32_t> free_pages_;
  int64_t pages_in_use_ = 0;
  int64_t peak_pages_ = 0;
};

}  // namespace retort::model
