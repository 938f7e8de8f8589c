#pragma once
// Cached keys and values of many sequences: one row per token and layer, addressed by row number.
// Sequences fork by reference (a prompt's rows are shared by all its samples), truncate and drop; a
// row is free again when no sequence refers to it. Not thread-safe.

#include <cstdint>
#include <vector>

#include "nn/aligned.h"
#include "nn/tensor.h"

namespace retort::model {

class KvCache {
 public:
  using Handle = int32_t;

  /// `width` floats per token and layer.
  KvCache(int64_t layers, int64_t width);

  Handle NewSequence();
  /// A new sequence with the same rows; nothing is copied but row numbers.
  Handle Fork(Handle sequence);
  void Truncate(Handle sequence, int64_t length);
  void Drop(Handle sequence);

  /// Adds `count` rows to the end of the sequence; their content is written by the model. May move
  /// the storage of all rows.
  void Append(Handle sequence, int64_t count);

  int64_t length(Handle sequence) const { return static_cast<int64_t>(rows(sequence).size()); }
  /// Row numbers of the sequence's tokens, stable until the next Append, Truncate or Drop of it.
  const std::vector<int32_t>& rows(Handle sequence) const {
    return sequences_[static_cast<size_t>(sequence)];
  }
  nn::Mat layer(int64_t l);  // [capacity, width]

  int64_t width() const { return width_; }
  int64_t rows_in_use() const { return rows_in_use_; }
  int64_t peak_rows() const { return peak_rows_; }
  /// Storage held, used or not.
  int64_t bytes() const;
  int64_t bytes_per_row() const {
    return static_cast<int64_t>(layers_.size()) * width_ * static_cast<int64_t>(sizeof(float));
  }

 private:
  void Release(int32_t row);

  int64_t width_;
  std::vector<nn::AlignedVector<float>> layers_;
  std::vector<std::vector<int32_t>> sequences_;
  std::vector<Handle> free_sequences_;
  std::vector<int32_t> references_;  // per row
  std::vector<int32_t> free_rows_;
  int64_t rows_in_use_ = 0;
  int64_t peak_rows_ = 0;
};

}  // namespace retort::model
