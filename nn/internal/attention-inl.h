// What attention is made of: products of small matrices in scratch, and key blocks brought there.
// Compiled once per instruction set; for attention_kernel.cpp only.

#if defined(RETORT_NN_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETORT_NN_ATTENTION_INL_H_
#undef RETORT_NN_ATTENTION_INL_H_
#else
#define RETORT_NN_ATTENTION_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "nn/attention.h"

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

HWY_INLINE int64_t Lanes() { return static_cast<int64_t>(hn::Lanes(D())); }
HWY_INLINE int64_t Vectors(int64_t n) { return (n + Lanes() - 1) / Lanes(); }
// Rows in scratch start on a cache line and end with zeros.
HWY_INLINE int64_t Pad(int64_t n) { return (n + 15) / 16 * 16; }

// ---- Numbers as floats

HWY_INLINE V LoadFloats(const float* p) { return hn::LoadU(D(), p); }
HWY_INLINE V LoadFloats(const BFloat16* p) {
  const hn::RebindToUnsigned<D> bits;
  const hn::Rebind<uint16_t, D> half;
  return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(bits, hn::LoadU(half, p))));
}

inline void Promote(const BFloat16* from, int64_t n, float* to) {
  int64_t i = 0;
  for (; i + Lanes() <= n; i += Lanes()) hn::StoreU(LoadFloats(from + i), D(), to + i);
  for (; i < n; ++i) to[i] = ToFloat(from[i]);
}

// ---- Products of small matrices

// Where the right operand of a product lies: Load(k, lane) gives a vector of its row k.
struct Dense {  // in scratch: aligned and padded
  const float* data;
  int64_t step;
  HWY_INLINE V Load(int64_t k, int64_t lane) const { return LoadFloats(data + k * step + lane); }
};
template <class T>
struct Scattered {  // row k is rows[k] + column
  const T* const* rows;
  int64_t column;
  HWY_INLINE V Load(int64_t k, int64_t lane) const { return LoadFloats(rows[k] + column + lane); }
};
template <class T>
struct Paged {  // a token a lane: row k of a page of tokens is its start + column + k kPageTokens
  const T* const* rows;
  int64_t column;
  HWY_INLINE V Load(int64_t k, int64_t lane) const {
    const int64_t token = lane % kPageTokens;
    return LoadFloats(rows[lane - token] + column + kPageTokens * k + token);
  }
};

// c[r, ·] = Σ_k a[r, k] b[k, ·], or += with `accumulate`. Each element is one chain of
// multiply-adds over k from 0, whatever the blocking: an element does not depend on its neighbours,
// and a chain may be cut and continued later. Rows of c are aligned and padded.
template <class B>
struct Product {
  struct {
    const float* data;
    int64_t row;   // from a[r, k] to a[r + 1, k]
    int64_t step;  // from a[r, k] to a[r, k + 1]
  } a;
  B b;
  struct {
    float* data;
    int64_t row;
  } c;
  int64_t steps;
  bool accumulate = false;
};

constexpr int kRows = 6;
constexpr int kVectors = HWY_MAX_BYTES >= 64 ? 4 : 2;  // kRows · kVectors accumulators

template <int R, int C, class B>
HWY_INLINE void MultiplyBlock(const Product<B>& p, int64_t lane) {
  const D d;
  const int64_t lanes = Lanes();
  const float* HWY_RESTRICT a = p.a.data;
  const B b = p.b;
  V sum[R][C];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < C; ++i) {
      sum[r][i] =
          p.accumulate ? hn::Load(d, p.c.data + r * p.c.row + lane + i * lanes) : hn::Zero(d);
    }
  }
  for (int64_t k = 0; k < p.steps; ++k) {
    V row[C];
#pragma GCC unroll 4
    for (int i = 0; i < C; ++i) row[i] = b.Load(k, lane + i * lanes);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const V x = hn::Set(d, a[r * p.a.row]);
#pragma GCC unroll 4
      for (int i = 0; i < C; ++i) sum[r][i] = hn::MulAdd(x, row[i], sum[r][i]);
    }
    a += p.a.step;
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < C; ++i) hn::Store(sum[r][i], d, p.c.data + r * p.c.row + lane + i * lanes);
  }
}

template <int R, int C, class B>
HWY_INLINE void MultiplyLast(const Product<B>& p, int64_t first, int64_t vectors) {
  if constexpr (C > 0) {
    if (vectors - first == C) return MultiplyBlock<R, C>(p, first * Lanes());
    MultiplyLast<R, C - 1>(p, first, vectors);
  }
}

template <int R, class B>
HWY_NOINLINE void MultiplyRows(const Product<B>& p, int64_t vectors) {
  int64_t v = 0;
  for (; v + kVectors <= vectors; v += kVectors) MultiplyBlock<R, kVectors>(p, v * Lanes());
  MultiplyLast<R, kVectors - 1>(p, v, vectors);
}

// `rows` in [1, kRows], and as many lanes as `columns` need.
template <class B, int R = kRows>
void Multiply(const Product<B>& p, int64_t rows, int64_t columns) {
  if constexpr (R > 0) {
    if (rows == R) return MultiplyRows<R>(p, Vectors(columns));
    Multiply<B, R - 1>(p, rows, columns);
  }
}

// ---- Into scratch

// Elementwise, so the end of a row gives the bits that a whole vector would.
inline void ScaleRow(const float* from, float factor, int64_t n, float* to) {
  const D d;
  const V f = hn::Set(d, factor);
  int64_t i = 0;
  for (; i + Lanes() <= n; i += Lanes()) hn::StoreU(hn::Mul(hn::LoadU(d, from + i), f), d, to + i);
  for (; i < n; ++i) to[i] = from[i] * factor;
}

inline void PackRow(const float* from, float factor, int64_t n, float* to) {
  ScaleRow(from, factor, n, to);
  std::fill(to + n, to + Pad(n), 0.0f);
}

// Rows of keys [begin, begin + count) of a sequence, count in [1, kKeyBlock].
template <class T>
struct KeyBlock {
  const T* const* rows;  // [kKeyBlock]; missing ones are the last, masks take them out again
  int64_t count;
};

// Where the first `count` keys of a sequence lie, for every block of them.
template <class T>
struct KeyRows {
  KeyRows(MatrixView<const T> kv, const QuerySpan& span, int64_t count, Arena& arena)
      : count(count) {
    const int64_t padded = (count + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
    rows = arena.New<const T*>(padded);
    for (int64_t j = 0; j < count; ++j) rows[j] = kv.row(span.key_rows[j]);
    if (count > 0) std::fill(rows + count, rows + padded, rows[count - 1]);
  }
  KeyBlock<T> Block(int64_t begin) const {
    return {rows + begin, std::min(kKeyBlock, count - begin)};
  }

  const T** rows;
  int64_t count;
};

// Reads numbers [begin, end) of each page of a block in their order: memory then streams into the
// cache, which it does not when heads pick their parts (8 GB/s instead of 20).
template <class T>
void ReadPages(const KeyBlock<T>& block, int64_t begin, int64_t end) {
  constexpr auto kLine = static_cast<int64_t>(64 / sizeof(T));
  for (int64_t j = 0; j < block.count; j += kPageTokens) {
    const T* page = block.rows[j];
    for (int64_t i = begin; i < end; i += kLine) {
      static_cast<void>(*static_cast<const volatile T*>(page + i));
    }
  }
}

inline void PackRow(const BFloat16* from, float factor, int64_t n, float* to) {
  Promote(from, n, to);
  PackRow(to, factor, n, to);
}

template <class T>
void PackKeys(const KeyBlock<T>& block, int64_t column, int64_t dim,
              float* out) {  // [64, Pad(dim)]
  for (int64_t j = 0; j < block.count; ++j) {
    PackRow(block.rows[j] + column, 1, dim, out + j * Pad(dim));
  }
}

#if HWY_TARGET != HWY_SCALAR
// Numbers [i, i + 4) of every fourth row from `row` on, a block of the vector for each.
HWY_INLINE V LoadBlocks(const float* const* row, int64_t column) {
  const hn::FixedTag<float, 4> block;
  const auto load = [&](int64_t r) { return hn::LoadU(block, row[4 * r] + column); };
#if HWY_MAX_BYTES >= 64
  const hn::FixedTag<float, 8> half;
  return hn::Combine(D(), hn::Combine(half, load(3), load(2)), hn::Combine(half, load(1), load(0)));
#elif HWY_MAX_BYTES == 32
  return hn::Combine(D(), load(1), load(0));
#else
  return load(0);
#endif
}
#endif

// Keys along the lanes: a vector of keys at a time, four numbers of each, whose squares of four
// stay inside the vectors' blocks.
inline void TransposeKeys(const KeyBlock<float>& block, int64_t column, int64_t dim,
                          float* out) {  // [dim, 64]
  for (int64_t j = 0; j < block.count; j += Lanes()) {
    const float* const* row = block.rows + j;
    float* to = out + j;
    int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
    const D d;
    for (; i + 4 <= dim; i += 4, to += 4 * kKeyBlock) {
      const V r0 = LoadBlocks(row, column + i), r1 = LoadBlocks(row + 1, column + i);
      const V r2 = LoadBlocks(row + 2, column + i), r3 = LoadBlocks(row + 3, column + i);
      const V low02 = hn::InterleaveLower(d, r0, r2), low13 = hn::InterleaveLower(d, r1, r3);
      const V high02 = hn::InterleaveUpper(d, r0, r2), high13 = hn::InterleaveUpper(d, r1, r3);
      hn::Store(hn::InterleaveLower(d, low02, low13), d, to);
      hn::Store(hn::InterleaveUpper(d, low02, low13), d, to + kKeyBlock);
      hn::Store(hn::InterleaveLower(d, high02, high13), d, to + 2 * kKeyBlock);
      hn::Store(hn::InterleaveUpper(d, high02, high13), d, to + 3 * kKeyBlock);
    }
#endif
    for (; i < dim; ++i, to += kKeyBlock) {
      for (int64_t r = 0; r < Lanes(); ++r) to[r] = row[r][column + i];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#endif
