#include "model/internal/pre_norm.h"

#include "nn/norm.h"

namespace retort::model {

std::pair<nn::Mat, float*> PreNorm::Forward(const Pass& pass, nn::ConstMat x) const {
  const nn::Mat h = pass.NewScratch(x.cols);
  float* rstd = pass.NewColumn();
  nn::RmsNorm(pass.compute, {x, pass.weights.vector(weight_), eps_, h, rstd});
  return {h, rstd};
}

nn::Mat PreNorm::Again(const Pass& pass, nn::ConstMat x) const {
  const nn::Mat h = pass.New(x.cols);
  nn::RmsNorm(pass.compute, {x, pass.weights.vector(weight_), eps_, h});
  return h;
}

nn::Mat PreNorm::Backward(const Pass& pass, nn::ConstMat x, const float* rstd, nn::ConstMat dh,
                          nn::ConstMat dy) const {
  const nn::Mat dx = pass.New(dy.cols);
  nn::RmsNormGrad(pass.compute, {.x = x,
                                 .weight = pass.weights.vector(weight_),
                                 .rstd = rstd,
                                 .dy = dh,
                                 .dx = dx,
                                 .start = dy,
                                 .dweight = pass.Gradient(weight_)});
  return dx;
}

}  // namespace retort::model
