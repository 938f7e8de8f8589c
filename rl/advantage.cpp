#include "rl/advantage.h"

#include <algorithm>
#include <cmath>

namespace retort::rl {
namespace {

constexpr double kStdOffset = 1e-4;  // TRL's

struct Summary {
  int64_t count = 0;
  double mean = 0;
  double std = 0;  // unbiased
  bool constant = true;
};

Summary Summarize(std::span<const std::optional<double>> rewards) {
  Summary summary;
  double sum = 0, min = INFINITY, max = -INFINITY;
  for (const auto& reward : rewards) {
    if (!reward) continue;
    RETORT_CHECK(std::isfinite(*reward), "advantages: got a reward of ", *reward,
                 ", expected a finite number or none");
    ++summary.count;
    sum += *reward;
    min = std::min(min, *reward);
    max = std::max(max, *reward);
  }
  if (summary.count == 0) return summary;
  summary.mean = sum / static_cast<double>(summary.count);
  summary.constant = min == max;
  if (summary.constant) return summary;
  double squares = 0;
  for (const auto& reward : rewards) {
    if (reward) squares += (*reward - summary.mean) * (*reward - summary.mean);
  }
  summary.std = std::sqrt(squares / static_cast<double>(summary.count - 1));
  return summary;
}

}  // namespace

Advantages ComputeAdvantages(const AdvantageOptions& options,
                             std::span<const std::optional<double>> rewards,
                             std::span<const int64_t> group_sizes) {
  const Summary batch = Summarize(rewards);
  Advantages result;
  result.values.assign(rewards.size(), 0.0);
  result.reward = batch.mean;
  result.reward_std = batch.std;
  result.unjudged = static_cast<int64_t>(rewards.size()) - batch.count;

  int64_t constant = 0;
  size_t begin = 0;
  for (const int64_t size : group_sizes) {
    const size_t end = begin + static_cast<size_t>(size);
    RETORT_CHECK(size >= 0 && end <= rewards.size(), "advantages: the groups hold more than the ",
                 rewards.size(), " rewards given");
    const Summary group = Summarize(rewards.subspan(begin, end - begin));
    if (group.constant) constant += group.count;
    double scale = 1;
    switch (options.scale_rewards) {
      case ScaleRewards::kGroup:
        scale = group.std + kStdOffset;
        break;
      case ScaleRewards::kBatch:
        scale = batch.std + kStdOffset;
        break;
      case ScaleRewards::kNone:
        break;
    }
    for (size_t i = begin; i < end; ++i) {
      if (rewards[i] && !group.constant) result.values[i] = (*rewards[i] - group.mean) / scale;
    }
    begin = end;
  }
  RETORT_CHECK(begin == rewards.size(), "advantages: the groups hold ", begin, " of ",
               rewards.size(), " rewards");
  if (batch.count > 0) {
    result.frac_reward_zero_std = static_cast<double>(constant) / static_cast<double>(batch.count);
  } else {
    result.reward = result.reward_std = result.frac_reward_zero_std = NAN;
  }
  return result;
}

}  // namespace retort::rl
