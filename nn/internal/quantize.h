#pragma once
// Weights of one byte each, for sampling where reading them is what takes the time. Private to nn.
//
//   float8_e4m3  blocks of 128 outputs × 128 in K, scale max |w| / 448 (DeepSeek-V3 §3.3)
//   q8_0         32 neighbours in K, scale max |w| / 127 in half precision, codes from -127 to 127,
//                ties away from zero (GGUF)
//
// A weight stands for code · scale, rounded to float; products are those of float32 with that.

#include <cstdint>

#include "nn/dtype.h"
#include "nn/gemm.h"
#include "nn/internal/gemm_kernel.h"

namespace retort::nn {

/// Neighbours in K that share a scale.
constexpr int64_t QuantDepth(Dtype dtype) { return dtype == Dtype::kQ8_0 ? 32 : 128; }

/// A panel is made of blocks: for every QuantDepth numbers of K (the last may be fewer) [kPanel]
/// scales, those of E4M3 times 2^120, and then [numbers, kPanel] codes of one byte. In floats:
constexpr int64_t QuantBlockSize(int64_t numbers) { return kPanel + numbers * kPanel / 4; }
int64_t QuantizedPanelSize(Dtype dtype, int64_t k);

/// W [N, K] into panels; with `transpose`, `w` holds Wᵀ. Throws Error where a number is not within
/// ±65504.
void Quantize(ConstMat w, Dtype dtype, bool transpose, float* panels);

/// The product of at most kFewRows rows on quantized panels.
constexpr int64_t kFewRows = 12;
void RunFewRows(Dtype dtype, const PanelProduct& product);

/// out [count, kPanel] = numbers [begin, begin + count) in K of a panel. `begin` is a multiple of
/// QuantDepth or lies inside of one that holds them all.
void ExpandPanel(Dtype dtype, const float* panel, int64_t begin, int64_t count, float* out);

}  // namespace retort::nn
