#pragma once
// How numbers are added up over the ranks of a run that learn side by side, each from its share of
// a batch: the one way in which gradients and the totals of a loss leave a learner. Today there is
// one rank, and nothing to add.

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "nn/parameters.h"

namespace retort::train {

struct Reduce {
  /// Leaves with every rank the sums over all, added in the order of the ranks; every rank calls it
  /// with arrays of the same lengths, in the same order. Empty: one rank.
  std::function<void(std::span<float>, std::span<double>)> sum = {};

  void Gradients(nn::ParameterStore& gradients) const {
    if (sum) sum(gradients.numbers(), {});
  }
  /// Counts (below 2^53) and sums of any type.
  template <class... Number>
  void Totals(Number&... numbers) const {
    if (!sum) return;
    std::array<double, sizeof...(numbers)> all{static_cast<double>(numbers)...};
    sum({}, all);
    size_t next = 0;
    ((numbers = static_cast<Number>(all[next++])), ...);
  }
  void Counts(std::span<int64_t> counts) const {
    if (!sum) return;
    std::vector<double> all(counts.begin(), counts.end());
    sum({}, all);
    for (size_t i = 0; i < counts.size(); ++i) counts[i] = static_cast<int64_t>(all[i]);
  }
};

}  // namespace retort::train
