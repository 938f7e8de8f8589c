#include "nn/moe.h"

#include <algorithm>

#include "nn/internal/row_math.h"

namespace retort::nn {
namespace {
constexpr int64_t kTile = 32;
}

Dispatch MakeDispatch(const int32_t* experts, int64_t tokens, int64_t num_experts, int64_t top_k) {
  Dispatch dispatch;
  const int64_t slots = tokens * top_k;
  dispatch.begin.assign(static_cast<size_t>(num_experts + 1), 0);
  dispatch.token.resize(static_cast<size_t>(slots));
  dispatch.slot.resize(static_cast<size_t>(slots));
  // A counting sort: begin[e] first runs from the start of expert e to its end, then steps back.
  int64_t* begin = dispatch.begin.data();
  for (int64_t i = 0; i < slots; ++i) ++begin[experts[i] + 1];
  for (int64_t e = 0; e < num_experts; ++e) begin[e + 1] += begin[e];
  for (int64_t i = 0; i < slots; ++i) {
    const int64_t slot = begin[experts[i]]++;
    dispatch.token[static_cast<size_t>(slot)] = static_cast<int32_t>(i / top_k);
    dispatch.slot[static_cast<size_t>(i)] = static_cast<int32_t>(slot);
  }
  std::copy_backward(begin, begin + num_experts, begin + num_experts + 1);
  begin[0] = 0;
  return dispatch;
}

void GatherTokens(Compute& compute, const Dispatch& dispatch, ConstMat x, Mat xs) {
  compute.ForRows("gather tokens", xs.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t i = begin; i < end; ++i) {
      std::copy_n(x.row(dispatch.token[static_cast<size_t>(i)]), x.cols, xs.row(i));
    }
  });
}

void GatherTokensGrad(Compute& compute, const Dispatch& dispatch, ConstMat dxs, Mat dx) {
  if (dx.rows == 0) return;
  const int64_t top_k = static_cast<int64_t>(dispatch.slot.size()) / dx.rows;
  compute.ForRows("gather tokens grad", dx.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t i = begin * top_k; i < end * top_k; ++i) {
      Add(dxs.row(dispatch.slot[static_cast<size_t>(i)]), dx.row(i / top_k), dx.cols);
    }
  });
}

void Combine(Compute& compute, const CombineArgs& args) {
  const int64_t top_k = args.top_k;
  compute.ForRows("combine", args.y.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t i = begin * top_k; i < end * top_k; ++i) {
      const float* ys = args.ys.row(args.dispatch->slot[static_cast<size_t>(i)]);
      Axpy(args.weights[i], ys, args.y.row(i / top_k), args.y.cols);
    }
  });
}

void CombineGrad(Compute& compute, const CombineGradArgs& args) {
  const CombineArgs& forward = args.forward;
  const int64_t top_k = forward.top_k;
  compute.ForRows("combine grad", args.dy.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t i = begin * top_k; i < end * top_k; ++i) {
      const int64_t slot = forward.dispatch->slot[static_cast<size_t>(i)];
      const float* dy = args.dy.row(i / top_k);
      float* dys = args.dys.row(slot);
      const float weight = forward.weights[i];
      // Read ys first: dys may lie in the same place.
      args.dweights[i] = Dot(dy, forward.ys.row(slot), args.dy.cols);
      for (int64_t c = 0; c < args.dy.cols; ++c) dys[c] = weight * dy[c];
    }
  });
}

}  // namespace retort::nn
