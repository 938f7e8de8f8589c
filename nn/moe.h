#pragma once
// Mixture of experts in four steps with index arrays between: route, dispatch, (experts), combine.
// Sources: DeepSeek-V3 report §2.1.2 (gate, sequence-wise balance loss), Wang et al. 2024
// (loss-free balancing), Fedus et al. 2021 (classic auxiliary loss).

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "nn/compute.h"
#include "nn/tensor.h"

namespace retort::nn {

enum class Scoring { kSigmoid, kSoftmax };
constexpr auto EnumNames(Scoring) {
  return std::array{std::pair{Scoring::kSigmoid, "sigmoid"},
                    std::pair{Scoring::kSoftmax, "softmax"}};
}

struct RouterShape {
  int64_t experts = 8;     // E
  int64_t top_k = 2;       // K
  int64_t groups = 1;      // n_group, divides E
  int64_t top_groups = 1;  // topk_group
  Scoring scoring = Scoring::kSigmoid;
  bool normalize = true;  // norm_topk_prob
  float scale = 1;        // routed_scaling_factor
};

/// Scores s = sigmoid or softmax of the logits. Selection uses s + bias (a group scores the sum of
/// its two best; with a null bias, the best one), excluded groups are -inf, ties go to the lower
/// expert id. Weights use s, never the bias, and are normalised over the chosen when asked. Experts
/// are listed in ascending id.
struct RouteArgs {
  RouterShape shape;
  ConstMat logits;              // [T, E]
  const float* bias = nullptr;  // [E] or null
  Mat scores;                   // [T, E] out
  int32_t* experts = nullptr;   // [T, K] out
  float* weights = nullptr;     // [T, K] out
};
void Route(Compute& compute, const RouteArgs& args);

/// dlogits [T, E] from the gradients of the weights [T, K] and, when given, of the scores [T, E]
/// (the balance losses). The choice of experts and the bias are constants. dlogits may be dscores.
struct RouteGradArgs {
  RouteArgs forward;
  const float* dweights = nullptr;  // [T, K]
  ConstMat dscores;                 // [T, E] or empty
  Mat dlogits;                      // [T, E] out
};
void RouteGrad(Compute& compute, const RouteGradArgs& args);

/// Which token goes where: slots are ordered by expert, then by token.
struct Dispatch {
  std::vector<int64_t> begin;  // [E + 1]: expert e owns slots [begin[e], begin[e + 1])
  std::vector<int32_t> token;  // [T·K]: slot → token
  std::vector<int32_t> slot;   // [T·K]: (token, k) → slot
};
Dispatch MakeDispatch(const int32_t* experts, int64_t tokens, int64_t num_experts, int64_t top_k);

/// xs[slot] = x[token(slot)].
void GatherTokens(Compute& compute, const Dispatch& dispatch, ConstMat x, Mat xs);
/// y[t] (+)= Σ_k weights[t, k] · ys[slot(t, k)], in ascending expert id.
struct CombineArgs {
  const Dispatch* dispatch = nullptr;
  int64_t top_k = 0;
  const float* weights = nullptr;  // [T, K]
  ConstMat ys;                     // [T·K, d]
  Mat y;                           // [T, d]; added to
};
void Combine(Compute& compute, const CombineArgs& args);
/// dys[slot] = weight · dy[token]; dweights[t, k] = dy[t] · ys[slot]. dys may be ys itself.
struct CombineGradArgs {
  CombineArgs forward;        // y unused
  ConstMat dy;                // [T, d]
  Mat dys;                    // [T·K, d] out
  float* dweights = nullptr;  // [T, K] out
};
void CombineGrad(Compute& compute, const CombineGradArgs& args);
/// dx[t] += Σ_k dxs[slot(t, k)], in ascending expert id.
void GatherTokensGrad(Compute& compute, const Dispatch& dispatch, ConstMat dxs, Mat dx);

/// One sequence as token rows: a shared prefix (possibly empty) and its own tokens.
struct TokenRange {
  int64_t prefix_begin = 0;
  int64_t prefix_count = 0;
  int64_t begin = 0;
  int64_t count = 0;
};

/// Sequence-wise balance loss, summed over sequences with weight `alpha` each:
/// alpha Σ_i f_i P_i, f from the top-K of the unbiased scores (constant), P from normalised scores.
/// With `per_batch`, the classic auxiliary loss: one f (of the experts really chosen) and one P
/// over all tokens of all sequences. Returns the loss and adds its gradient to dscores [T, E] when
/// given.
struct BalanceArgs {
  RouterShape shape;
  ConstMat scores;                   // [T, E]
  const int32_t* experts = nullptr;  // [T, K], as chosen
  std::span<const TokenRange> sequences;
  double alpha = 0;
  bool per_batch = false;
  Mat dscores;  // added to; may be empty
};
double BalanceLoss(Compute& compute, const BalanceArgs& args);

/// loads[e] += number of choices of expert e, a shared prefix counted once per sequence.
void CountLoads(const BalanceArgs& args, std::vector<int64_t>& loads);
/// (max load - mean load) / mean load; 0 for no load.
double MaxViolation(std::span<const int64_t> loads);
/// bias[e] += rate · sign(mean load - load[e]).
void UpdateRouterBias(std::span<const int64_t> loads, double rate, float* bias);

}  // namespace retort::nn
