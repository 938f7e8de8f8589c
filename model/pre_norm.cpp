#include "model/internal/pre_norm.h"

#include "nn/norm.h"

namespace retort::model {

std::pair<nn::Mat, float*> PreNorm::Forward(const Pass& pass, nn::ConstMat x) const {
  const nn::Mat h = pass.NewScratch(x.cols);
  float* rstd = pass.NewColumn();
  nn::RmsNorm(pass.compute, {x, weight_.value.data(), eps_, h, rstd});
  return {h, rstd};
}

nn::Mat PreNorm::Again(const Pass& pass, nn::ConstMat x) const {
  const nn::Mat h = pass.New(x.cols);
  nn::RmsNorm(pass.compute, {x, weight_.value.data(), eps_, h});
  return h;
}

nn::Mat PreNorm::Backward(const Pass& pass, nn::ConstMat x, const float* rstd, nn::ConstMat dh,
                          nn::ConstMat dy) const {
  const nn::Mat dx = pass.New(dy.cols);
  nn::RmsNormGrad(pass.compute, {.x = x,
                                 .weight = weight_.value.data(),
                                 .rstd = rstd,
                                 .dy = dh,
                                 .dx = dx,
                                 .start = dy,
                                 .dweight = weight_.grad.data()});
  return dx;
}

}  // namespace retort::model
