#include "nn/gemm.h"

#include <algorithm>

#include "nn/gemm_kernel.h"

namespace retort::nn {
namespace {

// Tiles decide the balance between threads and what stays in the caches, never a bit.
constexpr int64_t kRowTile = 48;
int64_t PanelTile(int64_t rows) { return rows <= kRowTile ? 2 : rows <= 4 * kRowTile ? 4 : 8; }
// Of gradients: what is packed for a tile should be used by many rows.
constexpr int64_t kInputGradRows = 256, kInputGradCols = 4 * kPanel;
constexpr int64_t kWeightGradRows = 384, kWeightGradCols = 128;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rows [begin, begin + count) of the i-th of the fewest equal tiles of at most `most` rows.
struct RowTile {
  int64_t begin, count;
};
RowTile RowTileOf(int64_t rows, int64_t most, int64_t i) {
  const int64_t tiles = CeilDiv(rows, most), begin = rows * i / tiles;
  return {begin, rows * (i + 1) / tiles - begin};
}

// Runs `tile(job, index, scratch)` for every tile of every job in one parallel region.
template <class Job, class Count, class Tile>
void ForTiles(Compute& compute, const char* op, std::span<const Job> jobs, const Count& count,
              const Tile& tile) {
  Arena& arena = compute.scratch[0];
  const ArenaScope scope(arena);
  const int64_t n = static_cast<int64_t>(jobs.size());
  int64_t* begin = arena.New<int64_t>(n + 1);
  begin[0] = 0;
  for (int64_t j = 0; j < n; ++j) begin[j + 1] = begin[j] + count(jobs[static_cast<size_t>(j)]);
  compute.ParallelFor(op, begin[n], [&](int64_t i, int worker) {
    const int64_t j = std::upper_bound(begin, begin + n + 1, i) - begin - 1;
    Arena& scratch = compute.scratch[static_cast<size_t>(worker)];
    const ArenaScope tile_scope(scratch);
    tile(jobs[static_cast<size_t>(j)], i - begin[j], scratch);
  });
}

// Columns [first, first + cols) of W [N, K] (of Wᵀ when `transposed`) as panels of K's lanes.
void PackColumns(const InputGradJob& job, int64_t first, int64_t cols, float* panels,
                 int64_t stride) {
  const int64_t n = job.dc.cols;
  for (int64_t q = 0; q < CeilDiv(cols, kPanel); ++q, panels += stride) {
    const int64_t begin = first + q * kPanel, width = std::min(kPanel, first + cols - begin);
    for (int64_t i = 0; i < n; ++i) {
      float* to = panels + i * kPanel;
      if (job.transpose_w) {
        for (int64_t j = 0; j < width; ++j) to[j] = job.w(begin + j, i);
      } else {
        std::copy_n(job.w.row(i) + begin, width, to);
      }
      std::fill(to + width, to + kPanel, 0.0f);
    }
  }
}

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

void GemmSerial(const GemmJob& job, Arena& scratch) {
  RETORT_DCHECK(job.a.cols == job.w->k() && job.c.cols == job.w->n() && job.a.rows == job.c.rows);
  RunPanelProduct({.a = job.a.data,
                   .lda = job.a.stride,
                   .w = job.w->panel(0),
                   .w_stride = job.w->k() * kPanel,
                   .k = job.w->k(),
                   .c = job.c.data,
                   .ldc = job.c.stride,
                   .rows = job.a.rows,
                   .cols = job.w->n(),
                   .start = job.start.data,
                   .lds = job.start.stride},
                  scratch);
}

void Gemm(Compute& compute, std::span<const GemmJob> jobs) {
  ForTiles(
      compute, "gemm", jobs,
      [](const GemmJob& job) {
        RETORT_DCHECK(job.a.cols == job.w->k() && job.c.cols == job.w->n());
        RETORT_DCHECK(job.a.rows == job.c.rows);
        return CeilDiv(job.a.rows, kRowTile) * CeilDiv(job.w->n(), PanelTile(job.a.rows) * kPanel);
      },
      [](const GemmJob& job, int64_t tile, Arena& scratch) {
        const int64_t width = PanelTile(job.a.rows) * kPanel;
        const int64_t columns = CeilDiv(job.w->n(), width);
        const RowTile rows = RowTileOf(job.a.rows, kRowTile, tile / columns);
        const int64_t col = tile % columns * width;
        RunPanelProduct({.a = job.a.row(rows.begin),
                         .lda = job.a.stride,
                         .w = job.w->panel(col / kPanel),
                         .w_stride = job.w->k() * kPanel,
                         .k = job.w->k(),
                         .c = job.c.row(rows.begin) + col,
                         .ldc = job.c.stride,
                         .rows = rows.count,
                         .cols = std::min(width, job.w->n() - col),
                         .start = job.start ? job.start.row(rows.begin) + col : nullptr,
                         .lds = job.start.stride},
                        scratch);
      });
}

void GemmInputGrad(Compute& compute, std::span<const InputGradJob> jobs) {
  ForTiles(
      compute, "gemm input grad", jobs,
      [](const InputGradJob& job) {
        return CeilDiv(job.dc.rows, kInputGradRows) * CeilDiv(job.da.cols, kInputGradCols);
      },
      [](const InputGradJob& job, int64_t tile, Arena& scratch) {
        const int64_t columns = CeilDiv(job.da.cols, kInputGradCols), n = job.dc.cols;
        const RowTile rows = RowTileOf(job.dc.rows, kInputGradRows, tile / columns);
        const int64_t col = tile % columns * kInputGradCols,
                      cols = std::min(kInputGradCols, job.da.cols - col);
        const int64_t stride =
            n * kPanel + kCacheLine / sizeof(float);  // panels apart in the cache
        float* panels = scratch.New<float>(CeilDiv(cols, kPanel) * stride);
        PackColumns(job, col, cols, panels, stride);
        RunPanelProduct({.a = job.dc.row(rows.begin),
                         .lda = job.dc.stride,
                         .w = panels,
                         .w_stride = stride,
                         .k = n,
                         .c = job.da.row(rows.begin) + col,
                         .ldc = job.da.stride,
                         .rows = rows.count,
                         .cols = cols,
                         .start = job.accumulate ? job.da.row(rows.begin) + col : nullptr,
                         .lds = job.da.stride},
                        scratch);
      });
}

void GemmWeightGrad(Compute& compute, std::span<const WeightGradJob> jobs) {
  ForTiles(
      compute, "gemm weight grad", jobs,
      [](const WeightGradJob& job) {
        return job.dc.rows == 0
                   ? 0
                   : CeilDiv(job.dw.rows, kWeightGradRows) * CeilDiv(job.dw.cols, kWeightGradCols);
      },
      [](const WeightGradJob& job, int64_t tile, Arena& scratch) {
        const int64_t columns = CeilDiv(job.dw.cols, kWeightGradCols);
        const RowTile outs = RowTileOf(job.dw.rows, kWeightGradRows, tile / columns);
        const RowTile ins = RowTileOf(job.dw.cols, kWeightGradCols, tile % columns);
        RunOuterProduct({.a = job.dc.data + outs.begin,
                         .lda = job.dc.stride,
                         .b = job.a.data + ins.begin,
                         .ldb = job.a.stride,
                         .k = job.dc.rows,
                         .c = job.dw.row(outs.begin) + ins.begin,
                         .ldc = job.dw.stride,
                         .rows = outs.count,
                         .cols = ins.count},
                        scratch);
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
