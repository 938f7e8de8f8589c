#include "model/internal/feed_forward.h"

#include <tuple>

#include "nn/swiglu.h"

namespace retort::model {

using nn::ConstMat;
using nn::Mat;

DenseFeedForward::DenseFeedForward(nn::ParameterStore& store, const std::string& prefix,
                                   int64_t hidden, int64_t width, double eps)
    : norm_(store, prefix + ".post_attention_layernorm.weight", hidden, eps),
      mlp_(store, prefix + ".mlp", hidden, width) {}

void DenseFeedForward::Forward(const Pass& pass, Mat x, Mat y, FeedForwardTape& tape) const {
  const nn::ArenaScope scope(pass.scratch);
  tape.x = x;
  Mat h;
  std::tie(h, tape.rstd) = norm_.Forward(pass, x);
  mlp_.Forward(pass, h, x, y, tape.dense);
}

Mat DenseFeedForward::Backward(const Pass& pass, ConstMat dy, const FeedForwardTape& tape) const {
  const Mat dh = pass.New(dy.cols);
  mlp_.Backward(pass, norm_.Again(pass, tape.x), dy, tape.dense, dh, /*accumulate=*/false);
  return norm_.Backward(pass, tape.x, tape.rstd, dh, dy);
}

MoeFeedForward::MoeFeedForward(nn::ParameterStore& store, const std::string& prefix,
                               const DeepseekConfig& c)
    : shape_{.experts = c.n_routed_experts,
             .top_k = c.num_experts_per_tok,
             .groups = c.topk_method == TopkMethod::kGreedy ? 1 : c.n_group,
             .top_groups = c.topk_method == TopkMethod::kGreedy ? 1 : c.topk_group,
             .scoring = c.scoring_func == ScoringFunc::kSigmoid ? nn::Scoring::kSigmoid
                                                                : nn::Scoring::kSoftmax,
             .normalize = c.norm_topk_prob,
             .scale = static_cast<float>(c.routed_scaling_factor)},
      norm_(store, prefix + ".post_attention_layernorm.weight", c.hidden_size, c.rms_norm_eps),
      router_(store, prefix + ".mlp.gate", c.n_routed_experts, c.hidden_size) {
  if (c.topk_method == TopkMethod::kNoauxTc) {
    bias_ = &store.Add(prefix + ".mlp.gate.e_score_correction_bias", {c.n_routed_experts});
    bias_->trainable = false;
  }
  for (int64_t e = 0; e < c.n_routed_experts; ++e) {
    experts_.emplace_back(store, StrCat(prefix, ".mlp.experts.", e), c.hidden_size,
                          c.moe_intermediate_size);
  }
  if (c.n_shared_experts > 0) {
    shared_.emplace(store, prefix + ".mlp.shared_experts", c.hidden_size,
                    c.n_shared_experts * c.moe_intermediate_size);
  }
}

void MoeFeedForward::Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs) {
  // A choice of experts should not hang on rounding.
  jobs.push_back(router_.Pack(nn::Dtype::kFloat32));
  for (SwiGluMlp& expert : experts_) expert.Pack(dtype, jobs);
  if (shared_) shared_->Pack(dtype, jobs);
}

nn::RouteArgs MoeFeedForward::Routing(const FeedForwardTape& tape) const {
  return {.shape = shape_,
          .logits = tape.logits,
          .bias = bias_ ? bias_->value.data() : nullptr,
          .scores = tape.scores,
          .experts = tape.experts,
          .weights = tape.weights};
}

void MoeFeedForward::Forward(const Pass& pass, Mat x, Mat y, FeedForwardTape& tape) const {
  const int64_t T = pass.tokens(), K = shape_.top_k, E = shape_.experts, d = x.cols;
  const int64_t slots = T * K, f = experts_.front().width();
  nn::Compute& compute = pass.compute;
  const nn::ArenaScope scope(pass.scratch);
  tape.x = x;
  Mat h;
  std::tie(h, tape.rstd) = norm_.Forward(pass, x);

  tape.logits = pass.New(E);
  tape.scores = pass.New(E);
  tape.experts = pass.arena.New<int32_t>(slots);
  tape.weights = pass.arena.New<float>(slots);
  nn::Gemm(compute, router_.Forward(h, tape.logits));
  nn::Route(compute, Routing(tape));
  tape.dispatch = nn::MakeDispatch(tape.experts, T, E, K);

  tape.ys = pass.arena.NewMat(slots, d);
  tape.routed.gate_up = pass.arena.NewMat(slots, 2 * f);
  const Mat all_xs = pass.scratch.NewMat(slots, d), act = pass.scratch.NewMat(slots, f);
  nn::GatherTokens(compute, tape.dispatch, h, all_xs);
  std::vector<nn::GemmJob> up, down;
  for (int64_t e = 0; e < E; ++e) {
    const int64_t begin = tape.dispatch.begin[static_cast<size_t>(e)];
    const int64_t count = tape.dispatch.begin[static_cast<size_t>(e) + 1] - begin;
    if (count == 0) continue;
    const Mat xs = all_xs.Rows(begin, count), gate_up = tape.routed.gate_up.Rows(begin, count);
    up.push_back(expert(e).gate().Forward(xs, gate_up.Cols(0, f)));
    up.push_back(expert(e).up().Forward(xs, gate_up.Cols(f, f)));
    down.push_back(expert(e).down().Forward(act.Rows(begin, count), tape.ys.Rows(begin, count)));
  }
  nn::Gemm(compute, up);
  nn::SwiGlu(compute, tape.routed.gate_up, act);
  nn::Gemm(compute, down);

  if (shared_) {
    shared_->Forward(pass, h, x, y, tape.dense);
  } else {
    CopyRows(compute, x, y);
  }
  nn::Combine(compute, {&tape.dispatch, K, tape.weights, tape.ys, y});
}

Mat MoeFeedForward::Backward(const Pass& pass, ConstMat dy, const FeedForwardTape& tape) const {
  const int64_t T = pass.tokens(), K = shape_.top_k, E = shape_.experts, d = dy.cols;
  const int64_t slots = T * K, f = experts_.front().width();
  nn::Compute& compute = pass.compute;
  std::vector<nn::WeightGradJob>& weight_grads = pass.tape->weight_grads;

  // h and xs once more
  const nn::ArenaScope scope(pass.scratch);
  const Mat h = norm_.Again(pass, tape.x), xs = pass.arena.NewMat(slots, d);
  nn::GatherTokens(compute, tape.dispatch, h, xs);

  // y = x + Σ_k w_k · ys_k + shared(h)
  const Mat dys = tape.ys;
  float* dweights = pass.scratch.New<float>(slots);
  nn::CombineGrad(compute, {{&tape.dispatch, K, tape.weights, tape.ys, {}}, dy, dys, dweights});

  // ys_e = act_e · Wᵀ_down; act = silu(gate) ⊙ up; gate, up = xs_e · Wᵀ
  const Mat act = pass.arena.NewMat(slots, f), dgate_up = tape.routed.gate_up;
  const Mat dact = pass.scratch.NewMat(slots, f), dxs = pass.scratch.NewMat(slots, d);
  std::vector<nn::InputGradJob> down, gate, up;
  for (int64_t e = 0; e < E; ++e) {
    const int64_t begin = tape.dispatch.begin[static_cast<size_t>(e)];
    const int64_t count = tape.dispatch.begin[static_cast<size_t>(e) + 1] - begin;
    if (count == 0) continue;
    const SwiGluMlp& mlp = expert(e);
    const auto slice = [&](Mat m) { return m.Rows(begin, count); };
    const Mat dgate = slice(dgate_up).Cols(0, f), dup = slice(dgate_up).Cols(f, f);
    down.push_back(mlp.down().InputGrad(slice(dys), slice(dact)));
    gate.push_back(mlp.gate().InputGrad(dgate, slice(dxs)));
    up.push_back(mlp.up().InputGrad(dup, slice(dxs), /*accumulate=*/true));
    weight_grads.push_back(mlp.down().WeightGrad(slice(dys), slice(act)));
    weight_grads.push_back(mlp.gate().WeightGrad(dgate, slice(xs)));
    weight_grads.push_back(mlp.up().WeightGrad(dup, slice(xs)));
  }
  nn::GemmInputGrad(compute, down);
  nn::SwiGluGrad(compute, {tape.routed.gate_up, dact, dgate_up, act});
  nn::GemmInputGrad(compute, gate);
  nn::GemmInputGrad(compute, up);

  // weights = gate(router · h)
  const Mat dlogits = pass.arena.NewMat(T, E), dh = pass.New(d);
  nn::RouteGrad(compute, {Routing(tape), dweights, tape.dscores, dlogits});
  nn::GemmInputGrad(compute, router_.InputGrad(dlogits, dh));
  weight_grads.push_back(router_.WeightGrad(dlogits, h));
  nn::GatherTokensGrad(compute, tape.dispatch, dxs, dh);
  if (shared_) shared_->Backward(pass, h, dy, tape.dense, dh, /*accumulate=*/true);
  return norm_.Backward(pass, tape.x, tape.rstd, dh, dy);
}

void MoeFeedForward::Balance(const Pass& pass, FeedForwardTape& tape,
                             std::vector<int64_t>& loads) const {
  const BalanceOptions& options = pass.tape->balance;
  nn::BalanceArgs args{.shape = shape_,
                       .scores = tape.scores,
                       .experts = tape.experts,
                       .sequences = pass.batch.sequences(),
                       .dscores = {}};
  nn::CountLoads(args, loads);
  tape.dscores = {};
  if (options.sequence_alpha == 0 && options.batch_alpha == 0) return;
  args.dscores = tape.dscores = pass.arena.NewZeroMat(pass.tokens(), shape_.experts);
  for (const bool per_batch : {false, true}) {
    args.per_batch = per_batch;
    args.alpha = per_batch ? options.batch_alpha : options.sequence_alpha;
    if (args.alpha > 0) pass.tape->balance_loss += nn::BalanceLoss(pass.compute, args);
  }
}

void MoeFeedForward::BalanceBias(std::span<const int64_t> loads, double rate) {
  if (bias_ && rate > 0) nn::UpdateRouterBias(loads, rate, bias_->value.data());
}

}  // namespace retort::model
