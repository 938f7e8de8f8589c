#pragma once
// SwiGLU (Shazeer 2020): y = silu(gate) ⊙ up, with gate and up side by side in one row.

#include "nn/compute.h"
#include "nn/tensor.h"

namespace retort::nn {

/// gate_up [T, 2f] (gate first) → y [T, f].
void SwiGlu(Compute& compute, ConstMat gate_up, Mat y);
/// dy [T, f] → dgate_up [T, 2f], which may overwrite gate_up itself. Gives y [T, f] once more, so
/// that forward need not keep it.
struct SwiGluGradArgs {
  ConstMat gate_up;
  ConstMat dy;
  Mat dgate_up;
  Mat y;
};
void SwiGluGrad(Compute& compute, const SwiGluGradArgs& args);

}  // namespace retort::nn
