#include "model/internal/swiglu_mlp.h"

#include <algorithm>
#include <array>

#include "nn/swiglu.h"

namespace retort::model {

using nn::Mat;

SwiGluMlp::SwiGluMlp(Builder& builder, const std::string& prefix, int64_t hidden, int64_t width)
    : gate_(builder, prefix + ".gate_proj", {width, hidden}),
      up_(builder, prefix + ".up_proj", {width, hidden}),
      down_(builder, prefix + ".down_proj", {hidden, width}) {}

namespace {
constexpr int64_t kBlock = 1024;  // rows whose activations stay in the caches between two products
}

void SwiGluMlp::Forward(const Pass& pass, const Data& data, Tape& tape) const {
  const nn::ArenaScope scope(pass.scratch);
  const auto& [h, x, y] = data;
  const int64_t f = width();
  tape.gate_up = pass.New(2 * f);
  const Mat block_act = pass.scratch.NewMat(std::min(kBlock, h.rows), f);
  for (int64_t begin = 0; begin < h.rows; begin += kBlock) {
    const int64_t rows = std::min(kBlock, h.rows - begin);
    const Mat gate_up = tape.gate_up.Rows(begin, rows), act = block_act.Rows(0, rows);
    const nn::ConstMat h_block = h.Rows(begin, rows);
    model::Forward(pass, std::array<LinearForward, 2>{{{gate_, h_block, gate_up.Cols(0, f)},
                                                       {up_, h_block, gate_up.Cols(f, f)}}});
    nn::SwiGlu(pass.compute, gate_up, act);
    model::Forward(pass, {down_, act, y.Rows(begin, rows), x.Rows(begin, rows)});
  }
}

void SwiGluMlp::Backward(const Pass& pass, const Gradient& data, const Tape& tape) const {
  const nn::ArenaScope scope(pass.scratch);
  const auto& [h, dy, dh, accumulate] = data;
  const int64_t f = width();
  const Mat act = pass.New(f), dgate_up = tape.gate_up;
  const Mat block_dact = pass.scratch.NewMat(std::min(kBlock, h.rows), f);
  for (int64_t begin = 0; begin < h.rows; begin += kBlock) {
    const int64_t rows = std::min(kBlock, h.rows - begin);
    const Mat gate_up = tape.gate_up.Rows(begin, rows), dact = block_dact.Rows(0, rows);
    const Mat dh_block = dh.Rows(begin, rows);
    // y = act · Wᵀ_down; act = silu(gate) ⊙ up
    InputGrad(pass, {down_, dy.Rows(begin, rows), dact});
    nn::SwiGluGrad(pass.compute, {gate_up, dact, gate_up, act.Rows(begin, rows)});
    // gate, up = h · Wᵀ
    InputGrad(pass, {gate_, gate_up.Cols(0, f), dh_block, accumulate});
    InputGrad(pass, {up_, gate_up.Cols(f, f), dh_block, /*accumulate=*/true});
  }
  WeightGrad(pass, {down_, dy, act});
  WeightGrad(pass, {gate_, dgate_up.Cols(0, f), h});
  WeightGrad(pass, {up_, dgate_up.Cols(f, f), h});
}

}  // namespace retort::model
