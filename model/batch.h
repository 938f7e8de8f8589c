#pragma once
// Packed tokens of several sequences, never padded (law 9). Two uses: training, where the keys of a
// token are rows of the batch itself, and cached decoding, where they are rows of a KvCache.

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "model/kv_cache.h"
#include "nn/attention.h"
#include "nn/moe.h"

namespace retort::model {

/// Shape letter T: tokens of the batch. Spans and ranges point into members, so a Batch moves but
/// is not copied.
class Batch {
 public:
  Batch() = default;
  explicit Batch(KvCache* cache) : cache_(cache) {}
  Batch(Batch&&) = default;
  Batch& operator=(Batch&&) = default;

  /// Training: a prompt followed by each of several continuations. The prompt is computed once
  /// (law 9). Returns, per continuation, the row of its first token; the prompt's first row is
  /// `size()` before the call. Continuations may be empty; so may the prompt.
  std::vector<int64_t> AddGroup(std::span<const int32_t> prompt,
                                std::span<const std::span<const int32_t>> continuations);

  /// Decoding: the next tokens of a cached sequence. Returns the row of the first.
  int64_t AddCached(KvCache::Handle sequence, std::span<const int32_t> tokens);

  void Clear();

  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }  // T
  bool cached() const { return cache_ != nullptr; }
  KvCache* cache() const { return cache_; }
  const std::vector<int32_t>& tokens() const { return tokens_; }          // [T]
  const std::vector<int32_t>& positions() const { return positions_; }    // [T]
  const std::vector<int32_t>& cache_rows() const { return cache_rows_; }  // [T] when cached
  std::span<const nn::QuerySpan> spans() const { return spans_; }
  /// Groups of spans that share key rows, for AttentionGrad.
  std::span<const int64_t> group_begin() const { return group_begin_; }
  /// Every sequence with its shared prefix, for expert loads and balance losses.
  std::span<const nn::TokenRange> sequences() const { return sequences_; }
  int32_t max_position() const { return max_position_; }

 private:
  void AddTokens(std::span<const int32_t> tokens, int64_t position, const int32_t* key_rows);

  KvCache* cache_ = nullptr;
  std::vector<int32_t> tokens_, positions_, cache_rows_;
  std::vector<nn::QuerySpan> spans_;
  std::vector<int64_t> group_begin_{0};
  std::vector<nn::TokenRange> sequences_;
  std::deque<std::vector<int32_t>> key_rows_;
  int32_t max_position_ = -1;
};

}  // namespace retort::model
