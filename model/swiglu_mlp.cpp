#include "model/swiglu_mlp.h"

#include <array>

#include "nn/swiglu.h"

namespace retort::model {

using nn::ConstMat;
using nn::Mat;

SwiGluMlp::SwiGluMlp(nn::ParameterStore& store, const std::string& prefix, int64_t hidden,
                     int64_t width)
    : gate_(store, prefix + ".gate_proj", width, hidden),
      up_(store, prefix + ".up_proj", width, hidden),
      down_(store, prefix + ".down_proj", hidden, width) {}

void SwiGluMlp::Pack() {
  for (Linear* linear : {&gate_, &up_, &down_}) linear->Pack();
}

void SwiGluMlp::Forward(const Pass& pass, ConstMat h, ConstMat x, Mat y, SwiGluTape& tape) const {
  const int64_t f = width();
  tape.gate_up = pass.New(2 * f);
  tape.act = pass.New(f);
  nn::Gemm(pass.compute, std::array{gate_.Forward(h, tape.gate_up.Cols(0, f)),
                                    up_.Forward(h, tape.gate_up.Cols(f, f))});
  nn::SwiGlu(pass.compute, tape.gate_up, tape.act);
  nn::Gemm(pass.compute, down_.Forward(tape.act, y, x));
}

void SwiGluMlp::Backward(const Pass& pass, ConstMat h, ConstMat dy, const SwiGluTape& tape, Mat dh,
                         bool accumulate) const {
  const int64_t f = width();
  std::vector<nn::WeightGradJob>& weight_grads = pass.tape->weight_grads;
  // y = act · Wᵀ_down
  const Mat dact = pass.New(f);
  nn::GemmInputGrad(pass.compute, down_.InputGrad(dy, dact));
  weight_grads.push_back(down_.WeightGrad(dy, tape.act));
  // act = silu(gate) ⊙ up
  const Mat dgate_up = pass.New(2 * f);
  nn::SwiGluGrad(pass.compute, tape.gate_up, dact, dgate_up);
  // gate, up = h · Wᵀ
  const Mat dgate = dgate_up.Cols(0, f), dup = dgate_up.Cols(f, f);
  nn::GemmInputGrad(pass.compute, gate_.InputGrad(dgate, dh, accumulate));
  nn::GemmInputGrad(pass.compute, up_.InputGrad(dup, dh, /*accumulate=*/true));
  weight_grads.push_back(gate_.WeightGrad(dgate, h));
  weight_grads.push_back(up_.WeightGrad(dup, h));
}

}  // namespace retort::model
