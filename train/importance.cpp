#include "train/importance.h"

#include <cmath>

#include "train/kl.h"

namespace retort::train {
namespace {

double Bounded(const ImportanceOptions& options, double log_ratio) {
  const bool mask =
      options.mode == ImportanceMode::kTokenMask || options.mode == ImportanceMode::kSequenceMask;
  const double ratio = std::exp(std::clamp(log_ratio, -kMaxLogRatio, kMaxLogRatio));
  if (options.clip_max && ratio > *options.clip_max) return mask ? 0 : *options.clip_max;
  if (options.clip_min && ratio < *options.clip_min) return mask ? 0 : *options.clip_min;
  return ratio;
}

}  // namespace

std::vector<float> ImportanceWeights(const ImportanceOptions& options,
                                     std::span<const int64_t> offsets, std::span<const float> logp,
                                     std::span<const float> sampling_logp, ImportanceSums& sums) {
  RETORT_CHECK(
      logp.size() == sampling_logp.size() && offsets.back() == static_cast<int64_t>(logp.size()),
      "importance weights: got ", logp.size(), " and ", sampling_logp.size(),
      " log-probabilities for ", offsets.back(), " tokens");
  const bool whole = options.mode == ImportanceMode::kSequenceTruncate ||
                     options.mode == ImportanceMode::kSequenceMask;
  std::vector<float> weights(logp.size());
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const auto begin = static_cast<size_t>(offsets[i]), end = static_cast<size_t>(offsets[i + 1]);
    double log_ratio = 0;
    for (size_t t = begin; t < end; ++t) {
      log_ratio += double{logp[t]} - sampling_logp[t];
      if (whole) continue;
      const double ratio = Bounded(options, log_ratio);
      weights[t] = static_cast<float>(ratio);
      sums.Add(ratio);
      log_ratio = 0;
    }
    if (!whole || begin == end) continue;
    const double ratio = Bounded(options, log_ratio);
    std::fill(weights.begin() + offsets[i], weights.begin() + offsets[i + 1],
              static_cast<float>(ratio));
    sums.Add(ratio);
  }
  return weights;
}

}  // namespace retort::train
