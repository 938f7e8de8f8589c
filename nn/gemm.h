#pragma once
// Matrix products, all on one kernel family. Forward products keep law 1 for every number of rows:
// weights are packed once per policy version with the outputs along the lanes, and every element of
// the result is one chain of fused multiply-adds over k = 0, 1, …, K-1. So a row's bits depend
// neither on the number of rows, nor on its place, nor on the threads. Products that only make
// gradients pack their right operand as they go and sum in the order of the index, too.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nn/aligned.h"
#include "nn/compute.h"
#include "nn/dtype.h"
#include "nn/tensor.h"

namespace retort::nn {

/// Columns of a packed panel: the unit in which outputs are laid along the lanes.
inline constexpr int64_t kPanel = 32;

/// Floats of a panel over k numbers, and of all panels of W [N, K].
int64_t PanelSize(Dtype dtype, int64_t k);
int64_t PackedSize(Dtype dtype, int64_t n, int64_t k);

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
  friend void Pack(Compute& compute, std::span<const struct PackJob> jobs, float* storage,
                   const std::function<void(const StoredMat&)>& on_read);
  float* data_ = nullptr;
  int64_t n_ = 0;
  int64_t k_ = 0;
  Dtype dtype_ = Dtype::kFloat32;
};

struct PackJob {
  PackedMatrix* packed = nullptr;
  StoredMat w;  ///< [N, K]
  Dtype dtype = Dtype::kFloat32;
  bool transpose = false;  ///< `w` holds Wᵀ [K, N]

  int64_t n() const { return transpose ? w.cols : w.rows; }
  int64_t k() const { return transpose ? w.rows : w.cols; }
  int64_t size() const { return PackedSize(dtype, n(), k()); }
};
/// Runs all jobs in one parallel region. All panels lie in `storage`, which has room for the sum of
/// their size(), one after the other: decoding reads them so. Throws Error where a number to be
/// quantized is not within ±65504. `on_read` is told, on any thread, what rows of a job's matrix
/// have been read.
void Pack(Compute& compute, std::span<const PackJob> jobs, float* storage,
          const std::function<void(const StoredMat& rows)>& on_read = {});

/// Columns [first, first + out.cols) of a packed W [N, K] as numbers [N, cols], those that products
/// multiply. `first` is a multiple of 128.
void Unpack(const PackedMatrix& w, int64_t first, Mat out);

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

// What gradients multiply is kFloat32 or kBFloat16.

/// dA [M, K] = dC [M, N] · W [N, K], or += with `accumulate`.
struct InputGradJob {
  ConstMat dc;
  ConstMat w;  ///< empty: `packed` is read
  Mat da;
  bool accumulate = false;
  bool transpose_w = false;  ///< `w` holds Wᵀ [K, N]
  Dtype dtype = Dtype::kFloat32;
  const PackedMatrix* packed = nullptr;  ///< W in the form that it is held in; slower
};
void GemmInputGrad(Compute& compute, std::span<const InputGradJob> jobs);
void GemmInputGrad(Compute& compute, const InputGradJob& job);

/// dW [N, K] += dCᵀ [N, M] · A [M, K]. Outputs of several jobs must not overlap.
struct WeightGradJob {
  ConstMat dc;
  ConstMat a;
  Mat dw;
  Dtype dtype = Dtype::kFloat32;
};
void GemmWeightGrad(Compute& compute, std::span<const WeightGradJob> jobs);
void GemmWeightGrad(Compute& compute, const WeightGradJob& job);

}  // namespace retort::nn
