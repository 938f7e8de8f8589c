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

/// Backward of one span and `part` of `parts` of the query heads that share `kv_head`: overwrites
/// their columns of dq, adds to those of the KV head in `dkv`.
struct GradTask {
  int64_t kv_head = 0;
  int64_t part = 0;
  int64_t parts = 1;  // divides the query heads of a KV head
  Mat dkv;            // [rows, kv width]
};
void RunAttentionGrad(const AttentionGradArgs& args, const QuerySpan& span, const GradTask& task,
                      Arena& arena);

/// Queries walked together, so that they share a transposed key block: about `rows` pairs of query
/// and one of `heads` heads, at most 64 queries.
inline int64_t TileQueries(int64_t heads, int64_t rows) {
  return std::clamp<int64_t>(rows / heads, 1, 64);
}

}  // namespace retort::nn
