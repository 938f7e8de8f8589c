#pragma once
// Causal softmax attention over cached rows, one kernel for MLA in absorbed form (one key head
// shared by all query heads, values are the front of the key row) and for GQA.
//
// Keys are walked in fixed blocks of kKeyBlock counted from the start of the sequence, with an
// online softmax per (query, head); nothing depends on how queries are batched, so decode, prefill
// and training give the same bits. Source: FlashAttention-2 (Dao 2023) for the recurrences;
// DeepSeek-V2 §2.1 for the absorbed form.

#include <cstdint>
#include <span>

#include "nn/compute.h"
#include "nn/dtype.h"
#include "nn/tensor.h"

namespace retort::nn {

inline constexpr int64_t kKeyBlock = 64;
inline constexpr int64_t kPageTokens = 16;  // divides kKeyBlock

/// How heads lie in a row of keys and values: key of KV head g at [g·key_dim, +key_dim), value at
/// [value_begin + g·value_dim, +value_dim). Query head h uses KV head h / (heads / kv_heads).
struct AttentionShape {
  int64_t heads = 1;     // H
  int64_t kv_heads = 1;  // divides H
  int64_t key_dim = 1;
  int64_t value_dim = 1;
  int64_t value_begin = 0;
  float scale = 1;
  /// The rows lie in pages of kPageTokens: for each KV head first the keys [key_dim, token], ready
  /// for the lanes, then the values [token, value_dim]. Token i of a page is its row i, a row being
  /// key_dim numbers long. Forward only; value_dim = key_dim and value_begin is unused.
  bool paged = false;
};

/// Consecutive queries of one sequence. The query in row `row + i` stands at position `position +
/// i` and sees the keys 0 … position + i; key j of the sequence is row `key_rows[j]` of `kv`.
struct QuerySpan {
  int64_t row = 0;
  int64_t count = 0;
  int64_t position = 0;
  const int32_t* key_rows = nullptr;  ///< [position + count], borrowed
};

struct AttentionArgs {
  AttentionShape shape;
  std::span<const QuerySpan> spans;
  ConstMat q;            // [T, H·key_dim]
  ConstMat kv = {};      // [rows, kv width]
  Mat out;               // [T, H·value_dim]
  float* lse = nullptr;  // [T, H] log-sum-exp of the scaled scores, kept for backward; may be null
  MatrixView<const BFloat16> kv16 = {};  // set instead of kv: the same in bfloat16
};
void Attention(Compute& compute, const AttentionArgs& args);

struct AttentionGradArgs {
  AttentionShape shape;
  std::span<const QuerySpan> spans;
  /// Spans that share key rows (a prompt and its samples) must stand in one group: group i is
  /// spans [group_begin[i], group_begin[i + 1]). A group is a task or more.
  std::span<const int64_t> group_begin;
  ConstMat q, kv, out;
  const float* lse = nullptr;
  ConstMat dout;  // [T, H·value_dim]
  Mat dq;         // [T, H·key_dim], overwritten for the rows of the spans
  Mat dkv;        // [rows, kv width], added to
};
void AttentionGrad(Compute& compute, const AttentionGradArgs& args);

}  // namespace retort::nn
