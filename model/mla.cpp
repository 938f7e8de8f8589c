#include "model/internal/mla.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "nn/norm.h"

namespace retort::model {

using nn::ConstMat;
using nn::Mat;

// Of the norms of the latents: the published code leaves it at this, whatever rms_norm_eps says.
constexpr float kLatentEps = 1e-6f;

Mla::Mla(Builder& builder, const std::string& prefix, const MlaSpec& s, const CommonConfig& c)
    : heads_(s.heads),
      nope_(s.nope),
      rope_dim_(s.rope),
      value_(s.value),
      latent_(s.latent),
      // That of the unabsorbed query and key (fact sheet §1.4).
      scale_(static_cast<float>(SoftmaxFactor(c.rope_scaling) /
                                std::sqrt(static_cast<double>(s.nope + s.rope)))),
      norm_(builder, prefix + ".input_layernorm.weight", c),
      kv_a_(builder, prefix + ".self_attn.kv_a_proj_with_mqa",
            {latent_ + rope_dim_, c.hidden_size}),
      kv_norm_(builder.Vector(prefix + ".self_attn.kv_a_layernorm.weight", latent_)),
      kv_up_(builder, prefix + ".self_attn.kv_b_proj", s),
      o_(builder, prefix + ".self_attn.o_proj", {c.hidden_size, heads_ * value_}) {
  const int64_t q_out = heads_ * (nope_ + rope_dim_);
  if (s.q_latent) {
    q_a_.emplace(builder, prefix + ".self_attn.q_a_proj",
                 Linear::Shape{*s.q_latent, c.hidden_size});
    q_norm_ = builder.Vector(prefix + ".self_attn.q_a_layernorm.weight", *s.q_latent);
    q_b_.emplace(builder, prefix + ".self_attn.q_b_proj", Linear::Shape{q_out, *s.q_latent});
  } else {
    q_.emplace(builder, prefix + ".self_attn.q_proj", Linear::Shape{q_out, c.hidden_size});
  }
  // Queries are computed first, though their parameters come last.
  const auto end = builder.items.order.end();
  const auto queries = end - (s.q_latent ? 2 : 1);
  std::rotate(queries - std::ssize(kv_up_.key) - std::ssize(kv_up_.value) - 2, queries, end);
}

Mla::UpProjections::UpProjections(Builder& builder, const std::string& name, const MlaSpec& s) {
  const int64_t head = s.nope + s.value;
  const nn::ParameterId matrix = builder.Matrix(name + ".weight", s.heads * head, s.latent);
  const auto adapter = builder.AddAdapter(name, s.heads * head, s.latent);
  for (int64_t h = 0; !builder.layout_only && h < s.heads; ++h) {
    const PackItem keys{.source = matrix, .first = h * head, .rows = s.nope, .transpose = true};
    const PackItem values{.source = matrix, .first = h * head + s.nope, .rows = s.value};
    key.emplace_back(builder, keys, adapter);
    value.emplace_back(builder, values, adapter);
  }
}

nn::AttentionShape Mla::Shape() const {
  return {.heads = heads_,
          .kv_heads = 1,
          .key_dim = latent_ + rope_dim_,
          .value_dim = latent_,
          .value_begin = 0,
          .scale = scale_};
}

Mat Mla::AbsorbedQuery(const Pass& pass, ConstMat q) const {
  const int64_t width = latent_ + rope_dim_, head_dim = nope_ + rope_dim_;
  const Mat absorbed = pass.NewScratch(heads_ * width);
  std::vector<LinearForward> products;
  products.reserve(static_cast<size_t>(heads_));
  for (int64_t h = 0; h < heads_; ++h) {
    products.push_back({kv_up_.key[static_cast<size_t>(h)], q.Cols(h * head_dim, nope_),
                        absorbed.Cols(h * width, latent_)});
  }
  model::Forward(pass, products);
  for (int64_t h = 0; h < heads_; ++h) {
    CopyRows(pass.compute, q.Cols(h * head_dim + nope_, rope_dim_),
             absorbed.Cols(h * width + latent_, rope_dim_));
  }
  return absorbed;
}

Mat Mla::Forward(const Pass& pass, Mat x, Tape& tape) const {
  const int64_t T = pass.tokens(), head_dim = nope_ + rope_dim_;
  nn::Compute& compute = pass.compute;
  const nn::ArenaScope scope(pass.scratch);
  tape.x = x;
  Mat h;
  std::tie(h, tape.rstd) = norm_.Forward(pass, x);

  tape.q = pass.New(heads_ * head_dim);
  tape.kv_raw = pass.New(latent_ + rope_dim_);
  if (q_) {
    model::Forward(pass, std::array<LinearForward, 2>{{{*q_, h, tape.q}, {kv_a_, h, tape.kv_raw}}});
  } else {
    tape.q_latent = pass.New(q_a_->out());
    tape.q_normed = pass.New(q_a_->out());
    tape.q_rstd = pass.NewColumn();
    model::Forward(
        pass, std::array<LinearForward, 2>{{{*q_a_, h, tape.q_latent}, {kv_a_, h, tape.kv_raw}}});
    nn::RmsNorm(compute, {tape.q_latent, pass.weights.vector(q_norm_), kLatentEps, tape.q_normed,
                          tape.q_rstd});
    model::Forward(pass, {*q_b_, tape.q_normed, tape.q});
  }

  tape.kv = pass.New(latent_ + rope_dim_);
  tape.kv_rstd = pass.NewColumn();
  nn::RmsNorm(compute, {tape.kv_raw.Cols(0, latent_), pass.weights.vector(kv_norm_), kLatentEps,
                        tape.kv.Cols(0, latent_), tape.kv_rstd});
  CopyRows(pass.compute, tape.kv_raw.Cols(latent_, rope_dim_), tape.kv.Cols(latent_, rope_dim_));
  nn::RopeArgs rotate{.table = &pass.rope,
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
  std::vector<LinearForward> products;
  products.reserve(static_cast<size_t>(heads_));
  for (int64_t h = 0; h < heads_; ++h) {
    products.push_back({kv_up_.value[static_cast<size_t>(h)], tape.z.Cols(h * latent_, latent_),
                        tape.o.Cols(h * value_, value_)});
  }
  model::Forward(pass, products);
  const Mat y = pass.New(x.cols);
  model::Forward(pass, {o_, tape.o, y, x});
  return y;
}

Mat Mla::Backward(const Pass& pass, ConstMat dy, const Tape& tape) const {
  const nn::ArenaScope scope(pass.scratch);
  const int64_t head_dim = nope_ + rope_dim_, width = latent_ + rope_dim_;
  nn::Compute& compute = pass.compute;

  // y = x + o · Wᵀ_o
  const Mat d_o = pass.New(heads_ * value_);
  InputGrad(pass, {o_, dy, d_o});
  WeightGrad(pass, {o_, dy, tape.o});

  // o_h = z_h · Wᵀ_uv,h
  const Mat dz = pass.New(heads_ * latent_);
  std::vector<LinearInputGrad> products;
  for (int64_t h = 0; h < heads_; ++h) {
    const Linear& value = kv_up_.value[static_cast<size_t>(h)];
    const Mat do_h = d_o.Cols(h * value_, value_);
    products.push_back({value, do_h, dz.Cols(h * latent_, latent_)});
    WeightGrad(pass, {value, do_h, tape.z.Cols(h * latent_, latent_)});
  }
  InputGrad(pass, products);

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
  products.clear();
  for (int64_t h = 0; h < heads_; ++h) {
    const Linear& key = kv_up_.key[static_cast<size_t>(h)];
    const Mat dlatent = dabsorbed.Cols(h * width, latent_);
    products.push_back({key, dlatent, dq.Cols(h * head_dim, nope_)});
    WeightGrad(pass, {key, dlatent, tape.q.Cols(h * head_dim, nope_)});
    CopyRows(pass.compute, dabsorbed.Cols(h * width + latent_, rope_dim_),
             dq.Cols(h * head_dim + nope_, rope_dim_));
  }
  InputGrad(pass, products);

  // Rotations go back by the opposite angle.
  nn::RopeArgs rotate{.table = &pass.rope,
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
                            .weight = pass.weights.vector(kv_norm_),
                            .rstd = tape.kv_rstd,
                            .dy = dkv.Cols(0, latent_),
                            .dx = dkv.Cols(0, latent_),
                            .dweight = pass.Gradient(kv_norm_)});
  const Mat h = norm_.Again(pass, tape.x), dh = pass.New(tape.x.cols);
  InputGrad(pass, {kv_a_, dkv, dh});
  WeightGrad(pass, {kv_a_, dkv, h});
  if (q_) {
    InputGrad(pass, {*q_, dq, dh, /*accumulate=*/true});
    WeightGrad(pass, {*q_, dq, h});
  } else {
    const Mat dlatent = pass.New(q_a_->out());
    InputGrad(pass, {*q_b_, dq, dlatent});
    WeightGrad(pass, {*q_b_, dq, tape.q_normed});
    nn::RmsNormGrad(compute, {.x = tape.q_latent,
                              .weight = pass.weights.vector(q_norm_),
                              .rstd = tape.q_rstd,
                              .dy = dlatent,
                              .dx = dlatent,
                              .dweight = pass.Gradient(q_norm_)});
    InputGrad(pass, {*q_a_, dlatent, dh, /*accumulate=*/true});
    WeightGrad(pass, {*q_a_, dlatent, h});
  }

  // h = norm(x)
  return norm_.Backward(pass, tape.x, tape.rstd, dh, dy);
}

}  // namespace retort::model
