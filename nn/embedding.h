#pragma once
// Rows of a table by token id, and the scatter-add that is its gradient.

#include <cstdint>

#include "nn/compute.h"
#include "nn/tensor.h"

namespace retort::nn {

/// y[t] = table[ids[t]]; ids are in range (the caller checked them).
void Embed(Compute& compute, ConstMat table, const int32_t* ids, Mat y);  // [V, d], [T] → [T, d]
/// dtable[ids[t]] += dy[t], tokens in order.
void EmbedGrad(Compute& compute, const int32_t* ids, ConstMat dy, Mat dtable);

}  // namespace retort::nn
