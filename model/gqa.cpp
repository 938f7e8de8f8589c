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

Gqa::Gqa(Builder& builder, const std::string& prefix, const GqaSpec& s, const CommonConfig& c)
    : heads_(s.heads),
      kv_heads_(s.kv_heads),
      head_dim_(s.head_dim),
      eps_(static_cast<float>(c.rms_norm_eps)),
      norm_(builder, prefix + ".input_layernorm.weight", c),
      q_(builder, prefix + ".self_attn.q_proj", {heads_ * head_dim_, c.hidden_size, s.qkv_bias}),
      k_(builder, prefix + ".self_attn.k_proj", {kv_heads_ * head_dim_, c.hidden_size, s.qkv_bias}),
      v_(builder, prefix + ".self_attn.v_proj", {kv_heads_ * head_dim_, c.hidden_size, s.qkv_bias}),
      o_(builder, prefix + ".self_attn.o_proj",
         {c.hidden_size, heads_ * head_dim_, s.output_bias}) {
  if (s.qk_norm) {
    q_norm_ = builder.Vector(prefix + ".self_attn.q_norm.weight", head_dim_);
    k_norm_ = builder.Vector(prefix + ".self_attn.k_norm.weight", head_dim_);
  }
}

nn::AttentionShape Gqa::Shape() const {
  return {.heads = heads_,
          .kv_heads = kv_heads_,
          .key_dim = head_dim_,
          .value_dim = head_dim_,
          .value_begin = kv_heads_ * head_dim_,
          .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim_)))};
}

void Gqa::RotateHeads(const Pass& pass, Mat x, int64_t heads, bool inverse) const {
  nn::Rope(pass.compute, {.table = &pass.rope,
                          .positions = pass.batch.positions().data(),
                          .x = x,
                          .heads = heads,
                          .head_stride = head_dim_,
                          .layout = nn::RopeLayout::kHalfSplit,
                          .inverse = inverse});
}

Mat Gqa::Forward(const Pass& pass, Mat x, Tape& tape) const {
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
  tape.k_raw = k_norm_ ? pass.New(key_width) : keys;
  model::Forward(pass, std::array<LinearForward, 3>{
                           {{q_, h, tape.q_raw}, {k_, h, tape.k_raw}, {v_, h, values}}});
  if (q_norm_) {
    tape.q_rstd = pass.arena.New<float>(T * heads_);
    tape.k_rstd = pass.arena.New<float>(T * kv_heads_);
    nn::RmsNorm(compute, {PerHead(tape.q_raw, head_dim_), pass.weights.vector(*q_norm_), eps_,
                          PerHead(tape.q, head_dim_), tape.q_rstd});
    for (int64_t g = 0; g < kv_heads_; ++g) {
      nn::RmsNorm(compute,
                  {tape.k_raw.Cols(g * head_dim_, head_dim_), pass.weights.vector(*k_norm_), eps_,
                   keys.Cols(g * head_dim_, head_dim_), tape.k_rstd + g * T});
    }
  }
  RotateHeads(pass, tape.q, heads_, /*inverse=*/false);
  RotateHeads(pass, keys, kv_heads_, /*inverse=*/false);

  tape.z = pass.New(heads_ * head_dim_);
  tape.lse = pass.arena.New<float>(T * heads_);
  nn::AttentionArgs attention{
      .shape = Shape(), .spans = pass.batch.spans(), .q = tape.q, .out = tape.z, .lse = tape.lse};
  pass.SetKeyValues(tape.kv, attention);
  nn::Attention(compute, attention);
  const Mat y = pass.New(x.cols);
  model::Forward(pass, {o_, tape.z, y, x});
  return y;
}

Mat Gqa::Backward(const Pass& pass, ConstMat dy, const Tape& tape) const {
  const int64_t T = pass.tokens(), key_width = kv_heads_ * head_dim_;
  nn::Compute& compute = pass.compute;

  // y = x + z · Wᵀ_o + b_o
  const Mat dz = pass.New(heads_ * head_dim_);
  InputGrad(pass, {o_, dy, dz});
  WeightGrad(pass, {o_, dy, tape.z});

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
  RotateHeads(pass, dq, heads_, /*inverse=*/true);
  RotateHeads(pass, dk, kv_heads_, /*inverse=*/true);

  // q = norm(q_raw), k = norm(k_raw) per head (Qwen3)
  if (q_norm_) {
    nn::RmsNormGrad(compute, {.x = PerHead(tape.q_raw, head_dim_),
                              .weight = pass.weights.vector(*q_norm_),
                              .rstd = tape.q_rstd,
                              .dy = PerHead(dq, head_dim_),
                              .dx = PerHead(dq, head_dim_),
                              .dweight = pass.Gradient(*q_norm_)});
    for (int64_t g = 0; g < kv_heads_; ++g) {
      const Mat dk_g = dk.Cols(g * head_dim_, head_dim_);
      nn::RmsNormGrad(compute, {.x = tape.k_raw.Cols(g * head_dim_, head_dim_),
                                .weight = pass.weights.vector(*k_norm_),
                                .rstd = tape.k_rstd + g * T,
                                .dy = dk_g,
                                .dx = dk_g,
                                .dweight = pass.Gradient(*k_norm_)});
    }
  }

  // q_raw, k_raw, v = h · Wᵀ + b
  const Mat h = norm_.Again(pass, tape.x), dh = pass.New(tape.x.cols);
  InputGrad(pass, {q_, dq, dh});
  InputGrad(pass, {k_, dk, dh, /*accumulate=*/true});
  InputGrad(pass, {v_, dv, dh, /*accumulate=*/true});
  WeightGrad(pass, {q_, dq, h});
  WeightGrad(pass, {k_, dk, h});
  WeightGrad(pass, {v_, dv, h});

  // h = norm(x)
  return norm_.Backward(pass, tape.x, tape.rstd, dh, dy);
}

}  // namespace retort::model
