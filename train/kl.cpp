#include "train/kl.h"

#include <algorithm>
#include <cmath>

namespace retort::train {

KlTerm EstimateKl(KlEstimator estimator, double logp, double ref_logp) {
  const double l = std::clamp(ref_logp - logp, -kMaxLogRatio, kMaxLogRatio);
  KlTerm term;
  switch (estimator) {
    case KlEstimator::kK1:
      term = {-l, 1};
      break;
    case KlEstimator::kK2:
      term = {0.5 * l * l, -l};
      break;
    case KlEstimator::kK3:
      term = {std::expm1(l) - l, -std::expm1(l)};
      break;
  }
  if (l != ref_logp - logp) term.gradient = 0;
  return term;
}

}  // namespace retort::train
