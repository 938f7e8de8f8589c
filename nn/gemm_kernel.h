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

}  // namespace retort::nn
