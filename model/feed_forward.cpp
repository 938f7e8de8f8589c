#include "model/internal/feed_forward.h"

#include <tuple>

#include "base/error.h"
#include "nn/swiglu.h"

namespace retort::model {

using nn::ConstMat;
using nn::Mat;

DenseFeedForward::DenseFeedForward(Builder& builder, const std::string& prefix,
                                   const DenseSpec& spec, const CommonConfig& common)
    : norm_(builder, prefix + ".post_attention_layernorm.weight", common),
      mlp_(builder, prefix + ".mlp", common.hidden_size, spec.width) {}

void DenseFeedForward::Forward(const Pass& pass, Mat x, Mat y, Tape& tape) const {
  const nn::ArenaScope scope(pass.scratch);
  tape.x = x;
  Mat h;
  std::tie(h, tape.rstd) = norm_.Forward(pass, x);
  mlp_.Forward(pass, {h, x, y}, tape.mlp);
}

Mat DenseFeedForward::Backward(const Pass& pass, ConstMat dy, const Tape& tape) const {
  const Mat dh = pass.New(dy.cols);
  mlp_.Backward(pass, {norm_.Again(pass, tape.x), dy, dh}, tape.mlp);
  return norm_.Backward(pass, tape.x, tape.rstd, dh, dy);
}

MoeFeedForward::MoeFeedForward(Builder& builder, const std::string& prefix, const MoeSpec& spec,
                               const CommonConfig& common)
    : router_shape_(spec.router),
      norm_(builder, prefix + ".post_attention_layernorm.weight", common),
      router_(
          builder, prefix + ".mlp.gate",
          {.out = spec.router.experts, .in = common.hidden_size, .kind = PackItem::Kind::kRouter}) {
  if (spec.bias) {
    bias_ = builder.Vector(prefix + ".mlp.gate.e_score_correction_bias", spec.router.experts,
                           /*trainable=*/false);
  }
  for (int64_t e = 0; e < spec.router.experts; ++e) {
    experts_.emplace_back(builder, StrCat(prefix, ".mlp.experts.", e), common.hidden_size,
                          spec.width);
  }
  if (spec.shared_width > 0) {
    shared_.emplace(builder, prefix + ".mlp.shared_experts", common.hidden_size, spec.shared_width);
  }
}

nn::RouteArgs MoeFeedForward::Routing(const Pass& pass, const Tape& tape) const {
  return {.shape = router_shape_,
          .logits = tape.logits,
          .bias = bias_ ? pass.weights.vector(*bias_) : nullptr,
          .scores = tape.scores,
          .experts = tape.experts,
          .weights = tape.weights};
}

void MoeFeedForward::Route(const Pass& pass, ConstMat h, Tape& tape) const {
  const int64_t slots = pass.tokens() * router_shape_.top_k;
  tape.logits = pass.New(experts());
  tape.scores = pass.New(experts());
  tape.experts = pass.arena.New<int32_t>(slots);
  tape.weights = pass.arena.New<float>(slots);
  model::Forward(pass, {router_, h, tape.logits});
  nn::Route(pass.compute, Routing(pass, tape));
}

Mat MoeFeedForward::Dispatch(const Pass& pass, ConstMat h, Tape& tape) const {
  tape.dispatch = nn::MakeDispatch(tape.experts, pass.tokens(), experts(), router_shape_.top_k);
  const Mat xs = pass.scratch.NewMat(pass.tokens() * router_shape_.top_k, h.cols);
  nn::GatherTokens(pass.compute, tape.dispatch, h, xs);
  return xs;
}

template <class Body>
void MoeFeedForward::ForExperts(const nn::Dispatch& dispatch, const Body& body) const {
  for (size_t e = 0; e < experts_.size(); ++e) {
    const int64_t begin = dispatch.begin[e], count = dispatch.begin[e + 1] - begin;
    if (count > 0) body(experts_[e], begin, count);
  }
}

void MoeFeedForward::Experts(const Pass& pass, ConstMat xs, Tape& tape) const {
  const int64_t slots = xs.rows, f = experts_.front().width();
  tape.ys = pass.arena.NewMat(slots, xs.cols);
  tape.gate_up = pass.arena.NewMat(slots, 2 * f);
  const Mat act = pass.scratch.NewMat(slots, f);
  std::vector<LinearForward> up, down;
  ForExperts(tape.dispatch, [&](const SwiGluMlp& mlp, int64_t begin, int64_t count) {
    const Mat gate_up = tape.gate_up.Rows(begin, count);
    up.push_back({mlp.gate(), xs.Rows(begin, count), gate_up.Cols(0, f)});
    up.push_back({mlp.up(), xs.Rows(begin, count), gate_up.Cols(f, f)});
    down.push_back({mlp.down(), act.Rows(begin, count), tape.ys.Rows(begin, count)});
  });
  model::Forward(pass, up);
  nn::SwiGlu(pass.compute, tape.gate_up, act);
  model::Forward(pass, down);
}

void MoeFeedForward::Combine(const Pass& pass, const Tape& tape, Mat y) const {
  nn::Combine(pass.compute, {&tape.dispatch, router_shape_.top_k, tape.weights, tape.ys, y});
}

void MoeFeedForward::Forward(const Pass& pass, Mat x, Mat y, Tape& tape) const {
  const nn::ArenaScope scope(pass.scratch);
  tape.x = x;
  Mat h;
  std::tie(h, tape.rstd) = norm_.Forward(pass, x);
  Route(pass, h, tape);
  const Mat xs = Dispatch(pass, h, tape);
  Experts(pass, xs, tape);
  if (shared_) {
    shared_->Forward(pass, {h, x, y}, tape.shared);
  } else {
    CopyRows(pass.compute, x, y);
  }
  Combine(pass, tape, y);
}

// ys_e = act_e · Wᵀ_down; act = silu(gate) ⊙ up; gate, up = xs_e · Wᵀ
Mat MoeFeedForward::ExpertsGrad(const Pass& pass, Mat xs, const Tape& tape) const {
  const int64_t slots = xs.rows, f = experts_.front().width();
  const Mat dys = tape.ys, act = pass.arena.NewMat(slots, f), dgate_up = tape.gate_up;
  const Mat dact = pass.scratch.NewMat(slots, f), dxs = pass.scratch.NewMat(slots, xs.cols);
  std::vector<LinearInputGrad> down, gate, up;
  ForExperts(tape.dispatch, [&](const SwiGluMlp& mlp, int64_t begin, int64_t count) {
    const auto slice = [&](Mat m) { return m.Rows(begin, count); };
    down.push_back({mlp.down(), slice(dys), slice(dact)});
    gate.push_back({mlp.gate(), slice(dgate_up).Cols(0, f), slice(dxs)});
    up.push_back({mlp.up(), slice(dgate_up).Cols(f, f), slice(dxs), /*accumulate=*/true});
  });
  InputGrad(pass, down);
  nn::SwiGluGrad(pass.compute, {tape.gate_up, dact, dgate_up, act});
  InputGrad(pass, gate);
  InputGrad(pass, up);
  ForExperts(tape.dispatch, [&](const SwiGluMlp& mlp, int64_t begin, int64_t count) {
    const auto slice = [&](Mat m) { return m.Rows(begin, count); };
    WeightGrad(pass, {mlp.down(), slice(dys), slice(act)});
    WeightGrad(pass, {mlp.gate(), slice(dgate_up).Cols(0, f), slice(xs)});
    WeightGrad(pass, {mlp.up(), slice(dgate_up).Cols(f, f), slice(xs)});
  });
  return dxs;
}

Mat MoeFeedForward::Backward(const Pass& pass, ConstMat dy, const Tape& tape) const {
  const int64_t K = router_shape_.top_k, slots = pass.tokens() * K, d = dy.cols;
  nn::Compute& compute = pass.compute;

  // h and xs once more
  const nn::ArenaScope scope(pass.scratch);
  const Mat h = norm_.Again(pass, tape.x), xs = pass.arena.NewMat(slots, d);
  nn::GatherTokens(compute, tape.dispatch, h, xs);

  // y = x + Σ_k w_k · ys_k + shared(h)
  float* dweights = pass.scratch.New<float>(slots);
  nn::CombineGrad(compute, {{&tape.dispatch, K, tape.weights, tape.ys, {}}, dy, tape.ys, dweights});
  const Mat dxs = ExpertsGrad(pass, xs, tape);

  // weights = gate(router · h)
  const Mat dlogits = pass.New(experts()), dh = pass.New(d);
  nn::RouteGrad(compute, {Routing(pass, tape), dweights, tape.dscores, dlogits});
  InputGrad(pass, {router_, dlogits, dh});
  WeightGrad(pass, {router_, dlogits, h});
  nn::GatherTokensGrad(compute, tape.dispatch, dxs, dh);
  if (shared_) shared_->Backward(pass, {h, dy, dh, /*accumulate=*/true}, tape.shared);
  return norm_.Backward(pass, tape.x, tape.rstd, dh, dy);
}

void MoeFeedForward::Balance(const Pass& pass, Tape& tape, std::vector<int64_t>& loads) const {
  const BalanceOptions& options = pass.tape->balance;
  nn::BalanceArgs args{.shape = router_shape_,
                       .scores = tape.scores,
                       .experts = tape.experts,
                       .sequences = pass.batch.sequences(),
                       .dscores = {}};
  nn::CountLoads(args, loads);
  tape.dscores = {};
  if (options.sequence_alpha == 0 && options.batch_alpha == 0) return;
  args.dscores = tape.dscores = pass.arena.NewZeroMat(pass.tokens(), experts());
  for (const bool per_batch : {false, true}) {
    args.per_batch = per_batch;
    args.alpha = per_batch ? options.batch_alpha : options.sequence_alpha;
    if (args.alpha > 0) pass.tape->balance_loss += nn::BalanceLoss(pass.compute, args);
  }
}

void MoeFeedForward::BalanceBias(std::span<const int64_t> loads, double rate,
                                 nn::ParameterStore& values) const {
  if (bias_ && rate > 0) nn::UpdateRouterBias(loads, rate, values[*bias_].data());
}

}  // namespace retort::model
