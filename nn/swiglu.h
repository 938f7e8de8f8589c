#pragma once
// SwiGLU (Shazeer 2020): y = silu(gate) ⊙ up, with gate and up side by side in one row.

#include "nn/compute.h"
#include "nn/tensor.h"

namespace retort::nn {

/// gate_up [T, 2f] (gate first) → y [T, f].
void SwiGlu(Compute& compute, ConstMat gate_up, Mat y);
/// dy [T, f] → dgate_up [T, 2f]; may overwrite gate_up itself.
void SwiGluGrad(Compute& compute, ConstMat gate_up, ConstMat dy, Mat dgate_up);

}  // namespace retort::nn
