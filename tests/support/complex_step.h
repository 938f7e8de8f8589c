#pragma once
// Derivatives without cancellation: for a real-analytic f, Im f(x + ih) / h = f'(x) + O(h²) (Squire
// and Trapp 1998). Comparisons inside f must act on real parts and x must stay away from ties.

#include <cmath>
#include <complex>
#include <vector>

namespace retort::testing {

using Complex = std::complex<double>;

/// Gradient at `x` of a scalar function that takes std::vector<Complex> and returns Complex.
template <class F>
std::vector<double> ComplexStepGradient(const F& f, const std::vector<double>& x) {
  constexpr double kStep = 1e-40;
  std::vector<Complex> point(x.begin(), x.end());
  std::vector<double> gradient;
  for (size_t i = 0; i < x.size(); ++i) {
    point[i] = Complex(x[i], kStep);
    gradient.push_back(f(point).imag() / kStep);
    point[i] = x[i];
  }
  return gradient;
}

/// |got - want| / |want| in the Euclidean norm; the plain |got| when `want` is zero.
template <class A, class B>
double RelativeDifference(const A& got, const B& want) {
  if (std::size(got) != std::size(want)) return INFINITY;
  double difference = 0, norm = 0;
  auto g = std::begin(got);
  for (const double w : want) {
    difference += (static_cast<double>(*g) - w) * (static_cast<double>(*g) - w);
    norm += w * w;
    ++g;
  }
  return std::sqrt(norm > 0 ? difference / norm : difference);
}

}  // namespace retort::testing
