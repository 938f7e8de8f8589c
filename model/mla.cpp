#include "model/internal/mla.h"

#include <cmath>
#include <tuple>

#include "nn/norm.h"

namespace retort::model {

using nn::ConstMat;
using nn::Mat;

Mla::Mla(nn::ParameterStore& store, const std::string& prefix, const DeepseekConfig& c)
    : heads_(c.num_attention_heads),
      nope_(c.qk_nope_head_dim),
      rope_dim_(c.qk_rope_head_dim),
      value_(c.v_head_dim),
      latent_(c.kv_lora_rank),
      eps_(static_cast<float>(c.rms_norm_eps)),
      norm_(store, prefix + ".input_layernorm.weight", c.hidden_size, c.rms_norm_eps),
      kv_a_(store, prefix + ".self_attn.kv_a_proj_with_mqa", latent_ + rope_dim_, c.hidden_size),
      kv_norm_(store.Add(prefix + ".self_attn.kv_a_layernorm.weight", {latent_})),
      kv_b_(
          store.Add(prefix + ".self_attn.kv_b_proj.weight", {heads_ * (nope_ + value_), latent_})),
      o_(store, prefix + ".self_attn.o_proj", c.hidden_size, heads_ * value_),
      key_up_(static_cast<size_t>(heads_)),
      value_up_(static_cast<size_t>(heads_)) {
  const int64_t q_out = heads_ * (nope_ + rope_dim_);
  if (c.q_lora_rank) {
    q_a_.emplace(store, prefix + ".self_attn.q_a_proj", *c.q_lora_rank, c.hidden_size);
    q_norm_ = &store.Add(prefix + ".self_attn.q_a_layernorm.weight", {*c.q_lora_rank});
    q_b_.emplace(store, prefix + ".self_attn.q_b_proj", q_out, *c.q_lora_rank);
  } else {
    q_.emplace(store, prefix + ".self_attn.q_proj", q_out, c.hidden_size);
  }
}

Mat Mla::KeyRows(int64_t head, bool gradient) const {
  const Mat all = gradient ? kv_b_.grad_mat() : kv_b_.mat();
  return all.Rows(head * (nope_ + value_), nope_);
}

Mat Mla::ValueRows(int64_t head, bool gradient) const {
  const Mat all = gradient ? kv_b_.grad_mat() : kv_b_.mat();
  return all.Rows(head * (nope_ + value_) + nope_, value_);
}

void Mla::Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs) {
  for (std::optional<Linear>* linear : {&q_, &q_a_, &q_b_}) {
    if (*linear) jobs.push_back((*linear)->Pack(dtype));
  }
  jobs.push_back(kv_a_.Pack(dtype));
  for (int64_t h = 0; h < heads_; ++h) {
    const auto i = static_cast<size_t>(h);
    jobs.push_back({&key_up_[i], KeyRows(h, false), dtype, /*transpose=*/true});
    jobs.push_back({&value_up_[i], ValueRows(h, false), dtype});
  }
  jobs.push_back(o_.Pack(dtype));
}

nn::AttentionShape Mla::Shape() const {
  // The scale is that of the unabsorbed query and key (fact sheet §1.4).
  return {.heads = heads_,
          .kv_heads = 1,
          .key_dim = latent_ + rope_dim_,
          .value_dim = latent_,
          .value_begin = 0,
          .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(nope_ + rope_dim_)))};
}

Mat Mla::AbsorbedQuery(const Pass& pass, ConstMat q) const {
  const int64_t width = latent_ + rope_dim_, head_dim = nope_ + rope_dim_;
  const Mat absorbed = pass.NewScratch(heads_ * width);
  std::vector<nn::GemmJob> jobs;
  for (int64_t h = 0; h < heads_; ++h) {
    jobs.push_back({q.Cols(h * head_dim, nope_), &key_up_[static_cast<size_t>(h)],
                    absorbed.Cols(h * width, latent_)});
  }
  nn::Gemm(pass.compute, jobs);
  for (int64_t h = 0; h < heads_; ++h) {
    CopyRows(pass.compute, q.Cols(h * head_dim + nope_, rope_dim_),
             absorbed.Cols(h * width + latent_, rope_dim_));
  }
  return absorbed;
}

Mat Mla::Forward(const Pass& pass, nn::RopeTable& rope, Mat x, AttentionTape& tape) const {
  const int64_t T = pass.tokens(), head_dim = nope_ + rope_dim_;
  nn::Compute& compute = pass.compute;
  const nn::ArenaScope scope(pass.scratch);
  tape.x = x;
  Mat h;
  std::tie(h, tape.rstd) = norm_.Forward(pass, x);

  tape.q = pass.New(heads_ * head_dim);
  tape.kv_raw = pass.New(latent_ + rope_dim_);
  if (q_) {
    nn::Gemm(compute, std::array{q_->Forward(h, tape.q), kv_a_.Forward(h, tape.kv_raw)});
  } else {
    tape.q_latent = pass.New(q_a_->out());
    tape.q_normed = pass.New(q_a_->out());
    tape.q_rstd = pass.NewColumn();
    nn::Gemm(compute, std::array{q_a_->Forward(h, tape.q_latent), kv_a_.Forward(h, tape.kv_raw)});
    nn::RmsNorm(compute, {tape.q_latent, q_norm_->value.data(), eps_, tape.q_normed, tape.q_rstd});
    nn::Gemm(compute, q_b_->Forward(tape.q_normed, tape.q));
  }

  tape.kv = pass.New(latent_ + rope_dim_);
  tape.kv_rstd = pass.NewColumn();
  nn::RmsNorm(compute, {tape.kv_raw.Cols(0, latent_), kv_norm_.value.data(), eps_,
                        tape.kv.Cols(0, latent_), tape.kv_rstd});
  CopyRows(pass.compute, tape.kv_raw.Cols(latent_, rope_dim_), tape.kv.Cols(latent_, rope_dim_));
  nn::RopeArgs rotate{.table = &rope,
                      .positions = pass.batch.positions().data(),
                      .x = tape.kv,
                      .heads = 1,
                      .begin = latent_,
                      .layout = nn::RopeLayout::kInterleaved};
  nn::Rope(compute, rotate);
  rotate.x = tape.q;
  rotate.heads = heads_;
  rotate.begin = nope_;
  rotate.head_stride = head_dim;
  nn::Rope(compute, rotate);

  tape.z = pass.New(heads_ * latent_);
  tape.lse = pass.arena.New<float>(T * heads_);
  nn::AttentionArgs attention{.shape = Shape(),
                              .spans = pass.batch.spans(),
                              .q = AbsorbedQuery(pass, tape.q),
                              .out = tape.z,
                              .lse = tape.lse};
  pass.SetKeyValues(tape.kv, attention);
  nn::Attention(compute, attention);

  tape.o = pass.New(heads_ * value_);
  std::vector<nn::GemmJob> jobs;
  for (int64_t h = 0; h < heads_; ++h) {
    jobs.push_back({tape.z.Cols(h * latent_, latent_), &value_up_[static_cast<size_t>(h)],
                    tape.o.Cols(h * value_, value_)});
  }
  nn::Gemm(compute, jobs);
  const Mat y = pass.New(x.cols);
  nn::Gemm(compute, o_.Forward(tape.o, y, x));
  return y;
}

Mat Mla::Backward(const Pass& pass, const nn::RopeTable& rope, ConstMat dy,
                  const AttentionTape& tape) const {
  const nn::ArenaScope scope(pass.scratch);
  const int64_t head_dim = nope_ + rope_dim_, width = latent_ + rope_dim_;
  nn::Compute& compute = pass.compute;
  std::vector<nn::WeightGradJob>& weight_grads = pass.tape->weight_grads;

  // y = x + o · Wᵀ_o
  const Mat d_o = pass.New(heads_ * value_);
  nn::GemmInputGrad(compute, o_.InputGrad(dy, d_o));
  weight_grads.push_back(o_.WeightGrad(dy, tape.o));

  // o_h = z_h · Wᵀ_uv,h
  const Mat dz = pass.New(heads_ * latent_);
  std::vector<nn::InputGradJob> jobs;
  for (int64_t h = 0; h < heads_; ++h) {
    const Mat do_h = d_o.Cols(h * value_, value_);
    jobs.push_back({do_h, ValueRows(h, false), dz.Cols(h * latent_, latent_)});
    weight_grads.push_back({do_h, tape.z.Cols(h * latent_, latent_), ValueRows(h, true)});
  }
  nn::GemmInputGrad(compute, jobs);

  // z = attention(absorbed query, [c | k_rope]); the absorbed query is computed again (law 1).
  const Mat dabsorbed = pass.New(heads_ * width);
  const Mat dkv = pass.arena.NewZeroMat(pass.tokens(), width);
  nn::AttentionGrad(compute, {.shape = Shape(),
                              .spans = pass.batch.spans(),
                              .group_begin = pass.batch.group_begin(),
                              .q = AbsorbedQuery(pass, tape.q),
                              .kv = tape.kv,
                              .out = tape.z,
                              .lse = tape.lse,
                              .dout = dz,
                              .dq = dabsorbed,
                              .dkv = dkv});

  // absorbed_h = [q_nope,h · W_uk,h | q_rope,h]
  const Mat dq = pass.New(heads_ * head_dim);
  jobs.clear();
  for (int64_t h = 0; h < heads_; ++h) {
    const Mat dlatent = dabsorbed.Cols(h * width, latent_);
    jobs.push_back({dlatent, KeyRows(h, false), dq.Cols(h * head_dim, nope_),
                    /*accumulate=*/false, /*transpose_w=*/true});
    weight_grads.push_back({tape.q.Cols(h * head_dim, nope_), dlatent, KeyRows(h, true)});
    CopyRows(pass.compute, dabsorbed.Cols(h * width + latent_, rope_dim_),
             dq.Cols(h * head_dim + nope_, rope_dim_));
  }
  nn::GemmInputGrad(compute, jobs);

  // Rotations go back by the opposite angle.
  nn::RopeArgs rotate{.table = &rope,
                      .positions = pass.batch.positions().data(),
                      .x = dq,
                      .heads = heads_,
                      .begin = nope_,
                      .head_stride = head_dim,
                      .layout = nn::RopeLayout::kInterleaved,
                      .inverse = true};
  nn::Rope(compute, rotate);
  rotate.x = dkv;
  rotate.heads = 1;
  rotate.begin = latent_;
  nn::Rope(compute, rotate);

  // c = norm(kv_raw), in place of dkv's front columns; the rotary columns pass through.
  nn::RmsNormGrad(compute, {.x = tape.kv_raw.Cols(0, latent_),
                            .weight = kv_norm_.value.data(),
                            .rstd = tape.kv_rstd,
                            .dy = dkv.Cols(0, latent_),
                            .dx = dkv.Cols(0, latent_),
                            .dweight = kv_norm_.grad.data()});
  const Mat h = norm_.Again(pass, tape.x), dh = pass.New(tape.x.cols);
  nn::GemmInputGrad(compute, kv_a_.InputGrad(dkv, dh));
  weight_grads.push_back(kv_a_.WeightGrad(dkv, h));
  if (q_) {
    nn::GemmInputGrad(compute, q_->InputGrad(dq, dh, /*accumulate=*/true));
    weight_grads.push_back(q_->WeightGrad(dq, h));
  } else {
    const Mat dlatent = pass.New(q_a_->out());
    nn::GemmInputGrad(compute, q_b_->InputGrad(dq, dlatent));
    weight_grads.push_back(q_b_->WeightGrad(dq, tape.q_normed));
    nn::RmsNormGrad(compute, {.x = tape.q_latent,
                              .weight = q_norm_->value.data(),
                              .rstd = tape.q_rstd,
                              .dy = dlatent,
                              .dx = dlatent,
                              .dweight = q_norm_->grad.data()});
    nn::GemmInputGrad(compute, q_a_->InputGrad(dlatent, dh, /*accumulate=*/true));
    weight_grads.push_back(q_a_->WeightGrad(dlatent, h));
  }

  // h = norm(x)
  return norm_.Backward(pass, tape.x, tape.rstd, dh, dy);
}

}  // namespace retort::model
