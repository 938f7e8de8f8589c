#pragma once
// Log-probability and entropy of softmax(W h / T), prediction by prediction.

#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

namespace retort::testing {

template <class S>
std::vector<S> LogSoftmaxTwin(std::vector<S> logits, double temperature) {
  double max = -INFINITY;  // acts on real parts
  for (const S& l : logits) max = std::max(max, std::real(l) / temperature);
  S sum(0);
  for (S& l : logits) {
    l /= temperature;
    sum += std::exp(l - max);
  }
  const S log_sum = max + std::log(sum);
  for (S& l : logits) l -= log_sum;
  return logits;
}

template <class S>
S EntropyTwin(const std::vector<S>& logprobs) {
  S entropy(0);
  for (const S& l : logprobs) entropy -= std::exp(l) * l;
  return entropy;
}

struct HeadTwinArgs {
  int64_t width = 0;  // d
  std::vector<int32_t> rows, targets;
  double temperature = 1;
};
template <class S>
struct HeadTwinResult {
  std::vector<S> logprob, entropy;
};
/// hidden [T, d], w [V, d], row after row.
template <class S>
HeadTwinResult<S> HeadTwin(const std::vector<S>& hidden, const std::vector<S>& w,
                           const HeadTwinArgs& args) {
  HeadTwinResult<S> result;
  const size_t d = static_cast<size_t>(args.width);
  for (size_t p = 0; p < args.rows.size(); ++p) {
    std::vector<S> logits(w.size() / d, S(0));
    for (size_t j = 0; j < logits.size(); ++j) {
      for (size_t i = 0; i < d; ++i) {
        logits[j] += w[j * d + i] * hidden[static_cast<size_t>(args.rows[p]) * d + i];
      }
    }
    const std::vector<S> logprobs = LogSoftmaxTwin(logits, args.temperature);
    result.logprob.push_back(logprobs[static_cast<size_t>(args.targets[p])]);
    result.entropy.push_back(EntropyTwin(logprobs));
  }
  return result;
}

}  // namespace retort::testing
