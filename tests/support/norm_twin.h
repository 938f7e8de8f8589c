#pragma once
// RMSNorm as in the paper: y = w x / sqrt(mean(x²) + eps).

#include <cmath>
#include <complex>
#include <vector>

namespace retort::testing {

/// x [T, n] row after row, weight [n].
template <class S>
std::vector<S> RmsNormTwin(const std::vector<S>& x, const std::vector<S>& weight, double eps) {
  const size_t n = weight.size();
  std::vector<S> y(x.size());
  for (size_t begin = 0; begin < x.size(); begin += n) {
    S sum(0);
    for (size_t i = 0; i < n; ++i) sum += x[begin + i] * x[begin + i];
    const S root = std::sqrt(sum / static_cast<double>(n) + eps);
    for (size_t i = 0; i < n; ++i) y[begin + i] = weight[i] * x[begin + i] / root;
  }
  return y;
}

}  // namespace retort::testing
