#pragma once
// Rows of a table by token id, and the scatter-add that is its gradient.

#include <cstdint>

#include "nn/compute.h"
#include "nn/gemm.h"
#include "nn/tensor.h"

namespace retort::nn {

/// y[t] = table[ids[t]]; ids are in range (the caller checked them). [V, d], [T] → [T, d]
void Embed(Compute& compute, const StoredMat& table, const int32_t* ids, Mat y);
/// The same of a table packed as float32.
void Embed(Compute& compute, const PackedMatrix& table, const int32_t* ids, Mat y);
/// dtable[ids[t]] += dy[t], tokens in order.
void EmbedGrad(Compute& compute, const int32_t* ids, ConstMat dy, Mat dtable);

}  // namespace retort::nn
