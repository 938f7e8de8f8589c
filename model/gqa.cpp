#include "model/internal/gqa.h"

#include <array>
#include <cmath>
#include <tuple>

#include "nn/norm.h"

namespace retort::model {

using nn::ConstMat;
using nn::Mat;

namespace {

// [T, heads·head_dim] without gaps, seen as [T·heads, head_dim].
Mat PerHead(Mat x, int64_t head_dim) { return {x.data, x.rows * x.cols / head_dim, head_dim}; }

}  // namespace

Gqa::Gqa(nn::ParameterStore& store, const std::string& prefix, const LlamaConfig& c)
    : heads_(c.num_attention_heads),
      kv_heads_(c.num_key_value_heads),
      head_dim_(c.HeadDim()),
      eps_(static_cast<float>(c.rms_norm_eps)),
      norm_(store, prefix + ".input_layernorm.weight", c.hidden_size, c.rms_norm_eps),
      q_(store, prefix + ".self_attn.q_proj", heads_ * head_dim_, c.hidden_size, c.QkvBias()),
      k_(store, prefix + ".self_attn.k_proj", kv_heads_ * head_dim_, c.hidden_size, c.QkvBias()),
      v_(store, prefix + ".self_attn.v_proj", kv_heads_ * head_dim_, c.hidden_size, c.QkvBias()),
      o_(store, prefix + ".self_attn.o_proj", c.hidden_size, heads_ * head_dim_, c.OutputBias()) {
  if (c.QkNorm()) {
    q_norm_ = &store.Add(prefix + ".self_attn.q_norm.weight", {head_dim_});
    k_norm_ = &store.Add(prefix + ".self_attn.k_norm.weight", {head_dim_});
  }
}

void Gqa::Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs) {
  for (Linear* linear : {&q_, &k_, &v_, &o_}) jobs.push_back(linear->Pack(dtype));
}

nn::AttentionShape Gqa::Shape() const {
  return {.heads = heads_,
          .kv_heads = kv_heads_,
          .key_dim = head_dim_,
          .value_dim = head_dim_,
          .value_begin = kv_heads_ * head_dim_,
          .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim_)))};
}

void Gqa::RotateHeads(const Pass& pass, const nn::RopeTable& rope, Mat x, bool queries,
                      bool inverse) const {
  nn::Rope(pass.compute, {.table = &rope,
                          .positions = pass.batch.positions().data(),
                          .x = x,
                          .heads = queries ? heads_ : kv_heads_,
                          .head_stride = head_dim_,
                          .layout = nn::RopeLayout::kHalfSplit,
                          .inverse = inverse});
}

Mat Gqa::Forward(const Pass& pass, nn::RopeTable& rope, Mat x, AttentionTape& tape) const {
  const int64_t T = pass.tokens(), key_width = kv_heads_ * head_dim_;
  nn::Compute& compute = pass.compute;
  const nn::ArenaScope scope(pass.scratch);
  tape.x = x;
  Mat h;
  std::tie(h, tape.rstd) = norm_.Forward(pass, x);

  tape.q = pass.New(heads_ * head_dim_);
  tape.kv = pass.New(2 * key_width);
  const Mat keys = tape.kv.Cols(0, key_width), values = tape.kv.Cols(key_width, key_width);
  tape.q_raw = q_norm_ ? pass.New(heads_ * head_dim_) : tape.q;
  tape.kv_raw = k_norm_ ? pass.New(key_width) : keys;
  nn::Gemm(compute, std::array{q_.Forward(h, tape.q_raw), k_.Forward(h, tape.kv_raw),
                               v_.Forward(h, values)});
  q_.AddBias(compute, tape.q_raw);
  k_.AddBias(compute, tape.kv_raw);
  v_.AddBias(compute, values);
  if (q_norm_) {
    tape.q_rstd = pass.arena.New<float>(T * heads_);
    tape.kv_rstd = pass.arena.New<float>(T * kv_heads_);
    nn::RmsNorm(compute, {PerHead(tape.q_raw, head_dim_), q_norm_->value.data(), eps_,
                          PerHead(tape.q, head_dim_), tape.q_rstd});
    for (int64_t g = 0; g < kv_heads_; ++g) {
      nn::RmsNorm(compute, {tape.kv_raw.Cols(g * head_dim_, head_dim_), k_norm_->value.data(), eps_,
                            keys.Cols(g * head_dim_, head_dim_), tape.kv_rstd + g * T});
    }
  }
  RotateHeads(pass, rope, tape.q, /*queries=*/true, /*inverse=*/false);
  RotateHeads(pass, rope, keys, /*queries=*/false, /*inverse=*/false);

  tape.z = pass.New(heads_ * head_dim_);
  tape.lse = pass.arena.New<float>(T * heads_);
  nn::AttentionArgs attention{
      .shape = Shape(), .spans = pass.batch.spans(), .q = tape.q, .out = tape.z, .lse = tape.lse};
  pass.SetKeyValues(tape.kv, attention);
  nn::Attention(compute, attention);
  const Mat y = pass.New(x.cols);
  nn::Gemm(compute, o_.Forward(tape.z, y, x));
  o_.AddBias(compute, y);
  return y;
}

Mat Gqa::Backward(const Pass& pass, const nn::RopeTable& rope, ConstMat dy,
                  const AttentionTape& tape) const {
  const int64_t T = pass.tokens(), key_width = kv_heads_ * head_dim_;
  nn::Compute& compute = pass.compute;
  std::vector<nn::WeightGradJob>& weight_grads = pass.tape->weight_grads;

  // y = x + z · Wᵀ_o + b_o
  const Mat dz = pass.New(heads_ * head_dim_);
  nn::GemmInputGrad(compute, o_.InputGrad(dy, dz));
  weight_grads.push_back(o_.WeightGrad(dy, tape.z));
  o_.BiasGrad(compute, dy);

  // z = attention(q, [k | v])
  const Mat dq = pass.New(heads_ * head_dim_);
  const Mat dkv = pass.arena.NewZeroMat(T, 2 * key_width);
  nn::AttentionGrad(compute, {.shape = Shape(),
                              .spans = pass.batch.spans(),
                              .group_begin = pass.batch.group_begin(),
                              .q = tape.q,
                              .kv = tape.kv,
                              .out = tape.z,
                              .lse = tape.lse,
                              .dout = dz,
                              .dq = dq,
                              .dkv = dkv});
  const Mat dk = dkv.Cols(0, key_width), dv = dkv.Cols(key_width, key_width);
  RotateHeads(pass, rope, dq, /*queries=*/true, /*inverse=*/true);
  RotateHeads(pass, rope, dk, /*queries=*/false, /*inverse=*/true);

  // q = norm(q_raw), k = norm(k_raw) per head (Qwen3)
  if (q_norm_) {
    nn::RmsNormGrad(compute, {.x = PerHead(tape.q_raw, head_dim_),
                              .weight = q_norm_->value.data(),
                              .rstd = tape.q_rstd,
                              .dy = PerHead(dq, head_dim_),
                              .dx = PerHead(dq, head_dim_),
                              .dweight = q_norm_->grad.data()});
    for (int64_t g = 0; g < kv_heads_; ++g) {
      const Mat dk_g = dk.Cols(g * head_dim_, head_dim_);
      nn::RmsNormGrad(compute, {.x = tape.kv_raw.Cols(g * head_dim_, head_dim_),
                                .weight = k_norm_->value.data(),
                                .rstd = tape.kv_rstd + g * T,
                                .dy = dk_g,
                                .dx = dk_g,
                                .dweight = k_norm_->grad.data()});
    }
  }

  // q_raw, k_raw, v = h · Wᵀ + b
  const Mat h = norm_.Again(pass, tape.x), dh = pass.New(tape.x.cols);
  nn::GemmInputGrad(compute, q_.InputGrad(dq, dh));
  nn::GemmInputGrad(compute, k_.InputGrad(dk, dh, /*accumulate=*/true));
  nn::GemmInputGrad(compute, v_.InputGrad(dv, dh, /*accumulate=*/true));
  weight_grads.push_back(q_.WeightGrad(dq, h));
  weight_grads.push_back(k_.WeightGrad(dk, h));
  weight_grads.push_back(v_.WeightGrad(dv, h));
  q_.BiasGrad(compute, dq);
  k_.BiasGrad(compute, dk);
  v_.BiasGrad(compute, dv);

  // h = norm(x)
  return norm_.Backward(pass, tape.x, tape.rstd, dh, dy);
}

}  // namespace retort::model
