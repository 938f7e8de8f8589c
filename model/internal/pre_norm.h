#pragma once
// The norm in front of a block and the residual around it: y = x + block(norm(x)).

#include <string>
#include <utility>

#include "model/config.h"
#include "model/internal/builder.h"
#include "model/internal/pass.h"

namespace retort::model {

class PreNorm {
 public:
  PreNorm(Builder& builder, const std::string& name, const CommonConfig& common)
      : weight_(builder.Vector(name, common.hidden_size)),
        eps_(static_cast<float>(common.rms_norm_eps)) {}

  /// norm(x) [T, d] in scratch, and 1 / rms [T], which backward wants again.
  std::pair<nn::Mat, float*> Forward(const Pass& pass, nn::ConstMat x) const;
  /// norm(x) once more, for the weight gradients.
  nn::Mat Again(const Pass& pass, nn::ConstMat x) const;
  /// dx = dy + the norm's gradient of dh: the residual carries dy along.
  nn::Mat Backward(const Pass& pass, nn::ConstMat x, const float* rstd, nn::ConstMat dh,
                   nn::ConstMat dy) const;

 private:
  nn::ParameterId weight_;
  float eps_;
};

}  // namespace retort::model
