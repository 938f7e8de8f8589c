#pragma once
// The inner kernel of forward products, chosen once for the instruction set. Private to nn.

#include <cstdint>

namespace retort::nn {

/// C [rows, cols] (+)= A [rows, K] · panelsᵀ. `w` is the first of the packed panels that hold the
/// `cols` outputs; a panel is K·kPanel floats.
struct PanelProduct {
  const float* a;
  int64_t lda;
  const float* w;
  int64_t k;
  float* c;
  int64_t ldc;
  int64_t rows;
  int64_t cols;
  bool accumulate;
};
void RunPanelProduct(const PanelProduct& product);

}  // namespace retort::nn
