#pragma once
// The textbook's way from logits to the probabilities that a token is drawn with, a step at a time
// over the whole vocabulary.

#include <algorithm>
#include <cmath>
#include <vector>

#include "rollout/sampler.h"

namespace retort::testing {

/// [V]; 0 where a token cannot be drawn.
inline std::vector<double> TwinProbabilities(std::vector<double> logits,
                                             const std::vector<int32_t>& prompt,
                                             const std::vector<int32_t>& completion,
                                             const rollout::SamplingOptions& options) {
  const size_t V = logits.size();
  for (size_t id = 0; id < V; ++id) {
    const auto times =
        static_cast<double>(std::ranges::count(completion, static_cast<int32_t>(id)));
    if (times > 0 || std::ranges::count(prompt, static_cast<int32_t>(id)) > 0) {
      logits[id] = logits[id] < 0 ? logits[id] * options.repetition_penalty
                                  : logits[id] / options.repetition_penalty;
    }
    logits[id] -= options.frequency_penalty * times;
    if (times > 0) logits[id] -= options.presence_penalty;
  }
  std::vector<double> p(V);
  const auto normalize = [&] {
    double total = 0;
    for (const double x : p) total += x;
    for (double& x : p) x /= total;
  };
  const double largest = std::ranges::max(logits);
  for (size_t id = 0; id < V; ++id) p[id] = std::exp((logits[id] - largest) / options.temperature);
  normalize();
  const auto descending = [&] {
    std::vector<size_t> ids(V);
    for (size_t id = 0; id < V; ++id) ids[id] = id;
    std::ranges::stable_sort(ids, [&](size_t a, size_t b) { return p[a] > p[b]; });
    return ids;
  };
  if (options.top_k > 0) {
    const std::vector<size_t> ids = descending();
    for (size_t i = static_cast<size_t>(options.top_k); i < V; ++i) p[ids[i]] = 0;
    normalize();
  }
  if (options.top_p < 1) {
    double before = 0;
    for (const size_t id : descending()) {
      const double own = p[id];
      if (before > 0 && before >= options.top_p) p[id] = 0;
      before += own;
    }
    normalize();
  }
  if (options.min_p > 0) {
    const double least = options.min_p * std::ranges::max(p);
    for (double& x : p) x = x < least ? 0 : x;
    normalize();
  }
  return p;
}

}  // namespace retort::testing
