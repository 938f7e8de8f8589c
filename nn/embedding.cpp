#include "nn/embedding.h"

#include <algorithm>

#include "nn/internal/row_math.h"

namespace retort::nn {
namespace {
constexpr int64_t kTile = 32;     // rows
constexpr int64_t kColumns = 64;  // of a block of the gradient
}  // namespace

void Embed(Compute& compute, const StoredMat& table, const int32_t* ids, Mat y) {
  RETORT_DCHECK(table.cols == y.cols);
  compute.ForRows("embed", y.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t t = begin; t < end; ++t) table.ReadRow(ids[t], y.row(t));
  });
}

void Embed(Compute& compute, const PackedMatrix& table, const int32_t* ids, Mat y) {
  RETORT_DCHECK(table.dtype() == Dtype::kFloat32 && table.k() == y.cols);
  compute.ForRows("embed", y.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t t = begin; t < end; ++t) {
      const float* lane = table.panel(ids[t] / kPanel) + ids[t] % kPanel;
      for (int64_t k = 0; k < y.cols; ++k) y(t, k) = lane[k * kPanel];
    }
  });
}

// Cut by columns, so that every element of the table gets its tokens in order.
void EmbedGrad(Compute& compute, const int32_t* ids, ConstMat dy, Mat dtable) {
  RETORT_DCHECK(dtable.cols == dy.cols);
  compute.ParallelFor("embed grad", (dy.cols + kColumns - 1) / kColumns, [&](int64_t block, int) {
    const int64_t begin = block * kColumns, width = std::min(kColumns, dy.cols - begin);
    for (int64_t t = 0; t < dy.rows; ++t) {
      Add(dy.row(t) + begin, dtable.row(ids[t]) + begin, width);
    }
  });
}

}  // namespace retort::nn
