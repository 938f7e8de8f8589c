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

/// What a completion without a reward is to the policy.
enum class Unjudged { kWrong, kSkip };
constexpr auto EnumNames(Unjudged) {
  return std::array{std::pair{Unjudged::kWrong, "wrong"}, std::pair{Unjudged::kSkip, "skip"}};
}

struct AdvantageOptions {
  ScaleRewards scale_rewards = ScaleRewards::kGroup;
  Unjudged unjudged = Unjudged::kWrong;
  template <class V>
  void Visit(V& v) {
    v("scale_rewards", scale_rewards,
      "What centred rewards are divided by: the standard deviation of their group, of the whole "
      "batch, or nothing.");
    v("unjudged", unjudged,
      "What the policy gets for a completion that no judge could judge. wrong: the advantage that "
      "a "
      "reward of 0 has in its group, so that it does not pay to be unjudged. skip: none; better "
      "than wrong, which a policy can learn to make use of. Its reward is null in either case.");
  }
};

/// How a stage of a stored recipe makes advantages; nothing where it makes none.
std::optional<AdvantageOptions> AdvantageOptionsOf(const Json& stage);

/// Advantages and the statistics of their rewards. Completions without a reward enter no metric;
/// to advantages they have a reward of 0 or, with Unjudged::kSkip and in groups of which nothing
/// was judged, take no part and have none.
struct Advantages {
  std::vector<double> values;  ///< one per reward
  /// Of the batch; NaN when it has no reward at all.
  double reward = 0;                ///< mean
  double reward_std = 0;            ///< unbiased; 0 for a single reward
  double frac_reward_zero_std = 0;  ///< share of those that take part whose group has one value
  int64_t unjudged = 0;
};

/// A = (r - mean of the group) / (std + 1e-4), with the unbiased std of the group or of the batch,
/// or undivided. `group_sizes` cuts `rewards` into groups, in order. A group whose largest reward
/// equals its smallest gets advantages of exactly 0, whatever its mean rounds to.
Advantages ComputeAdvantages(const AdvantageOptions& options,
                             std::span<const std::optional<double>> rewards,
                             std::span<const int64_t> group_sizes);

}  // namespace retort::rl
