#pragma once
// Cached keys and values of many sequences. A sequence is a list of pages of kPageTokens tokens;
// inside a page, what is read together lies together: a token's numbers are cut into segments (the
// key or the value of one head), and the page holds one segment of all its tokens after the other.
// Sequences fork by reference (a prompt's pages are shared by all its samples; only a page that is
// not full is copied when one of them writes to it), truncate and drop; a page is free again when
// no sequence refers to it. Not thread-safe.

#include <cstdint>
#include <vector>

#include "nn/growing_buffer.h"
#include "nn/tensor.h"

namespace retort::model {

class KvCache {
 public:
  using Handle = int32_t;
  static constexpr int64_t kPageTokens = 16;

  /// `segments` times `segment` floats per token and layer.
  KvCache(int64_t layers, int64_t segments, int64_t segment);

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
  nn::Mat layer(int64_t l);  // [pages · segments · kPageTokens, segment]

  int64_t segments() const { return segments_; }
  int64_t segment() const { return segment_; }
  /// Tokens that the pages in use have room for, now and at most so far.
  int64_t tokens_in_use() const { return pages_in_use_ * kPageTokens; }
  int64_t peak_tokens() const { return peak_pages_ * kPageTokens; }
  /// Storage held, used or not.
  int64_t bytes() const;
  int64_t bytes_per_token() const {
    return static_cast<int64_t>(layers_.size()) * segments_ * segment_ *
           static_cast<int64_t>(sizeof(float));
  }

 private:
  struct Sequence {
    std::vector<int32_t> pages;
    std::vector<int32_t> rows;  // of each token
  };
  Sequence& At(Handle sequence) { return sequences_[static_cast<size_t>(sequence)]; }
  int64_t page_rows() const { return segments_ * kPageTokens; }
  int32_t TakePage();
  void Release(int32_t page);
  /// Makes the sequence the only owner of its last page, which is not full.
  void OwnLastPage(Sequence& sequence);

  int64_t segments_, segment_;
  std::vector<nn::GrowingBuffer> layers_;
  std::vector<Sequence> sequences_;
  std::vector<Handle> free_sequences_;
  std::vector<int32_t> references_;  // per page
  std::vector<int32_t> free_pages_;
  int64_t pages_in_use_ = 0;
  int64_t peak_pages_ = 0;
};

}  // namespace retort::model
