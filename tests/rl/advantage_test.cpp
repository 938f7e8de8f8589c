#include "rl/advantage.h"

#include <gtest/gtest.h>

#include <cmath>

namespace retort::rl::advantage_test {
namespace {

using Rewards = std::vector<std::optional<double>>;
constexpr double kSqrtHalf = 0.70710678118654752;

Advantages Compute(const Rewards& rewards, const std::vector<int64_t>& groups,
                   ScaleRewards scale = ScaleRewards::kGroup,
                   Unjudged unjudged = AdvantageOptions().unjudged) {
  AdvantageOptions options;
  options.unjudged = unjudged;
  options.scale_rewards = scale;
  return ComputeAdvantages(options, rewards, groups);
}

void ExpectNear(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-12) << i;
}

TEST(Advantages, ScaleByTheUnbiasedDeviationOfTheGroup) {
  // {0, 1}: mean 0.5, std √½; {1, 2, 3, 6}: mean 3, std √(14/3).
  const double a = kSqrtHalf + 1e-4, b = std::sqrt(14.0 / 3) + 1e-4;
  ExpectNear(Compute({0, 1, 1, 2, 3, 6}, {2, 4}).values,
             {-0.5 / a, 0.5 / a, -2 / b, -1 / b, 0, 3 / b});
  EXPECT_EQ(AdvantageOptions().scale_rewards, ScaleRewards::kGroup);
}

TEST(Advantages, ScaleByTheBatchOrNotAtAll) {
  ExpectNear(Compute({0, 1, 1, 3}, {2, 2}, ScaleRewards::kNone).values, {-0.5, 0.5, -1, 1});
  const double batch = std::sqrt((1.25 * 1.25 + 2 * 0.25 * 0.25 + 1.75 * 1.75) / 3) + 1e-4;
  ExpectNear(Compute({0, 1, 1, 3}, {2, 2}, ScaleRewards::kBatch).values,
             {-0.5 / batch, 0.5 / batch, -1 / batch, 1 / batch});
}

TEST(Advantages, AreExactlyZeroWhenAllRewardsAreEqual) {
  // The mean of ten times 0.1 is not 0.1 in binary; a residue would be blown up by the division.
  for (const auto scale : {ScaleRewards::kGroup, ScaleRewards::kBatch, ScaleRewards::kNone}) {
    Rewards rewards(10, 0.1);
    rewards.insert(rewards.end(), {0, 1});
    const Advantages result = Compute(rewards, {10, 2}, scale);
    for (size_t i = 0; i < 10; ++i) EXPECT_EQ(result.values[i], 0.0);
    EXPECT_GT(result.values[11], 0.4);
    EXPECT_NEAR(result.frac_reward_zero_std, 10.0 / 12, 1e-15);
  }
  // A difference in the last bit is a difference.
  const double next = std::nextafter(0.1, 1);
  EXPECT_EQ(Compute({0.1, 0.1, 0.1, next}, {4}).frac_reward_zero_std, 0);
}

TEST(Advantages, AGroupOfOneHasNone) {
  EXPECT_EQ(Compute({5, 0, 1}, {1, 2}).values[0], 0.0);
  EXPECT_NEAR(Compute({5, 0, 1}, {1, 2}).frac_reward_zero_std, 1.0 / 3, 1e-15);
}

const Rewards kHalfJudged{0, std::nullopt, 1, std::nullopt, std::nullopt, 4, std::nullopt};

TEST(Advantages, UnjudgedIsWrongSoThatItDoesNotPay) {
  EXPECT_EQ(AdvantageOptions().unjudged, Unjudged::kWrong);
  const Advantages result = Compute(kHalfJudged, {3, 2, 2});
  const Rewards filled{0, 0, 1, std::nullopt, std::nullopt, 4, 0};
  const Advantages as_wrong = Compute(filled, {3, 2, 2});
  EXPECT_EQ(result.values, as_wrong.values);
  EXPECT_LT(result.values[1], 0);
  EXPECT_EQ(result.values[1], result.values[0]);
  EXPECT_EQ(result.values[3], 0);  // of a problem that nobody can judge
  EXPECT_LT(result.values[6], 0);
  EXPECT_EQ(result.frac_reward_zero_std, 0);
  // No metric counts what was not judged.
  EXPECT_EQ(result.unjudged, 4);
  EXPECT_NEAR(result.reward, 5.0 / 3, 1e-15);
  EXPECT_NEAR(result.reward_std, std::sqrt((25 + 4 + 49) / 18.0), 1e-12);
  for (const auto scale : {ScaleRewards::kBatch, ScaleRewards::kNone}) {
    EXPECT_EQ(Compute(kHalfJudged, {3, 2, 2}, scale).values,
              Compute(filled, {3, 2, 2}, scale).values);
  }
}

TEST(Advantages, UnjudgedMayBeSkipped) {
  const Advantages result = Compute(kHalfJudged, {3, 2, 2}, ScaleRewards::kGroup, Unjudged::kSkip);
  const double a = kSqrtHalf + 1e-4;
  ExpectNear(result.values, {-0.5 / a, 0, 0.5 / a, 0, 0, 0, 0});
  EXPECT_EQ(result.unjudged, 4);
  EXPECT_NEAR(result.reward, 5.0 / 3, 1e-15);
  EXPECT_NEAR(result.reward_std, std::sqrt((25 + 4 + 49) / 18.0), 1e-12);
  EXPECT_NEAR(result.frac_reward_zero_std, 1.0 / 3, 1e-15);
}

TEST(Advantages, ReportsTheRewardsOfTheBatch) {
  const Advantages result = Compute({0, 1, 1, 3}, {2, 2});
  EXPECT_DOUBLE_EQ(result.reward, 1.25);
  EXPECT_NEAR(result.reward_std, std::sqrt(4.75 / 3), 1e-12);
  EXPECT_EQ(result.frac_reward_zero_std, 0);
  const Advantages empty = Compute({}, {});
  EXPECT_TRUE(std::isnan(empty.reward));  // of nothing
  EXPECT_EQ(Compute({2}, {1}).reward_std, 0);
}

TEST(Advantages, RefusesGroupsThatDoNotFit) {
  EXPECT_THROW(Compute({0, 1, 2}, {2}), Error);
  EXPECT_THROW(Compute({0, 1, 2}, {2, 2}), Error);
  EXPECT_THROW(Compute({0, NAN}, {2}), Error);
}

TEST(Advantages, OptionReadsFromJson) {
  AdvantageOptions options;
  ReadOptions(Json{{"scale_rewards", "none"}, {"unjudged", "skip"}}, "grpo", options);
  EXPECT_EQ(options.scale_rewards, ScaleRewards::kNone);
  EXPECT_EQ(options.unjudged, Unjudged::kSkip);
}

}  // namespace
}  // namespace retort::rl::advantage_test
