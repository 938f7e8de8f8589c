#pragma once
// Weights that correct for sampling with another precision than the one that learns, as pure
// functions over small arrays; names and defaults are TRL's (without its "vllm_"). Source: Yao et
// al. 2025 ("Your efficient RL framework secretly brings you off-policy RL training").

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/options.h"

namespace retort::train {

/// Whose probability ratio is taken, and what becomes of one outside the bounds.
enum class ImportanceMode {
  kTokenTruncate,     ///< moved to the bound
  kTokenMask,         ///< 0: the token does not count
  kSequenceTruncate,  ///< the product over a completion, for all of its tokens
  kSequenceMask,
};
constexpr auto EnumNames(ImportanceMode) {
  return std::array{std::pair{ImportanceMode::kTokenTruncate, "token_truncate"},
                    std::pair{ImportanceMode::kTokenMask, "token_mask"},
                    std::pair{ImportanceMode::kSequenceTruncate, "sequence_truncate"},
                    std::pair{ImportanceMode::kSequenceMask, "sequence_mask"}};
}

struct ImportanceOptions {
  bool correction = true;
  ImportanceMode mode = ImportanceMode::kSequenceMask;
  std::optional<double> clip_max = 3.0;
  std::optional<double> clip_min = std::nullopt;
  template <class V>
  void Visit(V& v) {
    v("importance_sampling_correction", correction,
      "Where rollout_dtype is not that of training: weight the policy loss of each token by the "
      "ratio of its probabilities, that of training to that of the rollout.");
    v("importance_sampling_mode", mode,
      "Ratios of tokens, or of whole completions; outside the bounds they are moved to the bound "
      "(truncate) or count as 0 (mask).");
    v("importance_sampling_clip_max", clip_max, "Upper bound of the ratio; null: none.",
      Bounds{0, 1e6});
    v("importance_sampling_clip_min", clip_min, "Lower bound of the ratio; null: none.",
      Bounds{0, 1e6});
  }
};

/// Over the ratios after the bounds: one per token, or one per completion that is not empty.
struct ImportanceSums {
  double min = std::numeric_limits<double>::infinity();
  double max = 0;
  double sum = 0;
  int64_t count = 0;

  void Add(double ratio) {
    min = std::min(min, ratio);
    max = std::max(max, ratio);
    sum += ratio;
    ++count;
  }
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
};

/// The weight of each of T tokens. Sequence i owns tokens [offsets[i], offsets[i + 1]); `logp` [T]
/// is of the policy as it learns, before its first update after the rollout, and `sampling_logp`
/// [T] of the policy as it was sampled.
std::vector<float> ImportanceWeights(const ImportanceOptions& options,
                                     std::span<const int64_t> offsets, std::span<const float> logp,
                                     std::span<const float> sampling_logp, ImportanceSums& sums);

}  // namespace retort::train
