#include "model/internal/linear.h"

namespace retort::model {
namespace {
constexpr int64_t kRowTile = 64;
constexpr int64_t kColumnTile = 64;
}  // namespace

Linear::Linear(nn::ParameterStore& store, const std::string& name, int64_t out, int64_t in,
               bool bias)
    : weight_(&store.Add(name + ".weight", {out, in})),
      bias_(bias ? &store.Add(name + ".bias", {out}) : nullptr) {}

void Linear::AddBias(nn::Compute& compute, nn::Mat y) const {
  if (!bias_) return;
  compute.ForRows("bias", y.rows, kRowTile, [&](int64_t begin, int64_t end, nn::Arena&) {
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t j = 0; j < y.cols; ++j) y(t, j) += bias_->value[static_cast<size_t>(j)];
    }
  });
}

void Linear::BiasGrad(nn::Compute& compute, nn::ConstMat dy) const {
  if (!bias_) return;
  compute.ForRows("bias grad", dy.cols, kColumnTile, [&](int64_t begin, int64_t end, nn::Arena&) {
    for (int64_t t = 0; t < dy.rows; ++t) {
      for (int64_t j = begin; j < end; ++j) bias_->grad[static_cast<size_t>(j)] += dy(t, j);
    }
  });
}

}  // namespace retort::model
