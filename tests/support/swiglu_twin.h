#pragma once
// SwiGLU: silu(gate) times up.

#include <cmath>
#include <complex>
#include <vector>

namespace retort::testing {

/// gate_up [T, 2f] row after row.
template <class S>
std::vector<S> SwiGluTwin(const std::vector<S>& gate_up, size_t f) {
  std::vector<S> y;
  for (size_t begin = 0; begin < gate_up.size(); begin += 2 * f) {
    for (size_t i = 0; i < f; ++i) {
      const S gate = gate_up[begin + i], up = gate_up[begin + f + i];
      y.push_back(gate / (1.0 + std::exp(-gate)) * up);
    }
  }
  return y;
}

}  // namespace retort::testing
