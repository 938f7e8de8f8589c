#include "nn/norm.h"

#include <cmath>

#include "nn/internal/row_math.h"

namespace retort::nn {
namespace {
constexpr int64_t kTile = 32;  // rows
}

void RmsNorm(Compute& compute, const RmsNormArgs& args) {
  const int64_t n = args.x.cols;
  RETORT_DCHECK(args.y.rows == args.x.rows && args.y.cols == n);
  compute.ForRows("norm", args.x.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t t = begin; t < end; ++t) {
      const float* x = args.x.row(t);
      const float rstd = 1.0f / std::sqrt(Dot(x, x, n) / static_cast<float>(n) + args.eps);
      if (args.rstd) args.rstd[t] = rstd;
      MultiplyScaled(x, args.weight, rstd, args.y.row(t), n);
    }
  });
}

// y = w x r with r = rstd(x) and ∂r/∂x = -r³ x / n, so
// dx = r (w dy) - x r³ (w dy · x) / n and dw = Σ_t dy x r.
void RmsNormGrad(Compute& compute, const RmsNormGradArgs& args) {
  const int64_t n = args.x.cols;
  RETORT_DCHECK(args.dy.rows == args.x.rows && args.dx.rows == args.x.rows);
  Arena& shared = compute.scratch[0];
  const ArenaScope scope(shared);
  const int64_t tiles = (args.x.rows + kTile - 1) / kTile;
  Mat partial;  // [tiles, n]: dw of each tile, added up in order
  if (args.dweight) partial = shared.NewZeroMat(tiles, n);

  compute.ForRows("norm grad", args.x.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t t = begin; t < end; ++t) {
      RmsNormGradRow({.x = args.x.row(t),
                      .weight = args.weight,
                      .rstd = args.rstd[t],
                      .dy = args.dy.row(t),
                      .start = args.start ? args.start.row(t) : nullptr,
                      .dx = args.dx.row(t),
                      .dweight = args.dweight ? partial.row(begin / kTile) : nullptr},
                     n);
    }
  });
  if (!args.dweight) return;
  for (int64_t i = 0; i < tiles; ++i) Add(partial.row(i), args.dweight, n);
}

}  // namespace retort::nn
