#include "nn/gemm.h"

#include <algorithm>
#include <bit>

#include "nn/internal/gemm_kernel.h"
#include "nn/internal/quantize.h"

namespace retort::nn {
namespace {

// Tiles decide the balance between threads and what stays in the caches, never a bit.
constexpr int64_t kRowTile = 48;
// Of gradients: what is packed for a tile should be used by many rows.
constexpr int64_t kInputGradRows = 256, kInputGradCols = 4 * kPanel;
constexpr int64_t kWeightGradRows = 384, kWeightGradCols = 128;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The i-th of `tiles` equal parts of n.
struct Part {
  int64_t begin, count;
};
Part PartOf(int64_t n, int64_t tiles, int64_t i) {
  const int64_t begin = n * i / tiles;
  return {begin, n * (i + 1) / tiles - begin};
}

int64_t ColumnTiles(const GemmJob& job) {
  const int64_t rows = job.a.rows, panels = CeilDiv(job.w->n(), kPanel);
  int64_t most = 8;
  if (rows <= kRowTile) {
    most = 3;
  } else if (rows <= 4 * kRowTile) {
    most = 4;
  } else if (job.w->dtype() == Dtype::kBFloat16) {
    most = 16;  // rounding rows to bfloat16 should serve many columns
  }
  const int64_t tiles = CeilDiv(panels, most);
  return std::min(panels, tiles + tiles % 2);  // an odd one would leave a thread waiting
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

// Columns [first, first + width) of W, a row after the other: a panel of W's columns.
void PackAcross(ConstMat w, Dtype dtype, int64_t first, int64_t width, float* panel) {
  if (dtype == Dtype::kFloat32) {
    for (int64_t k = 0; k < w.rows; ++k) {
      std::copy_n(w.row(k) + first, width, panel + k * kPanel);
    }
    return;
  }
  for (int64_t k = 0; k < w.rows; k += 2) {
    bf16::PairRows(w.row(k) + first, k + 1 < w.rows ? w.row(k + 1) + first : nullptr, width,
                   panel + k / 2 * kPanel);
  }
}

// Rows [first, first + width) of W, each in a lane: a panel of W's rows.
void PackAlong(ConstMat w, Dtype dtype, int64_t first, int64_t width, float* panel) {
  constexpr int64_t kPiece = 64;  // pairs
  for (int64_t j = 0; j < width; ++j) {
    const float* row = w.row(first + j);
    if (dtype == Dtype::kFloat32) {
      for (int64_t k = 0; k < w.cols; ++k) panel[k * kPanel + j] = row[k];
      continue;
    }
    for (int64_t begin = 0; begin < bf16::Pairs(w.cols); begin += kPiece) {
      float pairs[kPiece];
      const int64_t numbers = std::min(2 * kPiece, w.cols - 2 * begin);
      bf16::PairRow(row + 2 * begin, numbers, pairs);
      float* to = panel + begin * kPanel + j;
      for (int64_t i = 0; i < bf16::Pairs(numbers); ++i) to[i * kPanel] = pairs[i];
    }
  }
}

struct Columns {
  int64_t begin, count;
};

// Outputs of a product with W: its rows (`along`), or its columns.
void PackPanel(ConstMat w, Dtype dtype, bool along, Columns outputs, float* panel) {
  if (outputs.count < kPanel) {
    std::fill_n(panel, PanelSize(dtype, along ? w.cols : w.rows), 0.0f);
  }
  (along ? PackAlong : PackAcross)(w, dtype, outputs.begin, outputs.count, panel);
}

// Expands as much of a panel at a time as stays in the nearest cache.
void RunQuantized(Dtype dtype, const PanelProduct& whole, Arena& scratch) {
  constexpr int64_t kDepth = 128;
  if (whole.rows <= kFewRows) return RunFewRows(dtype, whole);
  const ArenaScope scope(scratch);
  float* const expanded = scratch.New<float>(std::min(kDepth, whole.k) * kPanel);
  for (int64_t col = 0; col < whole.cols; col += kPanel) {
    PanelProduct p = whole;
    p.w = expanded;
    p.cols = std::min(kPanel, whole.cols - col);
    p.c = whole.c + col;
    p.start = whole.start ? whole.start + col : nullptr;
    for (int64_t k = 0; k == 0 || k < whole.k; k += kDepth) {
      p.k = std::min(kDepth, whole.k - k);
      p.a = whole.a + k;
      ExpandPanel(dtype, whole.w + col / kPanel * whole.w_stride, k, p.k, expanded);
      RunPanelProduct(p, scratch);
      p.start = p.c;
      p.lds = p.ldc;
    }
  }
}

// The numbers of `w` in scratch.
ConstMat Read(const StoredMat& w, Arena& scratch) {
  const Mat numbers = scratch.NewMat(w.rows, w.cols);
  for (int64_t r = 0; r < w.rows; ++r) w.ReadRow(r, numbers.row(r));
  return numbers;
}

// The same where they lie, if they are floats.
ConstMat Numbers(const StoredMat& w, Arena& scratch) {
  const auto place = reinterpret_cast<uintptr_t>(w.data);
  if (w.type != StoredMat::Type::kFloat32 || place % alignof(float) != 0) return Read(w, scratch);
  return {reinterpret_cast<const float*>(w.data), w.rows, w.cols, w.stride};
}

void Run(Dtype dtype, const PanelProduct& product, Arena& scratch) {
  if (IsQuantized(dtype)) return RunQuantized(dtype, product, scratch);
  dtype == Dtype::kFloat32 ? RunPanelProduct(product, scratch)
                           : bf16::RunPanelProduct(product, scratch);
}

}  // namespace

int64_t PanelSize(Dtype dtype, int64_t k) {
  if (IsQuantized(dtype)) return QuantizedPanelSize(dtype, k);
  return (dtype == Dtype::kFloat32 ? k : bf16::Pairs(k)) * kPanel;
}

int64_t PackedSize(Dtype dtype, int64_t n, int64_t k) {
  return CeilDiv(n, kPanel) * PanelSize(dtype, k);
}

void Pack(Compute& compute, std::span<const PackJob> jobs, float* storage,
          const std::function<void(const StoredMat&)>& on_read) {
  constexpr int64_t kPanels = 32;  // of a tile; a multiple of what shares a scale
  for (const PackJob& job : jobs) {
    job.packed->n_ = job.n();
    job.packed->k_ = job.k();
    job.packed->dtype_ = job.dtype;
    job.packed->data_ = storage;
    storage += job.size();
  }
  ForTiles(
      compute, "pack", jobs,
      [](const PackJob& job) { return CeilDiv(job.packed->n(), kPanels * kPanel); },
      [&](const PackJob& job, int64_t tile, Arena& scratch) {
        const int64_t begin = tile * kPanels * kPanel;
        const int64_t end = std::min(begin + kPanels * kPanel, job.packed->n());
        float* panels = job.packed->data_ + begin / kPanel * job.packed->stride();
        const StoredMat part =
            job.transpose ? job.w.Cols(begin, end - begin) : job.w.Rows(begin, end - begin);
        const ConstMat w = Numbers(part, scratch);
        if (IsQuantized(job.dtype)) {
          Quantize(w, job.dtype, job.transpose, panels);
        } else {
          for (int64_t first = 0; first < end - begin; first += kPanel) {
            PackPanel(w, job.dtype, !job.transpose, {first, std::min(kPanel, end - begin - first)},
                      panels + first / kPanel * job.packed->stride());
          }
        }
        if (on_read && !job.transpose) on_read(part);
      });
}

void Unpack(const PackedMatrix& w, int64_t first, Mat out) {
  RETORT_DCHECK(out.rows == w.n() && first + out.cols <= w.k());
  std::vector<float> expanded;
  if (IsQuantized(w.dtype())) expanded.resize(static_cast<size_t>(out.cols * kPanel));
  for (int64_t begin = 0; begin < w.n(); begin += kPanel) {
    const float* panel = w.panel(begin / kPanel);
    const int64_t lanes = std::min(kPanel, w.n() - begin);
    if (IsQuantized(w.dtype())) {
      ExpandPanel(w.dtype(), panel, first, out.cols, expanded.data());
      panel = expanded.data();
    } else if (w.dtype() == Dtype::kFloat32) {
      panel += first * kPanel;
    }
    for (int64_t lane = 0; lane < lanes; ++lane) {
      float* row = out.row(begin + lane);
      for (int64_t c = 0; c < out.cols; ++c) {
        if (w.dtype() != Dtype::kBFloat16) {
          row[c] = panel[c * kPanel + lane];
        } else {  // the lower half of a pair is the even one
          const auto pair = std::bit_cast<uint32_t>(panel[(first + c) / 2 * kPanel + lane]);
          row[c] = ToFloat(static_cast<BFloat16>((first + c) % 2 == 0 ? pair : pair >> 16));
        }
      }
    }
  }
}

void GemmSerial(const GemmJob& job, Arena& scratch) {
  RETORT_DCHECK(job.a.cols == job.w->k() && job.c.cols == job.w->n() && job.a.rows == job.c.rows);
  Run(job.w->dtype(),
      {.a = job.a.data,
       .lda = job.a.stride,
       .w = job.w->panel(0),
       .w_stride = job.w->stride(),
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
        return CeilDiv(job.a.rows, kRowTile) * ColumnTiles(job);
      },
      [](const GemmJob& job, int64_t tile, Arena& scratch) {
        const int64_t columns = ColumnTiles(job);
        const Part rows = PartOf(job.a.rows, CeilDiv(job.a.rows, kRowTile), tile / columns);
        const Part panels = PartOf(CeilDiv(job.w->n(), kPanel), columns, tile % columns);
        const int64_t col = panels.begin * kPanel;
        Run(job.w->dtype(),
            {.a = job.a.row(rows.begin),
             .lda = job.a.stride,
             .w = job.w->panel(panels.begin),
             .w_stride = job.w->stride(),
             .k = job.w->k(),
             .c = job.c.row(rows.begin) + col,
             .ldc = job.c.stride,
             .rows = rows.count,
             .cols = std::min(panels.count * kPanel, job.w->n() - col),
             .start = job.start ? job.start.row(rows.begin) + col : nullptr,
             .lds = job.start.stride},
            scratch);
      });
}

void GemmInputGrad(Compute& compute, std::span<const InputGradJob> jobs) {
  ForTiles(
      compute, "gemm input grad", jobs,
      [](const InputGradJob& job) {
        RETORT_CHECK(!IsQuantized(job.dtype), "gradients: quantized weights only sample");
        return CeilDiv(job.dc.rows, kInputGradRows) * CeilDiv(job.da.cols, kInputGradCols);
      },
      [](const InputGradJob& job, int64_t tile, Arena& scratch) {
        const int64_t columns = CeilDiv(job.da.cols, kInputGradCols), n = job.dc.cols;
        const Part rows = PartOf(job.dc.rows, CeilDiv(job.dc.rows, kInputGradRows), tile / columns);
        const int64_t col = tile % columns * kInputGradCols,
                      cols = std::min(kInputGradCols, job.da.cols - col);
        const int64_t stride = PanelSize(job.dtype, n) + kCacheLine / sizeof(float);
        float* panels = scratch.New<float>(CeilDiv(cols, kPanel) * stride);  // apart in the cache
        ConstMat w = job.w;
        if (!w) {
          const Mat unpacked = scratch.NewMat(n, cols);
          Unpack(*job.packed, col, unpacked);
          w = unpacked;
        }
        const int64_t from = job.w ? col : 0;
        for (int64_t c = 0; c < cols; c += kPanel) {
          PackPanel(w, job.dtype, job.w && job.transpose_w, {from + c, std::min(kPanel, cols - c)},
                    panels + c / kPanel * stride);
        }
        Run(job.dtype,
            {.a = job.dc.row(rows.begin),
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
        RETORT_CHECK(!IsQuantized(job.dtype), "gradients: quantized weights only sample");
        return job.dc.rows == 0
                   ? 0
                   : CeilDiv(job.dw.rows, kWeightGradRows) * CeilDiv(job.dw.cols, kWeightGradCols);
      },
      [](const WeightGradJob& job, int64_t tile, Arena& scratch) {
        const int64_t columns = CeilDiv(job.dw.cols, kWeightGradCols);
        const Part outs =
            PartOf(job.dw.rows, CeilDiv(job.dw.rows, kWeightGradRows), tile / columns);
        const Part ins = PartOf(job.dw.cols, columns, tile % columns);
        const auto run = job.dtype == Dtype::kFloat32 ? RunOuterProduct : bf16::RunOuterProduct;
        run({.a = job.dc.data + outs.begin,
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
