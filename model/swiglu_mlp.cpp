#include "model/internal/swiglu_mlp.h"

#include <algorithm>
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

void SwiGluMlp::Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs) {
  for (Linear* linear : {&gate_, &up_, &down_}) jobs.push_back(linear->Pack(dtype));
}

namespace {
constexpr int64_t kBlock = 1024;  // rows whose activations stay in the caches between two products
}

void SwiGluMlp::Forward(const Pass& pass, ConstMat h, ConstMat x, Mat y, SwiGluTape& tape) const {
  const nn::ArenaScope scope(pass.scratch);
  const int64_t f = width();
  tape.gate_up = pass.New(2 * f);
  const Mat block_act = pass.scratch.NewMat(std::min(kBlock, h.rows), f);
  for (int64_t begin = 0; begin < h.rows; begin += kBlock) {
    const int64_t rows = std::min(kBlock, h.rows - begin);
    const Mat gate_up = tape.gate_up.Rows(begin, rows), act = block_act.Rows(0, rows);
    const ConstMat h_block = h.Rows(begin, rows);
    nn::Gemm(pass.compute, std::array{gate_.Forward(h_block, gate_up.Cols(0, f)),
                                      up_.Forward(h_block, gate_up.Cols(f, f))});
    nn::SwiGlu(pass.compute, gate_up, act);
    nn::Gemm(pass.compute, down_.Forward(act, y.Rows(begin, rows), x.Rows(begin, rows)));
  }
}

void SwiGluMlp::Backward(const Pass& pass, ConstMat h, ConstMat dy, const SwiGluTape& tape, Mat dh,
                         bool accumulate) const {
  const nn::ArenaScope scope(pass.scratch);
  const int64_t f = width();
  const Mat act = pass.New(f), dgate_up = tape.gate_up;
  const Mat block_dact = pass.scratch.NewMat(std::min(kBlock, h.rows), f);
  for (int64_t begin = 0; begin < h.rows; begin += kBlock) {
    const int64_t rows = std::min(kBlock, h.rows - begin);
    const Mat gate_up = tape.gate_up.Rows(begin, rows), dact = block_dact.Rows(0, rows);
    const Mat dh_block = dh.Rows(begin, rows);
    // y = act · Wᵀ_down; act = silu(gate) ⊙ up
    nn::GemmInputGrad(pass.compute, down_.InputGrad(dy.Rows(begin, rows), dact));
    nn::SwiGluGrad(pass.compute, {gate_up, dact, gate_up, act.Rows(begin, rows)});
    // gate, up = h · Wᵀ
    nn::GemmInputGrad(pass.compute, gate_.InputGrad(gate_up.Cols(0, f), dh_block, accumulate));
    nn::GemmInputGrad(pass.compute,
                      up_.InputGrad(gate_up.Cols(f, f), dh_block, /*accumulate=*/true));
  }
  std::vector<nn::WeightGradJob>& weight_grads = pass.tape->weight_grads;
  weight_grads.push_back(down_.WeightGrad(dy, act));
  weight_grads.push_back(gate_.WeightGrad(dgate_up.Cols(0, f), h));
  weight_grads.push_back(up_.WeightGrad(dgate_up.Cols(f, f), h));
}

}  // namespace retort::model
