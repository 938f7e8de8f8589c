#pragma once
// Group-relative advantages (Shao et al. 2024, GRPO) with TRL's names, defaults and scaling.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/options.h"

namespace retort::rl {

enum class ScaleRewards { kGroup, kBatch, kNone };
constexpr auto EnumNames(ScaleRewards) {
  return std::array{std::pair{ScaleRewards::kGroup, "group"},
                    std::pair{ScaleRewards::kBatch, "batch"},
                    std::pair{ScaleRewards::kNone, "none"}};
}

struct AdvantageOptions {
  ScaleRewards scale_rewards = ScaleRewards::kGroup;
  template <class V>
  void Visit(V& v) {
    v("scale_rewards", scale_rewards,
      "What centred rewards are divided by: the standard deviation of their group, of the whole "
      "batch, or nothing.");
  }
};

/// Advantages and the statistics of their rewards. Completions without a reward (unjudged) enter
/// neither the statistics of their group nor the metrics; their advantage is 0.
struct Advantages {
  std::vector<double> values;  ///< one per reward
  /// Of the batch; NaN when it has no reward at all.
  double reward = 0;                ///< mean
  double reward_std = 0;            ///< unbiased; 0 for a single reward
  double frac_reward_zero_std = 0;  ///< share of the rewards whose group has a single value
  int64_t unjudged = 0;
};

/// A = (r - mean of the group) / (std + 1e-4), with the unbiased std of the group or of the batch,
/// or undivided. `group_sizes` cuts `rewards` into groups, in order. A group whose largest reward
/// equals its smallest gets advantages of exactly 0, whatever its mean rounds to.
Advantages ComputeAdvantages(const AdvantageOptions& options,
                             std::span<const std::optional<double>> rewards,
                             std::span<const int64_t> group_sizes);

}  // namespace retort::rl
