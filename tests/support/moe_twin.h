#pragma once
// Mixture of experts as in the papers, on any scalar: plain loops, comparisons on the real part.
// Sources: DeepSeek-V3 report §2.1.2; Fedus et al. 2021 for the classic auxiliary loss.

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "nn/moe.h"

namespace retort::testing {

inline double Real(double x) { return x; }
inline double Real(const std::complex<double>& x) { return x.real(); }

/// The ids of the `k` largest, in ascending id; ties go to the lower id.
inline std::vector<int32_t> LargestTwin(const std::vector<double>& values, int64_t k) {
  std::vector<int32_t> ids(values.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
  });
  ids.resize(static_cast<size_t>(k));
  std::sort(ids.begin(), ids.end());
  return ids;
}

template <class S>
struct RouteTwinResult {
  std::vector<S> scores;         // [T, E]
  std::vector<int32_t> experts;  // [T, K]
  std::vector<S> weights;        // [T, K]
};

/// The gate for logits [T, E]; an empty bias is none.
template <class S>
RouteTwinResult<S> RouteTwin(const nn::RouterShape& shape, const std::vector<S>& logits,
                             const std::vector<double>& bias) {
  const size_t experts = static_cast<size_t>(shape.experts);
  const size_t groups = static_cast<size_t>(shape.groups), size = experts / groups;
  RouteTwinResult<S> result;
  for (size_t row = 0; row < logits.size(); row += experts) {
    std::vector<S> s(experts);
    S sum = 0;
    double max = -std::numeric_limits<double>::infinity();
    for (size_t e = 0; e < experts; ++e) max = std::max(max, Real(logits[row + e]));
    for (size_t e = 0; e < experts; ++e) {
      if (shape.scoring == nn::Scoring::kSigmoid) {
        s[e] = S(1) / (S(1) + std::exp(-logits[row + e]));
      } else {
        s[e] = std::exp(logits[row + e] - max);
        sum += s[e];
      }
    }
    if (shape.scoring == nn::Scoring::kSoftmax) {
      for (S& score : s) score /= sum;
    }
    std::vector<double> selection(experts);
    for (size_t e = 0; e < experts; ++e) {
      selection[e] = Real(s[e]) + (bias.empty() ? 0.0 : bias[e]);
    }
    std::vector<double> group_score;
    for (size_t g = 0; g < groups; ++g) {
      std::vector<double> inside(selection.begin() + static_cast<int64_t>(g * size),
                                 selection.begin() + static_cast<int64_t>((g + 1) * size));
      std::sort(inside.rbegin(), inside.rend());
      group_score.push_back(inside[0] + (bias.empty() || size < 2 ? 0.0 : inside[1]));
    }
    const std::vector<int32_t> kept = LargestTwin(group_score, shape.top_groups);
    for (size_t e = 0; e < experts; ++e) {
      if (!std::binary_search(kept.begin(), kept.end(), static_cast<int32_t>(e / size))) {
        selection[e] = -std::numeric_limits<double>::infinity();
      }
    }
    const std::vector<int32_t> chosen = LargestTwin(selection, shape.top_k);
    S norm = shape.normalize ? S(1e-20) : S(1);
    if (shape.normalize) {
      for (const int32_t e : chosen) norm += s[static_cast<size_t>(e)];
    }
    for (const int32_t e : chosen) {
      result.weights.push_back(s[static_cast<size_t>(e)] / norm * static_cast<double>(shape.scale));
    }
    result.experts.insert(result.experts.end(), chosen.begin(), chosen.end());
    result.scores.insert(result.scores.end(), s.begin(), s.end());
  }
  return result;
}

/// y[t] = Σ_k weights[t, k] · expert_output(t, k), both [T, K] and [T, K, d] in token order.
template <class S>
std::vector<S> CombineTwin(const std::vector<S>& weights, const std::vector<S>& outputs,
                           int64_t top_k, int64_t d) {
  std::vector<S> y(weights.size() / static_cast<size_t>(top_k) * static_cast<size_t>(d), S(0));
  for (size_t i = 0; i < weights.size(); ++i) {
    for (size_t c = 0; c < static_cast<size_t>(d); ++c) {
      y[i / static_cast<size_t>(top_k) * static_cast<size_t>(d) + c] +=
          weights[i] * outputs[i * static_cast<size_t>(d) + c];
    }
  }
  return y;
}

/// alpha Σ f P for a list of token rows; `experts` empty: top-K of the scores themselves.
template <class S>
S BalanceTwin(const nn::RouterShape& shape, const std::vector<S>& scores,
              const std::vector<int64_t>& rows, const std::vector<int32_t>& experts) {
  const size_t count = static_cast<size_t>(shape.experts), k = static_cast<size_t>(shape.top_k);
  const double tokens = static_cast<double>(rows.size());
  std::vector<double> f(count, 0.0);
  std::vector<S> p(count, S(0));
  for (const int64_t row : rows) {
    const size_t t = static_cast<size_t>(row);
    std::vector<double> values;
    S sum = 0;
    for (size_t e = 0; e < count; ++e) {
      values.push_back(Real(scores[t * count + e]));
      sum += scores[t * count + e];
    }
    std::vector<int32_t> chosen = LargestTwin(values, shape.top_k);
    if (!experts.empty()) {
      chosen.assign(experts.begin() + static_cast<int64_t>(t * k),
                    experts.begin() + static_cast<int64_t>((t + 1) * k));
    }
    for (const int32_t e : chosen) {
      f[static_cast<size_t>(e)] += static_cast<double>(count) / static_cast<double>(k) / tokens;
    }
    for (size_t e = 0; e < count; ++e) p[e] += scores[t * count + e] / sum / tokens;
  }
  S loss = 0;
  for (size_t e = 0; e < count; ++e) loss += f[e] * p[e];
  return loss;
}

}  // namespace retort::testing
