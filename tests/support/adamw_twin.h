#pragma once
// AdamW of one parameter as in Loshchilov & Hutter 2019 (algorithm 2), in double precision.

#include <cmath>
#include <vector>

#include "nn/adamw.h"

namespace retort::testing {

struct AdamWTwin {
  std::vector<double> weights;
  std::vector<double> first, second;
  int step = 0;

  template <class Floats>
  explicit AdamWTwin(const Floats& start)
      : weights(start.begin(), start.end()), first(start.size()), second(start.size()) {}

  /// `gradient` is already clipped.
  void Step(const nn::OptimizerOptions& options, double rate, bool decay,
            const std::vector<double>& gradient) {
    ++step;
    for (size_t i = 0; i < weights.size(); ++i) {
      const double g = gradient[i];
      first[i] = options.adam_beta1 * first[i] + (1 - options.adam_beta1) * g;
      second[i] = options.adam_beta2 * second[i] + (1 - options.adam_beta2) * g * g;
      const double m = first[i] / (1 - std::pow(options.adam_beta1, step));
      const double v = second[i] / (1 - std::pow(options.adam_beta2, step));
      if (decay) weights[i] -= rate * options.weight_decay * weights[i];
      weights[i] -= rate * m / (std::sqrt(v) + options.adam_epsilon);
    }
  }
};

}  // namespace retort::testing
