#include "train/policy_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "tests/support/complex_step.h"

namespace retort::train::policy_loss_test {
namespace {

using testing::Complex;

struct Batch {
  std::vector<int64_t> offsets{0};
  std::vector<double> advantages;  // per sequence
  mutable std::vector<double> per_token;
  std::vector<uint8_t> truncated;
  std::vector<float> logp, old_logp, ref_logp, entropy, importance;

  PolicyBatch View() const {
    per_token.clear();
    for (size_t i = 0; i + 1 < offsets.size(); ++i) {
      per_token.resize(static_cast<size_t>(offsets[i + 1]), advantages[i]);
    }
    return {offsets, per_token, truncated, logp, old_logp, ref_logp, entropy, importance};
  }
  /// Sequences [begin, end) as a micro-batch of their own.
  Batch Cut(size_t begin, size_t end) const {
    Batch part;
    const auto tokens = [&](const std::vector<float>& all) {
      return std::vector<float>(all.begin() + offsets[begin], all.begin() + offsets[end]);
    };
    for (size_t i = begin; i < end; ++i) {
      part.offsets.push_back(offsets[i + 1] - offsets[begin]);
      part.advantages.push_back(advantages[i]);
      part.truncated.push_back(truncated[i]);
    }
    part.logp = tokens(logp);
    part.old_logp = tokens(old_logp);
    part.ref_logp = tokens(ref_logp);
    part.entropy = tokens(entropy);
    part.importance = tokens(importance);
    return part;
  }
};

// Ratios on both sides of the clip range with both signs of the advantage.
Batch RandomBatch() {
  Batch batch;
  RandomStream random({.seed = 11, .purpose = "policy"});
  for (int i = 0; i < 12; ++i) {
    const int64_t length = i == 5 ? 0 : random.Between(1, 9);
    for (int64_t t = 0; t < length; ++t) {
      const double logp = -2 * random.Uniform();
      batch.logp.push_back(static_cast<float>(logp));
      batch.old_logp.push_back(static_cast<float>(logp + 0.4 * random.Normal()));
      batch.ref_logp.push_back(static_cast<float>(logp + 0.5 * random.Normal()));
      batch.entropy.push_back(static_cast<float>(random.Uniform()));
      batch.importance.push_back(static_cast<float>(2 * random.Uniform()));
    }
    batch.offsets.push_back(static_cast<int64_t>(batch.logp.size()));
    batch.advantages.push_back(random.Normal());
    batch.truncated.push_back(i % 4 == 1);
  }
  return batch;
}

struct Result {
  PolicyLossSums sums;
  std::vector<float> dlogp, dentropy;
};
Result RunLoss(const PolicyLossOptions& options, const Batch& batch, const LossTotals& totals) {
  Result result{
      {}, std::vector<float>(batch.logp.size(), NAN), std::vector<float>(batch.logp.size(), NAN)};
  result.sums = PolicyLoss(options, totals, batch.View(), {result.dlogp, result.dentropy});
  return result;
}
LossTotals Totals(const PolicyLossOptions& options, const Batch& batch) {
  LossTotals totals;
  totals.max_completion_length = 16;
  totals.Add(options, batch.View());
  return totals;
}
Result RunLoss(const PolicyLossOptions& options, const Batch& batch) {
  return RunLoss(options, batch, Totals(options, batch));
}

// One sequence of tokens with the given ratios, sampled at probability 1/2.
Batch Ratios(const std::vector<double>& ratios, double advantage) {
  Batch batch;
  for (const double ratio : ratios) {
    batch.old_logp.push_back(static_cast<float>(std::log(0.5)));
    batch.logp.push_back(static_cast<float>(std::log(0.5) + std::log(ratio)));
  }
  batch.offsets.push_back(static_cast<int64_t>(ratios.size()));
  batch.advantages = {advantage};
  batch.truncated = {0};
  return batch;
}

PolicyLossOptions WithType(LossType type) {
  PolicyLossOptions options;
  options.loss_type = type;
  return options;
}

// The whole loss as TRL writes it, on any scalar; comparisons on the real part.
Complex Twin(const PolicyLossOptions& o, const Batch& b, const std::vector<Complex>& logp,
             const std::vector<Complex>& entropy) {
  const double low = 1 - o.epsilon, high = 1 + o.epsilon_high.value_or(o.epsilon);
  double tokens = 0;
  Complex loss = 0, entropies = 0;
  const double sequences = static_cast<double>(b.advantages.size());
  for (size_t i = 0; i < b.advantages.size(); ++i) {
    if (o.mask_truncated_completions && b.truncated[i]) continue;
    const double length = static_cast<double>(b.offsets[i + 1] - b.offsets[i]);
    tokens += length;
    for (size_t t = static_cast<size_t>(b.offsets[i]); t < static_cast<size_t>(b.offsets[i + 1]);
         ++t) {
      const Complex r = std::exp(logp[t] - double{b.old_logp[t]});
      const Complex clipped = r.real() < low ? low : r.real() > high ? high : r;
      const Complex one = r * b.advantages[i], two = clipped * b.advantages[i];
      Complex token = -double{b.importance[t]} * (one.real() < two.real() ? one : two);
      const Complex l = double{b.ref_logp[t]} - logp[t];
      const Complex kl = o.kl_estimator == KlEstimator::kK1   ? -l
                         : o.kl_estimator == KlEstimator::kK2 ? 0.5 * l * l
                                                              : std::exp(l) - l - 1.0;
      token += o.beta * kl;
      entropies += entropy[t];
      loss += token / (o.loss_type == LossType::kDapo   ? 1.0
                       : o.loss_type == LossType::kGrpo ? length * sequences
                                                        : sequences * 16);
    }
  }
  if (o.loss_type == LossType::kDapo) loss /= tokens;
  return loss - o.entropy_coef * entropies / tokens;
}

std::vector<PolicyLossOptions> ManyOptions() {
  std::vector<PolicyLossOptions> all;
  for (const auto type : {LossType::kDapo, LossType::kGrpo, LossType::kDrGrpo}) {
    PolicyLossOptions plain = WithType(type);
    all.push_back(plain);
    PolicyLossOptions rich = plain;
    rich.epsilon = 0.1;
    rich.epsilon_high = 0.28;
    rich.beta = 0.3;
    rich.entropy_coef = 0.05;
    for (const auto estimator : {KlEstimator::kK1, KlEstimator::kK2, KlEstimator::kK3}) {
      rich.kl_estimator = estimator;
      rich.mask_truncated_completions = !rich.mask_truncated_completions;
      all.push_back(rich);
    }
  }
  return all;
}

TEST(PolicyLoss, ValueAndGradientsMatchTwin) {
  const Batch batch = RandomBatch();
  for (const PolicyLossOptions& options : ManyOptions()) {
    const Result got = RunLoss(options, batch);
    const std::vector<Complex> logp(batch.logp.begin(), batch.logp.end());
    const std::vector<Complex> entropy(batch.entropy.begin(), batch.entropy.end());
    EXPECT_NEAR(got.sums.loss, Twin(options, batch, logp, entropy).real(), 1e-12);
    const auto dlogp = testing::ComplexStepGradient(
        [&](const std::vector<Complex>& x) { return Twin(options, batch, x, entropy); },
        std::vector<double>(batch.logp.begin(), batch.logp.end()));
    const auto dentropy = testing::ComplexStepGradient(
        [&](const std::vector<Complex>& x) { return Twin(options, batch, logp, x); },
        std::vector<double>(batch.entropy.begin(), batch.entropy.end()));
    EXPECT_LT(testing::RelativeDifference(got.dlogp, dlogp), 1e-6);
    EXPECT_LT(testing::RelativeDifference(got.dentropy, dentropy), 1e-6);
  }
}

TEST(PolicyLoss, TypesAgainstHandComputedValues) {
  // Two completions of 1 and 3 tokens at ratio 1 with advantages 2 and -1.
  Batch batch = Ratios({1, 1, 1, 1}, 2);
  batch.offsets = {0, 1, 4};
  batch.advantages = {2, -1};
  batch.truncated = {0, 0};
  EXPECT_DOUBLE_EQ(RunLoss(WithType(LossType::kDapo), batch).sums.loss, (-2 + 3) / 4.0);
  EXPECT_DOUBLE_EQ(RunLoss(WithType(LossType::kGrpo), batch).sums.loss, (-2 + 1) / 2.0);
  EXPECT_DOUBLE_EQ(RunLoss(WithType(LossType::kDrGrpo), batch).sums.loss, (-2 + 3) / (2.0 * 16));
  EXPECT_EQ(RunLoss(WithType(LossType::kGrpo), batch).dlogp,
            (std::vector<float>{-1.0f, 1 / 6.0f, 1 / 6.0f, 1 / 6.0f}));
}

TEST(PolicyLoss, EveryTokenHasAnAdvantageOfItsOwn) {
  const Batch one = Ratios({0.9, 1.1, 1.3}, 1);
  PolicyBatch batch = one.View();
  const std::vector<double> advantages{2, 0, -1};
  batch.advantages = advantages;
  std::vector<float> dlogp(3), dentropy(3);
  const LossTotals totals{.tokens = 3, .sequences = 1, .max_completion_length = 16};
  const PolicyLossSums sums = PolicyLoss({}, totals, batch, {dlogp, dentropy});
  EXPECT_NEAR(sums.loss, (-0.9 * 2 + 1.3) / 3, 1e-6);
  EXPECT_NEAR(dlogp[0], -0.9 * 2 / 3, 1e-6);
  EXPECT_EQ(dlogp[1], 0.0f);
  EXPECT_NEAR(dlogp[2], 1.3 / 3, 1e-6);
  batch.advantages = batch.advantages.first(2);
  EXPECT_THROW(PolicyLoss({}, totals, batch, {dlogp, dentropy}), Error);
}

TEST(PolicyLoss, DefaultsAreTrls) {
  EXPECT_EQ(WriteOptions(PolicyLossOptions()),
            Json::parse(R"({"loss_type":"dapo","epsilon":0.2,"epsilon_high":null,"beta":0.0,
                            "kl_estimator":"k3","mask_truncated_completions":false,
                            "entropy_coef":0.0})"));
}

TEST(PolicyLoss, ClipsEachSideForOneSignOfTheAdvantage) {
  PolicyLossOptions options;
  options.epsilon = 0.25;
  options.epsilon_high = 0.5;
  const std::vector<double> ratios = {0.7, 0.8, 1.4, 1.6};
  const Result good = RunLoss(options, Ratios(ratios, 1));
  EXPECT_NEAR(good.sums.loss, -(0.7 + 0.8 + 1.4 + 1.5) / 4, 1e-6);
  EXPECT_NEAR(good.dlogp[0], -0.7 / 4, 1e-6);
  EXPECT_NEAR(good.dlogp[2], -1.4 / 4, 1e-6);
  EXPECT_EQ(good.dlogp[3], 0.0f);
  EXPECT_EQ(good.sums.clip_ratio_high_mean(), 0.25);
  EXPECT_EQ(good.sums.clip_ratio_low_mean(), 0);
  const Result bad = RunLoss(options, Ratios(ratios, -1));
  EXPECT_NEAR(bad.sums.loss, (0.75 + 0.8 + 1.4 + 1.6) / 4, 1e-6);
  EXPECT_EQ(bad.dlogp[0], 0.0f);
  EXPECT_NEAR(bad.dlogp[1], 0.8 / 4, 1e-6);
  EXPECT_NEAR(bad.dlogp[3], 1.6 / 4, 1e-6);
  EXPECT_EQ(bad.sums.clip_ratio_low_mean(), 0.25);
  EXPECT_EQ(bad.sums.clip_ratio_region_mean(), 0.25);
}

TEST(PolicyLoss, TheEdgeItselfIsNotClipped) {
  // Differences of exactly 0: the edges 1 - 0 and 1 + 0 are met to the bit.
  PolicyLossOptions options;
  options.epsilon = 0;
  for (const double advantage : {1.0, -1.0}) {
    const Result edge = RunLoss(options, Ratios({1}, advantage));
    EXPECT_EQ(edge.dlogp[0], static_cast<float>(-advantage));
    EXPECT_EQ(edge.sums.clip_ratio_region_mean(), 0);
  }
  Batch above = Ratios({1}, 1);
  above.logp[0] = std::nextafter(above.logp[0], 0.0f);
  EXPECT_EQ(RunLoss(options, above).dlogp[0], 0.0f);
  EXPECT_EQ(RunLoss(options, above).sums.clip_ratio_high_mean(), 1);
}

TEST(PolicyLoss, ALargeEpsilonNeverClipsBelow) {
  PolicyLossOptions options;  // DeepSeek-R1 used 10
  options.epsilon = 10;
  const Result result = RunLoss(options, Ratios({0.01, 10.9}, -1));
  EXPECT_EQ(result.sums.clip_ratio_region_mean(), 0);
  EXPECT_NE(result.dlogp[0], 0.0f);
}

TEST(PolicyLoss, LogRatioIsClamped) {
  Batch batch = Ratios({1}, -1);
  batch.logp[0] = -0.1f;
  batch.old_logp[0] = -90.0f;
  const Result result = RunLoss({}, batch);
  EXPECT_NEAR(result.sums.loss, std::exp(20.0), 1e-3);
  EXPECT_EQ(result.dlogp[0], 0.0f);
}

TEST(PolicyLoss, EqualRewardsGiveExactlyNoGradient) {
  Batch batch = RandomBatch();
  batch.advantages.assign(12, 0.0);  // exactly: tests/rl/advantage_test.cpp
  for (const auto type : {LossType::kDapo, LossType::kGrpo, LossType::kDrGrpo}) {
    const Result result = RunLoss(WithType(type), batch);
    for (const float g : result.dlogp) EXPECT_EQ(g, 0.0f);
    for (const float g : result.dentropy) EXPECT_EQ(g, 0.0f);
    EXPECT_EQ(result.sums.loss, 0);
    EXPECT_EQ(result.sums.clip_ratio_region_mean(), 0);
  }
  // The pull to the reference still acts.
  PolicyLossOptions options;
  options.beta = 0.1;
  EXPECT_NE(RunLoss(options, batch).dlogp[0], 0.0f);
}

TEST(PolicyLoss, DoesNotDependOnTheCutIntoMicroBatches) {
  const Batch batch = RandomBatch();
  for (const PolicyLossOptions& options : ManyOptions()) {
    const Result whole = RunLoss(options, batch);
    EXPECT_EQ(RunLoss(options, batch).sums.loss, whole.sums.loss);
    for (const size_t size : {1u, 3u, 5u}) {
      LossTotals totals;
      totals.max_completion_length = 16;
      for (size_t i = 0; i < 12; i += size) {
        totals.Add(options, batch.Cut(i, std::min<size_t>(12, i + size)).View());
      }
      PolicyLossSums sums;
      std::vector<float> dlogp, dentropy;
      for (size_t i = 0; i < 12; i += size) {
        const Result part = RunLoss(options, batch.Cut(i, std::min<size_t>(12, i + size)), totals);
        sums.Add(part.sums);
        dlogp.insert(dlogp.end(), part.dlogp.begin(), part.dlogp.end());
        dentropy.insert(dentropy.end(), part.dentropy.begin(), part.dentropy.end());
      }
      EXPECT_NEAR(sums.loss, whole.sums.loss, 1e-12);
      EXPECT_EQ(sums.tokens, whole.sums.tokens);
      EXPECT_NEAR(sums.mean_kl(), whole.sums.mean_kl(), 1e-12);
      EXPECT_EQ(sums.clip_ratio_region_mean(), whole.sums.clip_ratio_region_mean());
      EXPECT_EQ(dlogp, whole.dlogp);  // to the bit: a token's gradient knows no micro-batch
      EXPECT_EQ(dentropy, whole.dentropy);
    }
  }
}

TEST(PolicyLoss, MaskedCompletionsCountForNothing) {
  PolicyLossOptions options;
  options.mask_truncated_completions = true;
  const Batch batch = RandomBatch();
  const Result masked = RunLoss(options, batch);
  Batch changed = batch;
  int64_t kept = 0;
  for (size_t i = 0; i < 12; ++i) {
    if (!batch.truncated[i]) kept += batch.offsets[i + 1] - batch.offsets[i];
    for (int64_t t = batch.offsets[i]; t < batch.offsets[i + 1] && batch.truncated[i]; ++t) {
      EXPECT_EQ(masked.dlogp[static_cast<size_t>(t)], 0.0f);
      changed.logp[static_cast<size_t>(t)] -= 1;
    }
  }
  EXPECT_EQ(masked.sums.tokens, kept);
  EXPECT_EQ(Totals(options, batch).tokens, kept);
  EXPECT_EQ(Totals(options, batch).sequences, 12);
  EXPECT_EQ(RunLoss(options, changed).sums.loss, masked.sums.loss);
  EXPECT_NE(RunLoss({}, changed).sums.loss, RunLoss({}, batch).sums.loss);
}

TEST(PolicyLoss, MetricsAreMeansOverTokens) {
  PolicyLossOptions options;
  options.beta = 0.5;
  Batch batch = Ratios({1, 1}, 1);
  batch.logp = {-1, -2};
  batch.old_logp = {-1.5f, -1.75f};
  batch.ref_logp = {-1, -1};
  batch.entropy = {0.5f, 1};
  const PolicyLossSums sums = RunLoss(options, batch).sums;
  EXPECT_DOUBLE_EQ(sums.mean_approx_kl(), (-0.5 + 0.25) / 2);
  EXPECT_DOUBLE_EQ(sums.mean_kl(), (0 + std::exp(1.0) - 2) / 2);
  EXPECT_DOUBLE_EQ(sums.mean_entropy(), 0.75);
  EXPECT_EQ(PolicyLossSums().mean_kl(), 0);
}

TEST(PolicyLoss, RefusesArraysThatDoNotFit) {
  Batch batch = RandomBatch();
  PolicyLossOptions options;
  options.beta = 0.1;
  options.entropy_coef = 0.1;
  EXPECT_NO_THROW(RunLoss(options, batch));
  Batch broken = batch;
  broken.ref_logp.clear();
  EXPECT_THROW(RunLoss(options, broken), Error);
  broken = batch;
  broken.entropy.clear();
  EXPECT_THROW(RunLoss(options, broken), Error);
  broken = batch;
  broken.old_logp.pop_back();
  EXPECT_THROW(RunLoss(options, broken), Error);
  broken = batch;
  broken.offsets.pop_back();
  EXPECT_THROW(RunLoss(options, broken), Error);
  LossTotals totals = Totals({}, batch);
  totals.max_completion_length = 0;
  EXPECT_THROW(RunLoss(WithType(LossType::kDrGrpo), batch, totals), Error);
}

}  // namespace
}  // namespace retort::train::policy_loss_test
