#pragma once
// RMSNorm (Zhang & Sennrich 2019): y = w ⊙ x · rstd, rstd = 1 / sqrt(mean(x²) + eps).

#include "nn/compute.h"
#include "nn/tensor.h"

namespace retort::nn {

struct RmsNormArgs {
  ConstMat x;                     // [T, n]
  const float* weight = nullptr;  // [n]
  float eps = 1e-6f;
  Mat y;                  // [T, n]; may be x itself
  float* rstd = nullptr;  // [T], kept for backward; may be null
};
void RmsNorm(Compute& compute, const RmsNormArgs& args);

struct RmsNormGradArgs {
  ConstMat x;                     // [T, n]
  const float* weight = nullptr;  // [n]
  const float* rstd = nullptr;    // [T]
  ConstMat dy;                    // [T, n]
  Mat dx;                         // [T, n]; may be dy or `start` itself
  ConstMat start = {};            // [T, n] what the gradient is added to; empty for zero
  float* dweight = nullptr;       // [n], added to; may be null
};
void RmsNormGrad(Compute& compute, const RmsNormGradArgs& args);

}  // namespace retort::nn
