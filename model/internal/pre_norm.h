#pragma once
// The norm in front of a block and the residual around it: y = x + block(norm(x)).

#include <string>
#include <utility>

#include "model/internal/pass.h"
#include "nn/parameters.h"

namespace retort::model {

class PreNorm {
 public:
  /// Adds the parameter `name` [hidden] to the store, which must outlive this.
  PreNorm(nn::ParameterStore& store, const std::string& name, int64_t hidden, double eps)
      : weight_(store.Add(name, {hidden})), eps_(static_cast<float>(eps)) {}

  /// norm(x) [T, d] in scratch, and 1 / rms [T], which backward wants again.
  std::pair<nn::Mat, float*> Forward(const Pass& pass, nn::ConstMat x) const;
  /// norm(x) once more, for the weight gradients.
  nn::Mat Again(const Pass& pass, nn::ConstMat x) const;
  /// dx = dy + the norm's gradient of dh: the residual carries dy along.
  nn::Mat Backward(const Pass& pass, nn::ConstMat x, const float* rstd, nn::ConstMat dh,
                   nn::ConstMat dy) const;

 private:
  nn::Parameter& weight_;
  float eps_;
};

}  // namespace retort::model
