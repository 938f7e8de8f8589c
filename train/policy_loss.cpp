#include "train/policy_loss.h"

#include <algorithm>
#include <cmath>

namespace retort::train {
namespace {

bool Masked(const PolicyLossOptions& options, const PolicyBatch& batch, size_t sequence) {
  return options.mask_truncated_completions && !batch.truncated.empty() &&
         batch.truncated[sequence] != 0;
}

void CheckSize(const char* what, size_t got, size_t expected) {
  RETORT_CHECK(got == expected, "policy loss: got ", got, " numbers of ", what, ", expected ",
               expected);
}

void CheckBatch(const PolicyLossOptions& options, const PolicyBatch& batch,
                const PolicyGradients& gradients) {
  const size_t tokens = batch.logp.size();
  RETORT_CHECK(!batch.offsets.empty() && batch.offsets.front() == 0 &&
                   std::ranges::is_sorted(batch.offsets) &&
                   batch.offsets.back() == static_cast<int64_t>(tokens),
               "policy loss: expected offsets that rise from 0 to the ", tokens, " tokens");
  CheckSize("advantages", batch.advantages.size(), tokens);
  CheckSize("old_logp", batch.old_logp.size(), tokens);
  CheckSize("dlogp", gradients.dlogp.size(), tokens);
  if (!batch.truncated.empty()) {
    CheckSize("truncated", batch.truncated.size(), batch.offsets.size() - 1);
  }
  if (options.beta != 0) CheckSize("ref_logp (beta is not 0)", batch.ref_logp.size(), tokens);
  if (!batch.importance.empty()) CheckSize("importance", batch.importance.size(), tokens);
  if (options.entropy_coef != 0) {
    CheckSize("entropy (entropy_coef is not 0)", batch.entropy.size(), tokens);
    CheckSize("dentropy (entropy_coef is not 0)", gradients.dentropy.size(), tokens);
  }
}

// What the loss of one token of a sequence of `length` counts.
double TokenWeight(LossType loss_type, const LossTotals& totals, int64_t length) {
  const double sequences = static_cast<double>(totals.sequences);
  switch (loss_type) {
    case LossType::kDapo:
      return 1 / static_cast<double>(totals.tokens);
    case LossType::kGrpo:
      return 1 / (sequences * static_cast<double>(length));
    case LossType::kDrGrpo:
      RETORT_CHECK(totals.max_completion_length > 0,
                   "policy loss: dr_grpo needs max_completion_length");
      return 1 / (sequences * static_cast<double>(totals.max_completion_length));
  }
  Fail("policy loss: unknown loss_type");
}

struct Surrogate {
  double value = 0;
  double gradient = 0;  // in logp
  bool low_clipped = false;
  bool high_clipped = false;
};

Surrogate Clip(double log_ratio, double advantage, double low, double high) {
  const double bounded = std::clamp(log_ratio, -kMaxLogRatio, kMaxLogRatio);
  const double ratio = std::exp(bounded);
  Surrogate s;
  s.low_clipped = ratio < low && advantage < 0;
  s.high_clipped = ratio > high && advantage > 0;
  if (s.low_clipped || s.high_clipped) {
    s.value = -advantage * (s.low_clipped ? low : high);
  } else {
    s.value = -advantage * ratio;
    s.gradient = bounded == log_ratio ? s.value : 0;  // d(-A e^x) / dx is -A e^x itself
  }
  return s;
}

}  // namespace

void LossTotals::Add(const PolicyLossOptions& options, const PolicyBatch& batch) {
  for (size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
    ++sequences;
    if (!Masked(options, batch, i)) tokens += batch.offsets[i + 1] - batch.offsets[i];
  }
}

void PolicyLossSums::Add(const PolicyLossSums& other) {
  loss += other.loss;
  tokens += other.tokens;
  low_clipped += other.low_clipped;
  high_clipped += other.high_clipped;
  kl += other.kl;
  approx_kl += other.approx_kl;
  entropy += other.entropy;
}

PolicyLossSums PolicyLoss(const PolicyLossOptions& options, const LossTotals& totals,
                          const PolicyBatch& batch, const PolicyGradients& gradients) {
  CheckBatch(options, batch, gradients);
  std::fill(gradients.dlogp.begin(), gradients.dlogp.end(), 0.0f);
  std::fill(gradients.dentropy.begin(), gradients.dentropy.end(), 0.0f);
  const double low = 1 - options.epsilon;
  const double high = 1 + options.epsilon_high.value_or(options.epsilon);

  PolicyLossSums sums;
  for (size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
    const int64_t begin = batch.offsets[i], end = batch.offsets[i + 1];
    if (Masked(options, batch, i) || begin == end) continue;
    const double weight = TokenWeight(options.loss_type, totals, end - begin);
    const double entropy_weight = options.entropy_coef / static_cast<double>(totals.tokens);
    sums.tokens += end - begin;
    for (size_t t = static_cast<size_t>(begin); t < static_cast<size_t>(end); ++t) {
      const double logp = batch.logp[t], log_ratio = logp - double{batch.old_logp[t]};
      const Surrogate surrogate = Clip(log_ratio, batch.advantages[t], low, high);
      sums.low_clipped += surrogate.low_clipped;
      sums.high_clipped += surrogate.high_clipped;
      sums.approx_kl -= log_ratio;
      const double importance = batch.importance.empty() ? 1 : double{batch.importance[t]};
      double value = importance * surrogate.value, gradient = importance * surrogate.gradient;
      if (!batch.ref_logp.empty()) {
        const KlTerm kl = EstimateKl(options.kl_estimator, logp, batch.ref_logp[t]);
        sums.kl += kl.value;
        value += options.beta * kl.value;
        gradient += options.beta * kl.gradient;
      }
      sums.loss += weight * value;
      gradients.dlogp[t] = static_cast<float>(weight * gradient);
      if (!batch.entropy.empty()) {
        sums.entropy += batch.entropy[t];
        sums.loss -= entropy_weight * batch.entropy[t];
      }
      if (!gradients.dentropy.empty()) gradients.dentropy[t] = static_cast<float>(-entropy_weight);
    }
  }
  return sums;
}

}  // namespace retort::train
