#pragma once
// The inner kernels of matrix products, chosen once for the instruction set. Private to nn.
//
// One block of accumulators serves them all; each of its elements is one chain of fused
// multiply-adds over the summed index from 0, continued through memory where that index is cut. So
// an element's bits depend on its row, its column and nothing else.

#include <cstdint>

#include "nn/arena.h"

namespace retort::nn {

/// C [rows, cols] = start + A [rows, K] · panelsᵀ. `w` is the first of the packed panels that hold
/// the `cols` outputs; a panel is [K, kPanel] and starts `w_stride` floats after the one before.
struct PanelProduct {
  const float* a;
  int64_t lda;
  const float* w;
  int64_t w_stride;
  int64_t k;
  float* c;
  int64_t ldc;
  int64_t rows;
  int64_t cols;
  const float* start;  // null for zero; may be C
  int64_t lds;
};
void RunPanelProduct(const PanelProduct& product, Arena& scratch);

/// C [rows, cols] += Aᵀ · B for A [K, rows] and B [K, cols].
struct OuterProduct {
  const float* a;
  int64_t lda;
  const float* b;
  int64_t ldb;
  int64_t k;
  float* c;
  int64_t ldc;
  int64_t rows;
  int64_t cols;
};
void RunOuterProduct(const OuterProduct& product, Arena& scratch);

/// The same products of operands rounded to bfloat16 (denormals to 0), two neighbours of the summed
/// index added at a time. Panels hold such pairs in place of floats: [Pairs(K), kPanel], the last
/// one completed by 0. To be called only where the instructions are (see HasBFloat16).
namespace bf16 {
bool CpuHasIt();
inline int64_t Pairs(int64_t k) { return (k + 1) / 2; }
void RunPanelProduct(const PanelProduct& product, Arena& scratch);
void RunOuterProduct(const OuterProduct& product, Arena& scratch);
/// pairs[i] = (x[2i], x[2i + 1]) for x [n].
void PairRow(const float* x, int64_t n, float* pairs);
/// pairs[i] = (low[i], high[i]) for rows [n]; `high` may be null for zeros.
void PairRows(const float* low, const float* high, int64_t n, float* pairs);
/// `rounds` of independent multiply-adds in registers; returns how many operations they were.
/// `sink` depends on all of them.
int64_t MultiplyAdds(int64_t rounds, float& sink);
}  // namespace bf16

}  // namespace retort::nn
