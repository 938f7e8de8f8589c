#pragma once
// Rotary embedding of one head: the pair of frequency theta^(-2i/dim), or of the i-th of a list,
// turns by position times it, and is multiplied by the magnitude.

#include <cmath>
#include <vector>

namespace retort::testing {

struct RopeTwinArgs {
  double position = 0;
  double theta = 10000;
  std::vector<double> frequencies = {};
  double magnitude = 1;
  bool interleaved = false;
  bool inverse = false;
};

template <class S>
std::vector<S> RopeTwin(const std::vector<S>& x, const RopeTwinArgs& args) {
  const size_t dim = x.size();
  std::vector<S> y(dim);
  for (size_t i = 0; i < dim / 2; ++i) {
    const double frequency = args.frequencies.empty()
                                 ? std::pow(args.theta, -2.0 * double(i) / double(dim))
                                 : args.frequencies[i];
    const double angle = (args.inverse ? -1 : 1) * args.position * frequency;
    const size_t a = args.interleaved ? 2 * i : i;
    const size_t b = args.interleaved ? 2 * i + 1 : i + dim / 2;
    const double cos = args.magnitude * std::cos(angle), sin = args.magnitude * std::sin(angle);
    y[a] = x[a] * cos - x[b] * sin;
    y[b] = x[a] * sin + x[b] * cos;
  }
  return y;
}

}  // namespace retort::testing
