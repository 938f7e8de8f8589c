#pragma once
// A linear weight as a handle: where its numbers live, its packed form, its bias. Layers ask it for
// jobs and run many jobs in one parallel region.

#include <string>
#include <vector>

#include "nn/gemm.h"
#include "nn/parameters.h"

namespace retort::model {

/// y = x · Wᵀ (+ b), W [out, in]. Parameters belong to the store, which must outlive the handle.
class Linear {
 public:
  /// Adds "`name`.weight" (and "`name`.bias") to the store.
  Linear(nn::ParameterStore& store, const std::string& name, int64_t out, int64_t in,
         bool bias = false);

  nn::PackJob Pack(nn::Dtype dtype) { return {&packed_, weight_->mat(), dtype}; }
  const nn::PackedMatrix& packed() const { return packed_; }
  nn::Parameter& weight() const { return *weight_; }

  /// The bias is not part of the jobs: see AddBias and BiasGrad.
  nn::GemmJob Forward(nn::ConstMat x, nn::Mat y, nn::ConstMat start = {}) const {
    return {x, &packed_, y, start};
  }
  nn::InputGradJob InputGrad(nn::ConstMat dy, nn::Mat dx, bool accumulate = false) const {
    return {dy, weight_->mat(), dx, accumulate};
  }
  nn::WeightGradJob WeightGrad(nn::ConstMat dy, nn::ConstMat x) const {
    return {dy, x, weight_->grad_mat()};
  }
  void AddBias(nn::Compute& compute, nn::Mat y) const;
  /// db += Σ_t dy[t], tokens in order.
  void BiasGrad(nn::Compute& compute, nn::ConstMat dy) const;

  int64_t out() const { return weight_->rows(); }
  int64_t in() const { return weight_->cols(); }

 private:
  nn::Parameter* weight_;
  nn::Parameter* bias_ = nullptr;
  nn::PackedMatrix packed_;
};

}  // namespace retort::model
