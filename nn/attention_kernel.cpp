#include "nn/attention_kernel.h"

#include <algorithm>
#include <limits>

#include "nn/row_math.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/attention_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h, once per target.
#include <hwy/contrib/math/math-inl.h>

#include "nn/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {

// ---- What forward and backward share

// Rows are pairs of a query and one of the `group` heads that share a KV head, heads inside.
struct Heads {
  Heads(const AttentionShape& s, int64_t kv_head)
      : group(s.heads / s.kv_heads),
        first(kv_head * group),
        key_column(kv_head * (s.key_stride ? s.key_stride : s.key_dim)),
        value_column(s.value_begin + kv_head * (s.value_stride ? s.value_stride : s.value_dim)) {}
  int64_t group;
  int64_t first;
  int64_t key_column;
  int64_t value_column;
};

// Highway's Exp gives 0 for NaN; a NaN must not vanish.
HWY_INLINE V ExpOrNan(V x) { return hn::IfThenElse(hn::Eq(x, x), hn::Exp(D(), x), x); }

HWY_INLINE hn::Mask<D> First(int64_t n) { return hn::FirstN(D(), static_cast<size_t>(n)); }

// ---- Forward

// max and sum of exp(score - max) of the keys so far; acc = Σ exp(score - max) v.
struct OnlineSoftmax {
  float max = -std::numeric_limits<float>::infinity();
  float sum = 0;
};

// Turns the first `visible` scores of a block into exp(score - max), and rescales what is summed
// already when the maximum moves.
void SoftmaxBlock(float* scores, int64_t visible, OnlineSoftmax& state, float* acc,
                  int64_t value_dim) {
  const D d;
  const V lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  V highest = lowest;
  for (int64_t j = 0; j < visible; j += Lanes()) {
    const V s = hn::IfThenElse(First(visible - j), hn::Load(d, scores + j), lowest);
    hn::Store(s, d, scores + j);
    highest = hn::Max(highest, s);
  }
  const float max = hn::GetLane(hn::MaxOfLanes(d, highest));
  if (max > state.max) {
    if (state.sum != 0) {
      const float shrink = hn::GetLane(ExpOrNan(hn::Set(d, state.max - max)));
      state.sum *= shrink;
      ScaleRow(acc, shrink, value_dim, acc);
    }
    state.max = max;
  }
  const V shift = hn::Set(d, state.max);
  V sum = hn::Zero(d);
  for (int64_t j = 0; j < visible; j += Lanes()) {
    const V p = ExpOrNan(hn::Sub(hn::Load(d, scores + j), shift));
    hn::Store(p, d, scores + j);
    sum = hn::Add(sum, p);
  }
  state.sum += hn::GetLane(hn::SumOfLanes(d, sum));
}

void Forward(const AttentionArgs& args, const QueryTile& tile, int64_t kv_head, Arena& arena) {
  const AttentionShape& s = args.shape;
  const Heads heads(s, kv_head);
  const int64_t rows = tile.count * heads.group;
  const int64_t position = tile.span->position + tile.first, row0 = tile.span->row + tile.first;
  const int64_t key_stride = Pad(s.key_dim), value_stride = Pad(s.value_dim);
  float* q = arena.New<float>(rows * key_stride);              // [rows, key_dim], times the scale
  float* keys = arena.New<float>(s.key_dim * kKeyBlock);       // [key_dim, 64]
  float* values = arena.New<float>(kKeyBlock * value_stride);  // [64, value_dim]
  float* scores = arena.New<float>(kRows * kKeyBlock);
  float* acc = arena.NewZeroMat(rows, value_stride).data;
  auto* state = arena.New<OnlineSoftmax>(rows);
  auto* horizon = arena.New<int64_t>(rows);  // keys that the row sees
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t i = r / heads.group, h = heads.first + r % heads.group;
    PackRow(args.q.row(row0 + i) + h * s.key_dim, s.scale, s.key_dim, q + r * key_stride);
    state[r] = {};
    horizon[r] = position + i + 1;
  }

  for (int64_t begin = 0; begin < position + tile.count; begin += kKeyBlock) {
    const int64_t count = std::min(kKeyBlock, position + tile.count - begin);
    const KeyBlock block = FindKeys(args.kv, *tile.span, begin, count);
    TransposeKeys(block, heads.key_column, s.key_dim, keys);
    PackKeys(block, heads.value_column, s.value_dim, values);
    // Queries before the block see nothing of it.
    for (int64_t r = std::max<int64_t>(begin - position, 0) * heads.group; r < rows; r += kRows) {
      const int64_t n = std::min<int64_t>(kRows, rows - r);
      const auto visible = [&](int64_t i) { return std::min(count, horizon[r + i] - begin); };
      Multiply({.a = {q + r * key_stride, key_stride, 1},
                .b = {keys, kKeyBlock},
                .c = {scores, kKeyBlock},
                .steps = s.key_dim},
               n, visible(n - 1));
      for (int64_t i = 0; i < n; ++i) {
        SoftmaxBlock(scores + i * kKeyBlock, visible(i), state[r + i], acc + (r + i) * value_stride,
                     s.value_dim);
      }
      // The keys that all n rows see, then those that only later rows see.
      float* out = acc + r * value_stride;
      const int64_t shared = visible(0);
      Multiply({.a = {scores, kKeyBlock, 1},
                .b = {values, value_stride},
                .c = {out, value_stride},
                .steps = shared,
                .accumulate = true},
               n, s.value_dim);
      for (int64_t i = 1, end; i < n; i = end) {
        for (end = i + 1; end < n && visible(end) == visible(i);) ++end;
        if (visible(i) == shared) continue;
        Multiply({.a = {scores + i * kKeyBlock + shared, kKeyBlock, 1},
                  .b = {values + shared * value_stride, value_stride},
                  .c = {out + i * value_stride, value_stride},
                  .steps = visible(i) - shared,
                  .accumulate = true},
                 end - i, s.value_dim);
      }
    }
  }

  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = row0 + r / heads.group, h = heads.first + r % heads.group;
    ScaleRow(acc + r * value_stride, 1 / state[r].sum, s.value_dim,
             args.out.row(row) + h * s.value_dim);
    if (args.lse) {
      args.lse[row * s.heads + h] =
          state[r].max + hn::GetLane(hn::Log(D(), hn::Set(D(), state[r].sum)));
    }
  }
}

// ---- Backward

// In place: scores [64] → P, dP [64] → dS, zero where the row does not see the key.
//   P = exp(score - lse);  dS = P ⊙ (dP - D)
void SoftmaxGradBlock(float* scores, float* dp, int64_t visible, float lse, float mean) {
  const D d;
  int64_t j = 0;
  for (; j < visible; j += Lanes()) {
    const auto seen = First(visible - j);
    const V p = ExpOrNan(hn::Sub(hn::Load(d, scores + j), hn::Set(d, lse)));
    const V ds = hn::Mul(p, hn::Sub(hn::Load(d, dp + j), hn::Set(d, mean)));
    hn::Store(hn::IfThenElseZero(seen, p), d, scores + j);
    hn::Store(hn::IfThenElseZero(seen, ds), d, dp + j);
  }
  std::fill(scores + j, scores + kKeyBlock, 0.0f);
  std::fill(dp + j, dp + kKeyBlock, 0.0f);
}

// Scratch of one span's backward. Rows of q are multiplied by the scale, so that scores are q·k
// and dk = Σ dS q; dq takes the scale when it is added.
struct GradScratch {
  float* keys;             // [64, key_dim]
  float* keys_t;           // [key_dim, 64]
  float* values_t;         // [value_dim, 64]
  float *dkeys, *dvalues;  // [64, key_dim], [64, value_dim]
  float *q, *dq, *dout;    // [rows, key_dim], [rows, key_dim], [rows, value_dim]
  float *p, *ds;           // [rows, 64]
  float* mean;             // [rows of the span] D = Σ dout ⊙ out
};

void GradTile(const AttentionGradArgs& args, const QueryTile& tile, const Heads& heads,
              int64_t begin, int64_t count, const GradScratch& x) {
  const AttentionShape& s = args.shape;
  const int64_t rows = tile.count * heads.group;
  const int64_t position = tile.span->position + tile.first, row0 = tile.span->row + tile.first;
  const int64_t key_stride = Pad(s.key_dim), value_stride = Pad(s.value_dim);
  const auto visible = [&](int64_t r) {
    return std::min(count, position + r / heads.group + 1 - begin);
  };
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = row0 + r / heads.group, h = heads.first + r % heads.group;
    PackRow(args.q.row(row) + h * s.key_dim, s.scale, s.key_dim, x.q + r * key_stride);
    PackRow(args.dout.row(row) + h * s.value_dim, 1, s.value_dim, x.dout + r * value_stride);
  }
  for (int64_t r = 0; r < rows; r += kRows) {
    const int64_t n = std::min<int64_t>(kRows, rows - r), most = visible(r + n - 1);
    float *p = x.p + r * kKeyBlock, *ds = x.ds + r * kKeyBlock;
    // score = scale q·k
    Multiply({.a = {x.q + r * key_stride, key_stride, 1},
              .b = {x.keys_t, kKeyBlock},
              .c = {p, kKeyBlock},
              .steps = s.key_dim},
             n, most);
    // out = Σ p v  ⇒  dP = dout·v
    Multiply({.a = {x.dout + r * value_stride, value_stride, 1},
              .b = {x.values_t, kKeyBlock},
              .c = {ds, kKeyBlock},
              .steps = s.value_dim},
             n, most);
    // p = softmax(score)  ⇒  dS = p ⊙ (dP - Σ p dP), and Σ p dP = Σ dout ⊙ out
    for (int64_t i = r; i < r + n; ++i) {
      const int64_t row = row0 + i / heads.group, h = heads.first + i % heads.group;
      SoftmaxGradBlock(x.p + i * kKeyBlock, x.ds + i * kKeyBlock, visible(i),
                       args.lse[row * s.heads + h], x.mean[tile.first * heads.group + i]);
    }
    // score = scale q·k  ⇒  dq += scale Σ dS k
    Multiply({.a = {ds, kKeyBlock, 1},
              .b = {x.keys, key_stride},
              .c = {x.dq + r * key_stride, key_stride},
              .steps = most},
             n, s.key_dim);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = row0 + r / heads.group, h = heads.first + r % heads.group;
    Axpy(s.scale, x.dq + r * key_stride, args.dq.row(row) + h * s.key_dim, s.key_dim);
  }
  for (int64_t j = 0; j < count; j += kRows) {
    const int64_t n = std::min<int64_t>(kRows, count - j);
    // The first row that sees key j.
    const int64_t r = std::max<int64_t>(begin + j - position, 0) * heads.group;
    if (r >= rows) break;
    // score = scale q·k  ⇒  dk += Σ dS scale q
    Multiply({.a = {x.ds + r * kKeyBlock + j, 1, kKeyBlock},
              .b = {x.q + r * key_stride, key_stride},
              .c = {x.dkeys + j * key_stride, key_stride},
              .steps = rows - r,
              .accumulate = true},
             n, s.key_dim);
    // out = Σ p v  ⇒  dv += Σ p dout
    Multiply({.a = {x.p + r * kKeyBlock + j, 1, kKeyBlock},
              .b = {x.dout + r * value_stride, value_stride},
              .c = {x.dvalues + j * value_stride, value_stride},
              .steps = rows - r,
              .accumulate = true},
             n, s.value_dim);
  }
}

void Backward(const AttentionGradArgs& args, const QuerySpan& span, int64_t kv_head, Arena& arena) {
  const AttentionShape& s = args.shape;
  const Heads heads(s, kv_head);
  const int64_t tile_queries = std::min(TileQueries(s, 64), span.count);
  const int64_t rows = tile_queries * heads.group;
  const int64_t key_stride = Pad(s.key_dim), value_stride = Pad(s.value_dim);
  GradScratch x;
  x.keys = arena.New<float>(kKeyBlock * key_stride);
  x.keys_t = arena.New<float>(s.key_dim * kKeyBlock);
  // MLA: the value lies inside the key, and so does its transpose.
  const int64_t inside = heads.value_column - heads.key_column;
  const bool shared = inside >= 0 && inside + s.value_dim <= s.key_dim;
  x.values_t = shared ? x.keys_t + inside * kKeyBlock : arena.New<float>(s.value_dim * kKeyBlock);
  x.dkeys = arena.New<float>(kKeyBlock * key_stride);
  x.dvalues = arena.New<float>(kKeyBlock * value_stride);
  x.q = arena.New<float>(rows * key_stride);
  x.dq = arena.New<float>(rows * key_stride);
  x.dout = arena.New<float>(rows * value_stride);
  x.p = arena.New<float>(rows * kKeyBlock);
  x.ds = arena.New<float>(rows * kKeyBlock);
  x.mean = arena.New<float>(span.count * heads.group);
  for (int64_t r = 0; r < span.count * heads.group; ++r) {
    const int64_t row = span.row + r / heads.group, h = heads.first + r % heads.group;
    x.mean[r] =
        Dot(args.dout.row(row) + h * s.value_dim, args.out.row(row) + h * s.value_dim, s.value_dim);
    std::fill_n(args.dq.row(row) + h * s.key_dim, s.key_dim, 0.0f);
  }

  for (int64_t begin = 0; begin < span.position + span.count; begin += kKeyBlock) {
    const int64_t count = std::min(kKeyBlock, span.position + span.count - begin);
    const KeyBlock block = FindKeys(args.kv, span, begin, count);
    PackKeys(block, heads.key_column, s.key_dim, x.keys);
    TransposeKeys(block, heads.key_column, s.key_dim, x.keys_t);
    if (!shared) TransposeKeys(block, heads.value_column, s.value_dim, x.values_t);
    std::fill_n(x.dkeys, kKeyBlock * key_stride, 0.0f);
    std::fill_n(x.dvalues, kKeyBlock * value_stride, 0.0f);
    for (int64_t i = std::max<int64_t>(begin - span.position, 0); i < span.count;
         i += tile_queries) {
      GradTile(args, {&span, i, std::min(tile_queries, span.count - i)}, heads, begin, count, x);
    }
    for (int64_t j = 0; j < count; ++j) {
      float* row = args.dkv.row(span.key_rows[begin + j]);
      Add(x.dkeys + j * key_stride, row + heads.key_column, s.key_dim);
      Add(x.dvalues + j * value_stride, row + heads.value_column, s.value_dim);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace retort::nn {
namespace {
HWY_EXPORT(Forward);
HWY_EXPORT(Backward);
}  // namespace

void RunAttention(const AttentionArgs& args, const QueryTile& tile, int64_t kv_head, Arena& arena) {
  HWY_DYNAMIC_DISPATCH(Forward)(args, tile, kv_head, arena);
}
void RunAttentionGrad(const AttentionGradArgs& args, const QuerySpan& span, int64_t kv_head,
                      Arena& arena) {
  HWY_DYNAMIC_DISPATCH(Backward)(args, span, kv_head, arena);
}
}  // namespace retort::nn
#endif
