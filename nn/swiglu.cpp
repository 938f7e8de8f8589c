#include "nn/swiglu.h"

#include "nn/row_math.h"

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

void SwiGluGrad(Compute& compute, ConstMat gate_up, ConstMat dy, Mat dgate_up) {
  RETORT_DCHECK(gate_up.rows == dy.rows && gate_up.cols == 2 * dy.cols);
  RETORT_DCHECK(dgate_up.rows == dy.rows && dgate_up.cols == 2 * dy.cols);
  compute.ForRows("swiglu grad", dy.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t t = begin; t < end; ++t) {
      SwiGluGradRow(gate_up.row(t), dy.row(t), dgate_up.row(t), dy.cols);
    }
  });
}

}  // namespace retort::nn
