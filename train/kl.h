#pragma once
// Estimators of the divergence from a reference policy by samples of the policy itself (Schulman,
// "Approximating KL divergence", 2020).

#include <array>
#include <utility>

namespace retort::train {

enum class KlEstimator { kK1, kK2, kK3 };
constexpr auto EnumNames(KlEstimator) {
  return std::array{std::pair{KlEstimator::kK1, "k1"}, std::pair{KlEstimator::kK2, "k2"},
                    std::pair{KlEstimator::kK3, "k3"}};
}

/// Log-ratios are clamped to ±kMaxLogRatio before they meet exp; a clamped one has no gradient.
inline constexpr double kMaxLogRatio = 20;

struct KlTerm {
  double value = 0;
  double gradient = 0;  ///< in `logp`
};

/// With l = ref_logp - logp, clamped: k1 = -l, k2 = l² / 2, k3 = exp(l) - 1 - l.
/// As values, k1 and k3 estimate KL(π‖ref) without bias, k2 with a small one. As losses, the
/// expected gradient of k1 is zero, of k2 that of KL(π‖ref), of k3 that of KL(ref‖π).
KlTerm EstimateKl(KlEstimator estimator, double logp, double ref_logp);

}  // namespace retort::train
