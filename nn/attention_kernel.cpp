#include "nn/internal/attention_kernel.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <type_traits>

#include "nn/internal/row_math.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/attention_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h, once per target.
#include <hwy/contrib/math/math-inl.h>

#include "nn/internal/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {

// ---- What forward and backward share

// Rows are pairs of a query and one of the `group` heads that share a KV head, heads inside.
struct Heads {
  Heads(const AttentionShape& s, int64_t kv_head)
      : group(s.heads / s.kv_heads),
        first(kv_head * group),
        key_column(kv_head * s.key_dim * (s.paged ? 2 * kPageTokens : 1)),
        value_column(s.paged ? key_column + kPageTokens * s.key_dim
                             : s.value_begin + kv_head * s.value_dim) {}
  int64_t group;
  int64_t first;
  int64_t key_column;
  int64_t value_column;
};

// MLA: the value lies inside the key. Returns where, else -1.
HWY_INLINE int64_t ValueInsideKey(const AttentionShape& s, const Heads& heads) {
  const int64_t inside = heads.value_column - heads.key_column;
  return inside >= 0 && inside + s.value_dim <= s.key_dim ? inside : -1;
}

// Highway's Exp gives 0 for NaN; a NaN must not vanish.
HWY_INLINE V ExpOrNan(V x) { return hn::IfThenElse(hn::Eq(x, x), hn::Exp(D(), x), x); }

HWY_INLINE hn::Mask<D> First(int64_t n) { return hn::FirstN(D(), static_cast<size_t>(n)); }

// ---- Forward

// One head's keys and values of a block of bfloat16 as floats: a row is [key | value], or the key
// alone when the value lies inside.
struct PromotedBlock {
  PromotedBlock(const AttentionShape& s, Arena& arena)
      : stride(Pad(s.key_dim + s.value_dim) + 16),
        data(arena.NewZeroMat(kKeyBlock, stride).data),
        rows(arena.New<const float*>(kKeyBlock)) {
    for (int64_t j = 0; j < kKeyBlock; ++j) rows[j] = data + j * stride;
  }
  // `heads` then says where the head lies in it.
  KeyBlock<float> Read(const AttentionShape& s, const KeyBlock<BFloat16>& from,
                       Heads& heads) const {
    const int64_t inside = ValueInsideKey(s, heads);
    for (int64_t j = 0; j < from.count; ++j) {
      Promote(from.rows[j] + heads.key_column, s.key_dim, data + j * stride);
    }
    for (int64_t j = 0; inside < 0 && j < from.count; ++j) {
      Promote(from.rows[j] + heads.value_column, s.value_dim, data + j * stride + s.key_dim);
    }
    heads.key_column = 0;
    heads.value_column = inside < 0 ? s.key_dim : inside;
    return {rows, from.count};
  }

  int64_t stride;
  float* data;
  const float** rows;
};

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

// One KV head of a tile between its key blocks.
struct HeadState {
  float* q;              // [rows, key_dim], times the scale
  float* acc;            // [rows, value_dim]
  OnlineSoftmax* state;  // [rows]
};

struct ForwardScratch {
  float* keys;       // [key_dim, 64]
  float* values;     // [64, value_dim]; null when they are read where they lie
  float* scores;     // [kRows, 64]
  int64_t* horizon;  // [rows] keys that a row sees
};

template <class T>
void ForwardBlock(const AttentionShape& s, const Heads& heads, int64_t rows, int64_t first_row,
                  const KeyBlock<T>& block, int64_t begin, const HeadState& head,
                  const ForwardScratch& x) {
  const int64_t key_stride = Pad(s.key_dim), value_stride = Pad(s.value_dim);
  if (x.values) PackKeys(block, heads.value_column, s.value_dim, x.values);
  // scores[i, ·] = q[r + i] · keys.
  const auto score = [&](int64_t r, int64_t n, int64_t keys, const auto& b) {
    Multiply<std::decay_t<decltype(b)>>({.a = {head.q + r * key_stride, key_stride, 1},
                                         .b = b,
                                         .c = {x.scores, kKeyBlock},
                                         .steps = s.key_dim},
                                        n, keys);
  };
  // acc[row, ·] += Σ scores[i, j] value[j] over keys [first, first + steps) of the block.
  const auto add_values = [&](int64_t row, int64_t n, int64_t i, int64_t first, int64_t steps) {
    const auto add = [&](const auto& b) {
      Multiply<std::decay_t<decltype(b)>>({.a = {x.scores + i * kKeyBlock + first, kKeyBlock, 1},
                                           .b = b,
                                           .c = {head.acc + row * value_stride, value_stride},
                                           .steps = steps,
                                           .accumulate = true},
                                          n, s.value_dim);
    };
    x.values ? add(Dense{x.values + first * value_stride, value_stride})
             : add(Scattered<T>{block.rows + first, heads.value_column});
  };
  for (int64_t r = first_row; r < rows; r += kRows) {
    const int64_t n = std::min<int64_t>(kRows, rows - r);
    const auto visible = [&](int64_t i) { return std::min(block.count, x.horizon[r + i] - begin); };
    s.paged ? score(r, n, visible(n - 1), Paged<T>{block.rows, heads.key_column})
            : score(r, n, visible(n - 1), Dense{x.keys, kKeyBlock});
    for (int64_t i = 0; i < n; ++i) {
      SoftmaxBlock(x.scores + i * kKeyBlock, visible(i), head.state[r + i],
                   head.acc + (r + i) * value_stride, s.value_dim);
    }
    // The keys that all n rows see, then those that only later rows see.
    const int64_t shared = visible(0);
    add_values(r, n, 0, 0, shared);
    for (int64_t i = 1, end; i < n; i = end) {
      for (end = i + 1; end < n && visible(end) == visible(i);) ++end;
      if (visible(i) > shared) add_values(r + i, end - i, i, shared, visible(i) - shared);
    }
  }
}

template <class T>
void ForwardOf(MatrixView<const T> kv, const AttentionArgs& args, const QueryTile& tile,
               KvHeads range, Arena& arena) {
  const AttentionShape& s = args.shape;
  const int64_t group = s.heads / s.kv_heads, rows = tile.count * group;
  const int64_t position = tile.span->position + tile.first, row0 = tile.span->row + tile.first;
  const int64_t key_stride = Pad(s.key_dim), value_stride = Pad(s.value_dim);
  const KeyRows<T> key_rows(kv, *tile.span, position + tile.count, arena);
  ForwardScratch x;
  x.keys = arena.New<float>(s.key_dim * kKeyBlock);
  x.values = s.value_dim % Lanes() == 0 ? nullptr : arena.New<float>(kKeyBlock * value_stride);
  x.scores = arena.New<float>(kRows * kKeyBlock);
  x.horizon = arena.New<int64_t>(rows);
  for (int64_t r = 0; r < rows; ++r) x.horizon[r] = position + r / group + 1;
  std::optional<PromotedBlock> promoted;
  if (!s.paged && !std::is_same_v<T, float>) promoted.emplace(s, arena);
  const int64_t count = range.last - range.first;
  HeadState* states = arena.New<HeadState>(count);
  for (int64_t g = 0; g < count; ++g) {
    HeadState& head = states[g];
    head = {arena.New<float>(rows * key_stride), arena.NewZeroMat(rows, value_stride).data,
            arena.New<OnlineSoftmax>(rows)};
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t h = (range.first + g) * group + r % group;
      PackRow(args.q.row(row0 + r / group) + h * s.key_dim, s.scale, s.key_dim,
              head.q + r * key_stride);
      head.state[r] = {};
    }
  }

  for (int64_t begin = 0; begin < key_rows.count; begin += kKeyBlock) {
    const KeyBlock<T> block = key_rows.Block(begin);
    // Queries before the block see nothing of it.
    const int64_t first_row = std::max<int64_t>(begin - position, 0) * group;
    const int64_t head_size = 2 * kPageTokens * s.key_dim;  // its keys and values in a page
    if (s.paged) ReadPages(block, range.first * head_size, range.last * head_size);
    for (int64_t g = 0; g < count; ++g) {
      Heads heads(s, range.first + g);
      const auto run = [&](const auto& b) {
        ForwardBlock(s, heads, rows, first_row, b, begin, states[g], x);
      };
      if (s.paged) {
        run(block);
        continue;
      }
      const KeyBlock<float> floats = [&] {
        if constexpr (std::is_same_v<T, float>) {
          return block;
        } else {
          return promoted->Read(s, block, heads);
        }
      }();
      TransposeKeys(floats, heads.key_column, s.key_dim, x.keys);
      run(floats);
    }
  }

  for (int64_t g = 0; g < count; ++g) {
    const HeadState& head = states[g];
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t row = row0 + r / group, h = (range.first + g) * group + r % group;
      const OnlineSoftmax& state = head.state[r];
      ScaleRow(head.acc + r * value_stride, 1 / state.sum, s.value_dim,
               args.out.row(row) + h * s.value_dim);
      if (args.lse) {
        args.lse[row * s.heads + h] =
            state.max + hn::GetLane(hn::Log(D(), hn::Set(D(), state.sum)));
      }
    }
  }
}

void Forward(const AttentionArgs& args, const QueryTile& tile, KvHeads range, Arena& arena) {
  args.kv16 ? ForwardOf(args.kv16, args, tile, range, arena)
            : ForwardOf(args.kv, args, tile, range, arena);
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
    Multiply<Dense>({.a = {x.q + r * key_stride, key_stride, 1},
                     .b = {x.keys_t, kKeyBlock},
                     .c = {p, kKeyBlock},
                     .steps = s.key_dim},
                    n, most);
    // out = Σ p v  ⇒  dP = dout·v
    Multiply<Dense>({.a = {x.dout + r * value_stride, value_stride, 1},
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
    Multiply<Dense>({.a = {ds, kKeyBlock, 1},
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
    Multiply<Dense>({.a = {x.ds + r * kKeyBlock + j, 1, kKeyBlock},
                     .b = {x.q + r * key_stride, key_stride},
                     .c = {x.dkeys + j * key_stride, key_stride},
                     .steps = rows - r,
                     .accumulate = true},
                    n, s.key_dim);
    // out = Σ p v  ⇒  dv += Σ p dout
    Multiply<Dense>({.a = {x.p + r * kKeyBlock + j, 1, kKeyBlock},
                     .b = {x.dout + r * value_stride, value_stride},
                     .c = {x.dvalues + j * value_stride, value_stride},
                     .steps = rows - r,
                     .accumulate = true},
                    n, s.value_dim);
  }
}

void Backward(const AttentionGradArgs& args, const QuerySpan& span, const GradTask& task,
              Arena& arena) {
  const AttentionShape& s = args.shape;
  Heads heads(s, task.kv_head);
  heads.group /= task.parts;
  heads.first += task.part * heads.group;
  const int64_t tile_queries = std::min(TileQueries(heads.group, 64), span.count);
  const int64_t rows = tile_queries * heads.group;
  const int64_t key_stride = Pad(s.key_dim), value_stride = Pad(s.value_dim);
  GradScratch x;
  x.keys = arena.New<float>(kKeyBlock * key_stride);
  x.keys_t = arena.New<float>(s.key_dim * kKeyBlock);
  const int64_t inside = ValueInsideKey(s, heads);
  const bool shared = inside >= 0;
  x.values_t = shared ? x.keys_t + inside * kKeyBlock : arena.New<float>(s.value_dim * kKeyBlock);
  x.dkeys = arena.New<float>(kKeyBlock * key_stride);
  x.dvalues = arena.New<float>(kKeyBlock * value_stride);
  x.q = arena.New<float>(rows * key_stride);
  x.dq = arena.New<float>(rows * key_stride);
  x.dout = arena.New<float>(rows * value_stride);
  x.p = arena.New<float>(rows * kKeyBlock);
  x.ds = arena.New<float>(rows * kKeyBlock);
  x.mean = arena.New<float>(span.count * heads.group);
  const KeyRows<float> key_rows(args.kv, span, span.position + span.count, arena);
  for (int64_t r = 0; r < span.count * heads.group; ++r) {
    const int64_t row = span.row + r / heads.group, h = heads.first + r % heads.group;
    x.mean[r] =
        Dot(args.dout.row(row) + h * s.value_dim, args.out.row(row) + h * s.value_dim, s.value_dim);
    std::fill_n(args.dq.row(row) + h * s.key_dim, s.key_dim, 0.0f);
  }

  for (int64_t begin = 0; begin < span.position + span.count; begin += kKeyBlock) {
    const KeyBlock block = key_rows.Block(begin);
    const int64_t count = block.count;
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
      float* row = task.dkv.row(span.key_rows[begin + j]);
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

void RunAttention(const AttentionArgs& args, const QueryTile& tile, KvHeads heads, Arena& arena) {
  HWY_DYNAMIC_DISPATCH(Forward)(args, tile, heads, arena);
}
void RunAttentionGrad(const AttentionGradArgs& args, const QuerySpan& span, const GradTask& task,
                      Arena& arena) {
  HWY_DYNAMIC_DISPATCH(Backward)(args, span, task, arena);
}
}  // namespace retort::nn
#endif
