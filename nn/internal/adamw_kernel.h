#pragma once
// The inner loops of AdamW, vectorised for the instruction set found at run time. Private to nn.

#include <cstdint>

namespace retort::nn {

/// Σ x² in double precision, in an order that depends on `n` only.
double SumOfSquares(const float* x, int64_t n);

/// g = clip · grad; m = beta1 m + rest1 g; v = beta2 v + rest2 g²;
/// w = w - decay w - rate m / (root_scale √v + epsilon).
struct AdamWFactors {
  float clip = 1;
  float beta1 = 0, rest1 = 1;
  float beta2 = 0, rest2 = 1;
  float rate = 0;        ///< learning rate / (1 - beta1^step)
  float root_scale = 1;  ///< 1 / √(1 - beta2^step)
  float epsilon = 0;
  float decay = 0;  ///< learning rate · weight decay
};
struct AdamWSlice {
  const float* grad;
  float* value;
  float* first;
  float* second;
  int64_t count;
};
void AdamWUpdate(const AdamWFactors& factors, const AdamWSlice& slice);

}  // namespace retort::nn
