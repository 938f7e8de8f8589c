#include "nn/gemm.h"

#include <cblas.h>

#include <algorithm>

#include "nn/gemm_kernel.h"

namespace retort::nn {
namespace {

// Tiles of forward products. Their size never changes a bit, only the balance between threads.
constexpr int64_t kRowTile = 48;
int64_t PanelTile(int64_t rows) { return rows <= kRowTile ? 2 : rows <= 4 * kRowTile ? 4 : 8; }
// Tiles of gradient products: fixed, because OpenBLAS' order of summation may depend on the shape.
constexpr int64_t kGradRows = 128;
constexpr int64_t kGradOutputs = 128;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Runs `tile(job, index)` for every tile of every job in one parallel region.
template <class Job, class Count, class Tile>
void ForTiles(Compute& compute, std::span<const Job> jobs, const Count& count, const Tile& tile) {
  Arena& arena = compute.scratch[0];
  const ArenaScope scope(arena);
  const int64_t n = static_cast<int64_t>(jobs.size());
  int64_t* begin = arena.New<int64_t>(n + 1);
  begin[0] = 0;
  for (int64_t j = 0; j < n; ++j) begin[j + 1] = begin[j] + count(jobs[static_cast<size_t>(j)]);
  compute.executor.ParallelFor(begin[n], [&](int64_t i, int) {
    const int64_t j = std::upper_bound(begin, begin + n + 1, i) - begin - 1;
    tile(jobs[static_cast<size_t>(j)], i - begin[j]);
  });
}

int Int(int64_t value) { return static_cast<int>(value); }

}  // namespace

void PackedMatrix::Pack(ConstMat w, bool transpose) {
  n_ = transpose ? w.cols : w.rows;
  k_ = transpose ? w.rows : w.cols;
  const int64_t panels = CeilDiv(n_, kPanel);
  data_.assign(static_cast<size_t>(panels * k_ * kPanel), 0.0f);
  for (int64_t p = 0; p < panels; ++p) {
    float* out = data_.data() + p * k_ * kPanel;
    const int64_t width = std::min(kPanel, n_ - p * kPanel);
    if (transpose) {
      for (int64_t k = 0; k < k_; ++k) {
        std::copy_n(w.row(k) + p * kPanel, width, out + k * kPanel);
      }
    } else {
      for (int64_t j = 0; j < width; ++j) {
        const float* row = w.row(p * kPanel + j);
        for (int64_t k = 0; k < k_; ++k) out[k * kPanel + j] = row[k];
      }
    }
  }
}

void GemmSerial(const GemmJob& job) {
  RETORT_DCHECK(job.a.cols == job.w->k() && job.c.cols == job.w->n() && job.a.rows == job.c.rows);
  RunPanelProduct({job.a.data, job.a.stride, job.w->panel(0), job.w->k(), job.c.data, job.c.stride,
                   job.a.rows, job.w->n(), job.accumulate});
}

void Gemm(Compute& compute, std::span<const GemmJob> jobs) {
  ForTiles(
      compute, jobs,
      [](const GemmJob& job) {
        RETORT_DCHECK(job.a.cols == job.w->k() && job.c.cols == job.w->n());
        RETORT_DCHECK(job.a.rows == job.c.rows);
        return CeilDiv(job.a.rows, kRowTile) * CeilDiv(job.w->n(), PanelTile(job.a.rows) * kPanel);
      },
      [](const GemmJob& job, int64_t tile) {
        const int64_t width = PanelTile(job.a.rows) * kPanel;
        const int64_t columns = CeilDiv(job.w->n(), width);
        const int64_t row = tile / columns * kRowTile, col = tile % columns * width;
        RunPanelProduct({job.a.row(row), job.a.stride, job.w->panel(col / kPanel), job.w->k(),
                         job.c.row(row) + col, job.c.stride, std::min(kRowTile, job.a.rows - row),
                         std::min(width, job.w->n() - col), job.accumulate});
      });
}

void GemmInputGrad(Compute& compute, std::span<const InputGradJob> jobs) {
  ForTiles(
      compute, jobs, [](const InputGradJob& job) { return CeilDiv(job.dc.rows, kGradRows); },
      [](const InputGradJob& job, int64_t tile) {
        const int64_t row = tile * kGradRows, rows = std::min(kGradRows, job.dc.rows - row);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, job.transpose_w ? CblasTrans : CblasNoTrans,
                    Int(rows), Int(job.da.cols), Int(job.dc.cols), 1.0f, job.dc.row(row),
                    Int(job.dc.stride), job.w.data, Int(job.w.stride), job.accumulate ? 1.0f : 0.0f,
                    job.da.row(row), Int(job.da.stride));
      });
}

void GemmWeightGrad(Compute& compute, std::span<const WeightGradJob> jobs) {
  ForTiles(
      compute, jobs,
      [](const WeightGradJob& job) {
        return job.dc.rows == 0 ? 0 : CeilDiv(job.dw.rows, kGradOutputs);
      },
      [](const WeightGradJob& job, int64_t tile) {
        const int64_t out = tile * kGradOutputs, outs = std::min(kGradOutputs, job.dw.rows - out);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, Int(outs), Int(job.dw.cols),
                    Int(job.dc.rows), 1.0f, job.dc.data + out, Int(job.dc.stride), job.a.data,
                    Int(job.a.stride), 1.0f, job.dw.row(out), Int(job.dw.stride));
      });
}

void Gemm(Compute& compute, const GemmJob& job) { Gemm(compute, std::span(&job, 1)); }
void GemmInputGrad(Compute& compute, const InputGradJob& job) {
  GemmInputGrad(compute, std::span(&job, 1));
}
void GemmWeightGrad(Compute& compute, const WeightGradJob& job) {
  GemmWeightGrad(compute, std::span(&job, 1));
}

}  // namespace retort::nn
