#pragma once
// The inner parts of attention, chosen once for the instruction set. Private to nn.

#include <algorithm>

#include "nn/attention.h"

namespace retort::nn {

/// Queries [first, first + count) of a span. How a span is cut into tiles never changes a bit.
struct QueryTile {
  const QuerySpan* span = nullptr;
  int64_t first = 0;
  int64_t count = 0;
};
/// Forward of the query heads that share the KV heads [first, last).
struct KvHeads {
  int64_t first = 0;
  int64_t last = 1;
};
void RunAttention(const AttentionArgs& args, const QueryTile& tile, KvHeads heads, Arena& arena);

/// Backward of one span and the query heads that share `kv_head`: overwrites its part of dq, adds
/// to its part of dkv.
void RunAttentionGrad(const AttentionGradArgs& args, const QuerySpan& span, int64_t kv_head,
                      Arena& arena);

/// Queries walked together, so that they share a transposed key block: about `rows` pairs of query
/// and head, at most 64 queries.
inline int64_t TileQueries(const AttentionShape& shape, int64_t rows) {
  return std::clamp<int64_t>(rows / (shape.heads / shape.kv_heads), 1, 64);
}

}  // namespace retort::nn
