#pragma once
// Rotary embedding of one head: the pair of frequency theta^(-2i/dim) turns by position times it.

#include <cmath>
#include <vector>

namespace retort::testing {

struct RopeTwinArgs {
  double position = 0;
  double theta = 10000;
  bool interleaved = false;
  bool inverse = false;
};

template <class S>
std::vector<S> RopeTwin(const std::vector<S>& x, const RopeTwinArgs& args) {
  const size_t dim = x.size();
  std::vector<S> y(dim);
  for (size_t i = 0; i < dim / 2; ++i) {
    const double frequency = std::pow(args.theta, -2.0 * double(i) / double(dim));
    const double angle = (args.inverse ? -1 : 1) * args.position * frequency;
    const size_t a = args.interleaved ? 2 * i : i;
    const size_t b = args.interleaved ? 2 * i + 1 : i + dim / 2;
    y[a] = x[a] * std::cos(angle) - x[b] * std::sin(angle);
    y[b] = x[a] * std::sin(angle) + x[b] * std::cos(angle);
  }
  return y;
}

}  // namespace retort::testing
