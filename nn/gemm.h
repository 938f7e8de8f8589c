#pragma once
// Matrix products, all on one kernel family. Forward products keep law 1 for every number of rows:
// weights are packed once per policy version with the outputs along the lanes, and every element of
// the result is one chain of fused multiply-adds over k = 0, 1, …, K-1. So a row's bits depend
// neither on the number of rows, nor on its place, nor on the threads. Products that only make
// gradients pack their right operand as they go and sum in the order of the index, too.

#include <cstdint>
#include <span>
#include <vector>

#include "nn/aligned.h"
#include "nn/compute.h"
#include "nn/dtype.h"
#include "nn/tensor.h"

namespace retort::nn {

/// Columns of a packed panel: the unit in which outputs are laid along the lanes.
inline constexpr int64_t kPanel = 32;

/// Floats of a panel over k numbers.
int64_t PanelSize(Dtype dtype, int64_t k);

/// W [N, K] as panels of kPanel outputs, each panel [K, kPanel], zero-padded in N. Of bfloat16, two
/// neighbours in K take the place of one float; quantized panels are described in
/// nn/internal/quantize.h. Borrows its numbers from the storage it was packed into.
class PackedMatrix {
 public:
  int64_t n() const { return n_; }
  int64_t k() const { return k_; }
  /// What products with it multiply.
  Dtype dtype() const { return dtype_; }
  const float* panel(int64_t p) const { return data_ + p * stride(); }
  int64_t stride() const { return PanelSize(dtype_, k_); }

 private:
  friend void Pack(Compute& compute, std::span<const struct PackJob> jobs,
                   AlignedVector<float>& storage);
  float* data_ = nullptr;
  int64_t n_ = 0;
  int64_t k_ = 0;
  Dtype dtype_ = Dtype::kFloat32;
};

struct PackJob {
  PackedMatrix* packed = nullptr;
  ConstMat w;  ///< [N, K]
  Dtype dtype = Dtype::kFloat32;
  bool transpose = false;  ///< `w` holds Wᵀ [K, N]
};
/// Runs all jobs in one parallel region. All panels lie in `storage`, one after the other: decoding
/// reads them so, and large blocks get huge pages. Reuses it where it is large enough. Throws Error
/// where a number to be quantized is not within ±65504.
void Pack(Compute& compute, std::span<const PackJob> jobs, AlignedVector<float>& storage);

/// C [M, N] = A [M, K] · Wᵀ, or start + A · Wᵀ: the chain then starts there.
struct GemmJob {
  ConstMat a;
  const PackedMatrix* w = nullptr;
  Mat c;
  ConstMat start = {};  ///< [M, N], empty for zero; may be C itself
};
/// Runs all jobs in one parallel region. Outputs must not overlap.
void Gemm(Compute& compute, std::span<const GemmJob> jobs);
void Gemm(Compute& compute, const GemmJob& job);
/// The same product on the calling thread, for use inside a tile.
void GemmSerial(const GemmJob& job, Arena& scratch);

// Gradients multiply what the Compute's dtype says, which must not be quantized.

/// dA [M, K] = dC [M, N] · W [N, K], or += with `accumulate`.
struct InputGradJob {
  ConstMat dc;
  ConstMat w;
  Mat da;
  bool accumulate = false;
  bool transpose_w = false;  ///< `w` holds Wᵀ [K, N]
};
void GemmInputGrad(Compute& compute, std::span<const InputGradJob> jobs);
void GemmInputGrad(Compute& compute, const InputGradJob& job);

/// dW [N, K] += dCᵀ [N, M] · A [M, K].
struct WeightGradJob {
  ConstMat dc;
  ConstMat a;
  Mat dw;
};
void GemmWeightGrad(Compute& compute, std::span<const WeightGradJob> jobs);
void GemmWeightGrad(Compute& compute, const WeightGradJob& job);

}  // namespace retort::nn
