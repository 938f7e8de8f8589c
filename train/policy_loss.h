#pragma once
// The clipped policy losses of GRPO and its kin as pure functions over small arrays; names,
// defaults and metrics are TRL's. Sources: Schulman et al. 2017 (clipping), Shao et al. 2024
// (grpo), Liu et al. 2025 (dr_grpo), Yu et al. 2025 (dapo, epsilon_high).

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "base/options.h"
#include "train/kl.h"

namespace retort::train {

/// How token losses are added up over the global batch.
enum class LossType {
  kDapo,    ///< Σ / tokens
  kGrpo,    ///< mean over sequences of the mean over their tokens
  kDrGrpo,  ///< Σ / (sequences · max_completion_length)
};
constexpr auto EnumNames(LossType) {
  return std::array{std::pair{LossType::kDapo, "dapo"}, std::pair{LossType::kGrpo, "grpo"},
                    std::pair{LossType::kDrGrpo, "dr_grpo"}};
}

struct PolicyLossOptions {
  LossType loss_type = LossType::kDapo;
  double epsilon = 0.2;
  std::optional<double> epsilon_high;
  double beta = 0.0;
  KlEstimator kl_estimator = KlEstimator::kK3;
  bool mask_truncated_completions = false;
  double entropy_coef = 0.0;
  template <class V>
  void Visit(V& v) {
    v("loss_type", loss_type,
      "How token losses are added up: dapo divides by the tokens of the batch, grpo takes the mean "
      "of each completion first, dr_grpo divides by the number of completions times "
      "max_completion_length.");
    v("epsilon", epsilon, "Clipping: the probability ratio counts down to 1 - epsilon.",
      Bounds{0, 1e6});
    v("epsilon_high", epsilon_high, "The ratio counts up to 1 + this; null: epsilon.",
      Bounds{0, 1e6});
    v("beta", beta, "Weight of the divergence from the reference policy; 0 needs no reference.",
      Bounds{0, 1e6});
    v("kl_estimator", kl_estimator, "How that divergence is estimated per token.");
    v("mask_truncated_completions", mask_truncated_completions,
      "Leave completions that hit the length limit out of the loss.");
    v("entropy_coef", entropy_coef, "Weight of a bonus for the mean entropy per token.",
      Bounds{-1e6, 1e6});
  }
};

/// The completions of a micro-batch, their tokens end to end: T tokens in S sequences.
struct PolicyBatch {
  std::span<const int64_t> offsets;    // [S + 1]; sequence i owns tokens [offsets[i], offsets[i+1])
  std::span<const double> advantages;  // [T]
  std::span<const uint8_t> truncated;  // [S], 1 = hit the length limit; empty = none did
  std::span<const float> logp;         // [T], of the policy that learns
  std::span<const float> old_logp;     // [T], of the policy that sampled
  std::span<const float> ref_logp;     // [T]; needed when beta is not 0
  std::span<const float> entropy;      // [T]; needed when entropy_coef is not 0
  std::span<const float> importance;   // [T], of ImportanceWeights; empty = 1
};

/// Sizes of the whole batch of one optimizer step, however it is cut into micro-batches.
struct LossTotals {
  int64_t tokens = 0;     ///< in the loss: without truncated completions when those are masked
  int64_t sequences = 0;  ///< all: a masked completion is a loss of zero, as in TRL
  int64_t max_completion_length = 0;  ///< for dr_grpo

  void Add(const PolicyLossOptions& options, const PolicyBatch& batch);
};

/// Sums over micro-batches; the means are over the tokens in the loss.
struct PolicyLossSums {
  double loss = 0;  ///< already normalised: the sum over micro-batches is the loss of the batch
  int64_t tokens = 0;
  int64_t low_clipped = 0;   ///< ratio < 1 - epsilon and advantage < 0
  int64_t high_clipped = 0;  ///< ratio > 1 + epsilon_high and advantage > 0
  double kl = 0;             ///< of the estimator; 0 without a reference
  double approx_kl = 0;      ///< old_logp - logp
  double entropy = 0;

  void Add(const PolicyLossSums& other);
  double Mean(double sum) const { return tokens > 0 ? sum / static_cast<double>(tokens) : 0; }
  double clip_ratio_low_mean() const { return Mean(static_cast<double>(low_clipped)); }
  double clip_ratio_high_mean() const { return Mean(static_cast<double>(high_clipped)); }
  double clip_ratio_region_mean() const {
    return Mean(static_cast<double>(low_clipped + high_clipped));
  }
  double mean_kl() const { return Mean(kl); }
  double mean_approx_kl() const { return Mean(approx_kl); }
  double mean_entropy() const { return Mean(entropy); }
};

/// Gradients of the loss, written for every token (0 where it is masked).
struct PolicyGradients {
  std::span<float> dlogp;     // [T]
  std::span<float> dentropy;  // [T]; may be empty when entropy_coef is 0
};

/// Per token, with r = exp(logp - old_logp) and A its advantage: w max(-A r, -A clip(r, 1 -
/// epsilon, 1 + epsilon_high)) + beta · kl, weighted by loss_type, where w is the token's
/// importance (a constant), minus entropy_coef times the mean entropy per token (whatever the
/// loss_type, as in TRL). A token's gradient depends on its sequence and the totals only, never on
/// the cut into micro-batches.
PolicyLossSums PolicyLoss(const PolicyLossOptions& options, const LossTotals& totals,
                          const PolicyBatch& batch, const PolicyGradients& gradients);

}  // namespace retort::train
