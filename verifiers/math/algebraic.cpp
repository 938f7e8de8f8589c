// Numbers made of rationals, roots, i, and sines of rational angles: how small they can be without
// being zero. The bound is that of Burnikel, Fleischer, Mehlhorn and Schirra ("A strong and easily
// computable separation bound for arithmetic expressions involving radicals", 2000): an expression
// is a quotient of algebraic integers of a known degree, whose conjugates have known bounds.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "verifiers/math/internal/scalar-inl.h"

namespace retort::verifiers {

namespace {

// top/bottom · π^pi · i^quarter, of small numbers.
struct Angle {
  int64_t top = 0, bottom = 1;
  int pi = 0;
  int quarter = 0;  // 0 or 1
};

constexpr int64_t kMaxAnglePart = 1 << 20;
constexpr double kMaxAlgebraicDegree = 4096;

std::optional<Angle> Reduced(Angle angle) {
  if (angle.bottom == 0) return std::nullopt;
  const int64_t common = std::gcd(angle.top, angle.bottom);
  if (common == 0) return std::nullopt;
  angle.top /= common;
  angle.bottom /= common;
  if (angle.bottom < 0) {
    angle.top = -angle.top;
    angle.bottom = -angle.bottom;
  }
  if (angle.quarter == 2) {
    angle.top = -angle.top;
    angle.quarter = 0;
  }
  if (std::abs(angle.top) > kMaxAnglePart || angle.bottom > kMaxAnglePart) return std::nullopt;
  return angle;
}

// A step's value is U/L of algebraic integers; all conjugates of U are at most 2^top, of L
// 2^bottom.
struct Sizes {
  double top = 0, bottom = 0;
  double degree = 1;    // that the step itself contributes
  bool closed = false;  // what it is made of does not count
};

double LogOfSum(double x, double y) {
  return std::max(x, y) + std::log2(1 + std::exp2(-std::abs(x - y)));
}

class Separation {
 public:
  Separation(const Program& program, const Tree& tree, const Balls& balls, Budget& budget)
      : program_(program), tree_(tree), balls_(balls), budget_(budget) {}

  std::optional<double> Bits() {
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      const Step& step = program_.steps[i];
      if (!budget_.Spend(100 + 60 * step.count)) return std::nullopt;
      angles_.push_back(AngleOf(step));
      sizes_.push_back(SizesOf(step));
    }
    if (!SizeAt(program_.a) || !SizeAt(program_.b)) return std::nullopt;
    const std::optional<double> degree = Degree();
    if (!degree) return std::nullopt;
    const Sizes difference = Sum(*SizeAt(program_.a), *SizeAt(program_.b));
    return (*degree - 1) * difference.top + difference.bottom + 1;
  }

 private:
  const std::optional<Angle>& AngleAt(int32_t i) const { return angles_[static_cast<size_t>(i)]; }
  const std::optional<Sizes>& SizeAt(int32_t i) const { return sizes_[static_cast<size_t>(i)]; }
  int32_t Argument(const Step& step, int i) const {
    return program_.arguments[static_cast<size_t>(step.first + i)];
  }

  static Sizes Sum(const Sizes& a, const Sizes& b) {
    return {LogOfSum(a.top + b.bottom, b.top + a.bottom), a.bottom + b.bottom};
  }

  // The degree of a field that holds both.
  std::optional<double> Degree() const {
    std::vector<char> counts(program_.steps.size());
    counts[static_cast<size_t>(program_.a)] = counts[static_cast<size_t>(program_.b)] = 1;
    double degree = 1;
    for (auto i = static_cast<int32_t>(program_.steps.size()) - 1; i >= 0; --i) {
      if (!counts[static_cast<size_t>(i)]) continue;
      degree *= SizeAt(i)->degree;
      if (degree > kMaxAlgebraicDegree) return std::nullopt;
      if (SizeAt(i)->closed) continue;
      for (const int32_t argument : program_.Arguments(program_[i])) {
        counts[static_cast<size_t>(argument)] = 1;
      }
    }
    return degree;
  }

  std::optional<Angle> RationalAngle(const Step& step) const {
    Rational value;
    bool decimal = false;
    if (EvaluateExactly(tree_, step.node, budget_, value, decimal) != Exactness::kValue ||
        fmpq_height_bits(value) > 20) {
      return std::nullopt;
    }
    return Reduced({fmpz_get_si(value.top()), fmpz_get_si(value.bottom())});
  }

  std::optional<Angle> AngleOf(const Step& step) const {
    for (const int32_t argument : program_.Arguments(step)) {
      if (!AngleAt(argument)) return std::nullopt;
    }
    switch (step.op) {
      case Op::kNumber:
        return RationalAngle(step);
      case Op::kPi:
        return Angle{1, 1, 1, 0};
      case Op::kI:
        return Angle{1, 1, 0, 1};
      case Op::kAdd:
      case Op::kMul:
      case Op::kDivide: {
        std::optional<Angle> angle = AngleAt(Argument(step, 0));
        for (int k = 1; k < step.count && angle; ++k) {
          angle = Combine(step.op, *angle, *AngleAt(Argument(step, k)));
        }
        return angle;
      }
      case Op::kNegate: {
        Angle angle = *AngleAt(Argument(step, 0));
        angle.top = -angle.top;
        return angle;
      }
      default:
        return std::nullopt;
    }
  }

  static std::optional<Angle> Combine(Op op, const Angle& a, const Angle& b) {
    if (op == Op::kAdd) {
      if (a.pi != b.pi || a.quarter != b.quarter) return std::nullopt;
      return Reduced({a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom, a.pi, a.quarter});
    }
    if (op == Op::kMul) {
      return Reduced({a.top * b.top, a.bottom * b.bottom, a.pi + b.pi, a.quarter + b.quarter});
    }
    if (b.quarter != 0) return std::nullopt;
    return Reduced({a.top * b.bottom, a.bottom * b.top, a.pi - b.pi, a.quarter});
  }

  // e^(iπ·angle) and its powers.
  static Sizes RootOfUnity(const Angle& angle) {
    return {0, 0, static_cast<double>(2 * angle.bottom), true};
  }
  bool IsAngle(int32_t i, int quarter) const {
    const std::optional<Angle>& angle = AngleAt(i);
    return angle && angle->pi == 1 && (angle->quarter == quarter || angle->top == 0);
  }

  static Sizes Raised(const Sizes& x, double n) {
    return n < 0 ? Sizes{-n * x.bottom, -n * x.top} : Sizes{n * x.top, n * x.bottom};
  }
  static Sizes Rooted(const Sizes& x, double degree) {
    const double rest = degree - 1;
    if (x.top >= x.bottom) return {(x.top + rest * x.bottom) / degree, x.bottom, degree};
    return {x.top, (rest * x.top + x.bottom) / degree, degree};
  }

  std::optional<Sizes> SizesOf(const Step& step) const {
    const auto at = [&](int k) -> const std::optional<Sizes>& { return SizeAt(Argument(step, k)); };
    switch (step.op) {
      case Op::kNumber: {
        Rational value;
        bool decimal = false;
        if (EvaluateExactly(tree_, step.node, budget_, value, decimal) != Exactness::kValue) {
          return std::nullopt;
        }
        return Sizes{
            static_cast<double>(fmpz_bits(value.top())),
            fmpz_is_one(value.bottom()) ? 0 : static_cast<double>(fmpz_bits(value.bottom()))};
      }
      case Op::kI:
        return Sizes{0, 0, 2};
      case Op::kPercent:
        if (!at(0)) return std::nullopt;
        return Sizes{at(0)->top, at(0)->bottom + 7};
      case Op::kNegate:
        if (!at(0)) return std::nullopt;
        return Sizes{at(0)->top, at(0)->bottom};
      case Op::kAdd:
      case Op::kMul:
      case Op::kDivide: {
        if (!at(0)) return std::nullopt;
        Sizes sizes{at(0)->top, at(0)->bottom};
        for (int k = 1; k < step.count; ++k) {
          if (!at(k)) return std::nullopt;
          if (step.op == Op::kAdd) sizes = Sum(sizes, *at(k));
          if (step.op == Op::kMul) sizes = {sizes.top + at(k)->top, sizes.bottom + at(k)->bottom};
          if (step.op == Op::kDivide) {
            sizes = {sizes.top + at(k)->bottom, sizes.bottom + at(k)->top};
          }
        }
        return sizes;
      }
      case Op::kRoot:
      case Op::kPower: {
        if (step.count != 2) return std::nullopt;
        const Step& base = program_[Argument(step, 0)];
        if (step.op == Op::kPower && base.op == Op::kE && IsAngle(Argument(step, 1), 1)) {
          return RootOfUnity(*AngleAt(Argument(step, 1)));
        }
        const std::optional<Angle>& exponent = AngleAt(Argument(step, 1));
        if (!at(0) || !exponent || exponent->pi != 0 || exponent->quarter != 0) return std::nullopt;
        auto n = static_cast<double>(exponent->top), degree = static_cast<double>(exponent->bottom);
        if (step.op == Op::kRoot) std::swap(n, degree);
        if (degree < 0) {
          n = -n;
          degree = -degree;
        }
        if (degree == 0 || degree > 64) return std::nullopt;
        Sizes sizes = degree == 1 ? *at(0) : Rooted(*at(0), degree);
        sizes = Raised(sizes, n);
        sizes.degree = degree;
        return sizes;
      }
      case Op::kFunction:
        return SizesOfFunction(step);
      default:
        return std::nullopt;
    }
  }

  std::optional<Sizes> SizesOfFunction(const Step& step) const {
    if (step.count != 1) return std::nullopt;
    const int32_t argument = Argument(step, 0);
    switch (static_cast<Function>(step.detail)) {
      case Function::kExp:
        if (!IsAngle(argument, 1)) return std::nullopt;
        return RootOfUnity(*AngleAt(argument));
      case Function::kSin:
      case Function::kCos:
      case Function::kTan:
      case Function::kCot:
      case Function::kSec:
      case Function::kCsc: {
        // 2·cos and 2·sin are sums of two roots of unity; i is a root of unity of degree 4.
        if (!IsAngle(argument, 0)) return std::nullopt;
        Sizes sizes = RootOfUnity(*AngleAt(argument));
        sizes.top = sizes.bottom = 1;
        sizes.degree *= 2;
        return sizes;
      }
      case Function::kAbs: {
        // ± the argument where that is real.
        if (!SizeAt(argument) || !arb_is_zero(acb_imagref(balls_[argument]))) return std::nullopt;
        return Sizes{SizeAt(argument)->top, SizeAt(argument)->bottom};
      }
      default:
        return std::nullopt;
    }
  }

  const Program& program_;
  const Tree& tree_;
  const Balls& balls_;
  Budget& budget_;
  std::vector<std::optional<Angle>> angles_;
  std::vector<std::optional<Sizes>> sizes_;
};

}  // namespace

std::optional<double> SeparationBits(const Program& program, const Tree& tree, const Balls& balls,
                                     Budget& budget) {
  return Separation(program, tree, balls, budget).Bits();
}

}  // namespace retort::verifiers
