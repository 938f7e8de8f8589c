#include "rl/advantage.h"

#include <algorithm>
#include <cmath>

namespace retort::rl {
namespace {

constexpr double kStdOffset = 1e-4;  // TRL's

using Rewards = std::vector<std::optional<double>>;

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

// 0 for what was not judged, but for groups of which nothing was: their problem is at fault.
Rewards WithoutGaps(std::span<const std::optional<double>> rewards,
                    std::span<const int64_t> group_sizes) {
  Rewards filled(rewards.begin(), rewards.end());
  size_t begin = 0;
  for (const int64_t size : group_sizes) {
    const auto group = std::span(filled).subspan(begin, static_cast<size_t>(size));
    begin += group.size();
    if (std::ranges::none_of(group, [](const auto& reward) { return reward.has_value(); }))
      continue;
    for (auto& reward : group) reward = reward.value_or(0);
  }
  return filled;
}

}  // namespace

std::optional<AdvantageOptions> AdvantageOptionsOf(const Json& stage) {
  if (stage.value("type", "") != "grpo") return std::nullopt;
  AdvantageOptions options;
  // Recipes written before "unjudged" skipped.
  ReadOptions({{"scale_rewards", stage.value("scale_rewards", "group")},
               {"unjudged", stage.value("unjudged", "skip")}},
              "recipe", options);
  return options;
}

Advantages ComputeAdvantages(const AdvantageOptions& options,
                             std::span<const std::optional<double>> rewards,
                             std::span<const int64_t> group_sizes) {
  size_t held = 0;
  for (const int64_t size : group_sizes) {
    RETORT_CHECK(size >= 0, "advantages: got a group of ", size);
    held += static_cast<size_t>(size);
  }
  RETORT_CHECK(held == rewards.size(), "advantages: the groups hold ", held, " of ", rewards.size(),
               " rewards");
  const Summary judged = Summarize(rewards);
  Advantages result;
  result.values.assign(rewards.size(), 0.0);
  result.reward = judged.count > 0 ? judged.mean : NAN;
  result.reward_std = judged.count > 0 ? judged.std : NAN;
  result.unjudged = static_cast<int64_t>(rewards.size()) - judged.count;

  const auto taken = options.unjudged == Unjudged::kWrong ? WithoutGaps(rewards, group_sizes)
                                                          : Rewards(rewards.begin(), rewards.end());
  const Summary batch = Summarize(taken);
  int64_t constant = 0;
  size_t begin = 0;
  for (const int64_t size : group_sizes) {
    const size_t end = begin + static_cast<size_t>(size);
    const Summary group = Summarize(std::span(taken).subspan(begin, end - begin));
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
      if (taken[i] && !group.constant) result.values[i] = (*taken[i] - group.mean) / scale;
    }
    begin = end;
  }
  result.frac_reward_zero_std =
      judged.count > 0 ? static_cast<double>(constant) / static_cast<double>(batch.count) : NAN;
  return result;
}

}  // namespace retort::rl
