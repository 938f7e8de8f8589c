#include "nn/swiglu.h"

#include "nn/internal/row_math.h"

namespace retort::nn {
namespace {
constexpr int64_t kTile = 16;  // rows
}

void SwiGlu(Compute& compute, ConstMat gate_up, Mat y) {
  RETORT_DCHECK(gate_up.rows == y.rows && gate_up.cols == 2 * y.cols);
  compute.ForRows("swiglu", y.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t t = begin; t < end; ++t) SwiGluRow(gate_up.row(t), y.row(t), y.cols);
  });
}

void SwiGluGrad(Compute& compute, const SwiGluGradArgs& args) {
  const int64_t rows = args.dy.rows, f = args.dy.cols;
  RETORT_DCHECK(args.gate_up.rows == rows && args.gate_up.cols == 2 * f);
  RETORT_DCHECK(args.dgate_up.rows == rows && args.dgate_up.cols == 2 * f);
  RETORT_DCHECK(args.y.rows == rows && args.y.cols == f);
  compute.ForRows("swiglu grad", rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t t = begin; t < end; ++t) {
      SwiGluRow(args.gate_up.row(t), args.y.row(t), f);
      SwiGluGradRow(args.gate_up.row(t), args.dy.row(t), args.dgate_up.row(t), f);
    }
  });
}

}  // namespace retort::nn
