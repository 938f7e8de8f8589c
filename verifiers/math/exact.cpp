// Rational arithmetic, exactly. Sizes are bounded before every operation.

#include <cmath>
#include <unordered_map>

#include "verifiers/math/internal/scalar-inl.h"

namespace retort::verifiers {

namespace {

constexpr int kMaxRoot = 1000;

int64_t Bits(const fmpz* n) { return static_cast<int64_t>(fmpz_bits(n)); }
int64_t Bits(const fmpq* q) { return std::max(Bits(fmpq_numref(q)), Bits(fmpq_denref(q))); }

class Exact {
 public:
  Exact(const Tree& tree, Budget& budget, bool& decimal)
      : tree_(tree), budget_(budget), decimal_(decimal) {}

  Exactness Evaluate(NodeId id, Rational& out) {
    if (tree_[id].depth > kMaxDepth || !budget_.Spend(30)) return Exactness::kTooLarge;
    // What lies low is evaluated as often as it is met, the rest once.
    constexpr int kLow = 6;
    if (tree_[id].depth <= kLow) return EvaluateNode(id, out);
    if (const auto known = known_.find(id); known != known_.end()) {
      if (!budget_.Spend(Bits(known->second.value) / 16)) return Exactness::kTooLarge;
      fmpq_set(out, known->second.value);
      return known->second.exactness;
    }
    const Exactness exactness = EvaluateNode(id, out);
    if (!budget_.Spend(200 + Bits(out) / 4)) return Exactness::kTooLarge;
    Known& known = known_[id];
    known.exactness = exactness;
    fmpq_set(known.value, out);
    return exactness;
  }

 private:
  // What a product or quotient of the two, reduced, costs and holds.
  bool MayCombine(const fmpq* a, const fmpq* b) {
    const int64_t bits_a = Bits(a), bits_b = Bits(b);
    return bits_a + bits_b <= kMaxBits &&
           budget_.Spend((bits_a + bits_b) / 16 + (bits_a / 64 + 1) * (bits_b / 64 + 1));
  }

  Exactness EvaluateNode(NodeId id, Rational& out) {
    const Node& node = tree_[id];
    switch (node.op) {
      case Op::kNumber:
        return Read(node, out);
      case Op::kAdd:
      case Op::kMul:
        return Fold(id, out, [&](Rational& x, const Rational& y) {
          if (!MayCombine(x, y)) return Exactness::kTooLarge;
          node.op == Op::kAdd ? fmpq_add(x, x, y) : fmpq_mul(x, x, y);
          return Exactness::kValue;
        });
      case Op::kDivide:
        return Fold(id, out, [&](Rational& x, const Rational& y) {
          if (fmpq_is_zero(y)) return Exactness::kUndefined;
          if (!MayCombine(x, y)) return Exactness::kTooLarge;
          fmpq_div(x, x, y);
          return Exactness::kValue;
        });
      case Op::kPower:
        return Fold(id, out, [&](Rational& x, Rational& y) { return Power(x, y); });
      case Op::kRoot:
        return Fold(id, out, [&](Rational& x, Rational& y) {
          if (!y.IsInteger() || fmpq_is_zero(y)) return Exactness::kNotRational;
          if (fmpz_cmpabs(y.top(), Bound(kMaxRoot)) > 0) return Exactness::kNotRational;
          const slong degree = fmpz_get_si(y.top());
          return Root(x, std::abs(degree)) ? Power(x, degree < 0 ? -1 : 1)
                                           : Exactness::kNotRational;
        });
      case Op::kNegate: {
        const Exactness result = Evaluate(tree_.Child(id, 0), out);
        fmpq_neg(out, out);
        return result;
      }
      case Op::kPercent: {
        const Exactness result = Evaluate(tree_.Child(id, 0), out);
        if (result != Exactness::kValue) return result;
        fmpq_div_fmpz(out, out, Bound(100));
        return result;
      }
      case Op::kFunction:
        return Call(id, out);
      default:
        return Exactness::kNotRational;
    }
  }

  template <typename Operation>
  Exactness Fold(NodeId id, Rational& out, Operation operation) {
    const std::span<const NodeId> children = tree_.Children(id);
    if (children.empty()) return Exactness::kNotRational;
    Exactness result = Evaluate(children[0], out);
    for (size_t i = 1; i < children.size() && result == Exactness::kValue; ++i) {
      Rational next;
      result = Evaluate(children[i], next);
      if (result == Exactness::kValue) result = operation(out, next);
    }
    return result;
  }

  Exactness Read(const Node& node, Rational& out) {
    const ulong base = node.detail == 0 ? 10 : node.detail;
    const size_t point = node.text.find('.');
    const size_t places = point == std::string_view::npos ? 0 : node.text.size() - point - 1;
    decimal_ = decimal_ || point != std::string_view::npos;
    if (node.text.empty() || base < 2 || base > 36) return Exactness::kNotRational;
    const auto length = static_cast<int64_t>(node.text.size());
    if (length * FLINT_BIT_COUNT(base) > kMaxBits) return Exactness::kTooLarge;
    if (!budget_.Spend(length + length * length / 256)) return Exactness::kTooLarge;

    // Twelve digits of base 36 fit a word.
    constexpr size_t kChunk = 12;
    ulong chunk = 0, scale = 1;
    fmpz_zero(out.top());
    size_t digits = 0;
    for (const char c : node.text) {
      if (c == '.') continue;
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'z' ? c - 'a' + 10
                        : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                               : 36;
      if (digit >= static_cast<int>(base)) return Exactness::kNotRational;
      chunk = chunk * base + static_cast<ulong>(digit);
      scale *= base;
      if (++digits % kChunk == 0) Append(out.top(), chunk, scale);
    }
    if (digits == 0) return Exactness::kNotRational;
    Append(out.top(), chunk, scale);
    if (places > 0) {
      fmpz_ui_pow_ui(out.bottom(), base, places);
      fmpq_canonicalise(out);
    } else {
      fmpz_one(out.bottom());
    }
    return Exactness::kValue;
  }

  static void Append(fmpz* n, ulong& chunk, ulong& scale) {
    fmpz_mul_ui(n, n, scale);
    fmpz_add_ui(n, n, chunk);
    chunk = 0;
    scale = 1;
  }

  // x becomes its real root of that degree, if that is rational.
  bool Root(Rational& x, slong degree) {
    const bool negative = fmpq_sgn(x) < 0;
    const int64_t limbs = Bits(x) / 64 + 1;
    if (!budget_.Spend(limbs * limbs * 4)) return false;
    if (negative && degree % 2 == 0) return false;
    if (negative) fmpq_neg(x, x);
    const bool exact =
        fmpz_root(x.top(), x.top(), degree) != 0 && fmpz_root(x.bottom(), x.bottom(), degree) != 0;
    if (negative) fmpq_neg(x, x);
    return exact;
  }

  Exactness Power(Rational& x, slong n) {
    if (fmpq_is_zero(x)) return n > 0 ? Exactness::kValue : Exactness::kUndefined;
    const int64_t bits = Bits(x);
    // ±1 has one bit and stays as it is.
    if (bits > 1 && std::abs(n) > kMaxBits / bits) return Exactness::kTooLarge;
    const int64_t limbs = bits * std::abs(n) / 64 + 1;
    if (bits > 1 && !budget_.Spend(limbs * limbs / 4)) return Exactness::kTooLarge;
    if (bits == 1) {
      if (n % 2 == 0) fmpq_one(x);
    } else {
      fmpq_pow_si(x, x, n);
    }
    return Exactness::kValue;
  }

  Exactness Power(Rational& x, Rational& y) {
    if (fmpz_cmpabs(y.bottom(), Bound(kMaxRoot)) > 0) return Exactness::kNotRational;
    if (!y.IsInteger()) {
      // The principal power; of a negative number it is not real.
      if (fmpq_sgn(x) < 0) return Exactness::kNotRational;
      if (fmpq_is_zero(x)) return fmpq_sgn(y) > 0 ? Exactness::kValue : Exactness::kUndefined;
      if (!Root(x, fmpz_get_si(y.bottom()))) return Exactness::kNotRational;
    }
    if (!fmpz_fits_si(y.top())) {
      if (Bits(x) > 1) return Exactness::kTooLarge;
      return Power(x, fmpz_is_even(y.top()) ? 2 * fmpz_sgn(y.top()) : fmpz_sgn(y.top()));
    }
    const slong n = fmpz_get_si(y.top());
    if (n == WORD_MIN) return Exactness::kTooLarge;
    return Power(x, n);
  }

  Exactness Call(NodeId id, Rational& out);

  const fmpz* Bound(slong value) {
    fmpz_set_si(bound_, value);
    return bound_;
  }

  const Tree& tree_;
  Budget& budget_;
  bool& decimal_;
  struct Known {
    Exactness exactness = Exactness::kTooLarge;
    Rational value;
  };
  std::unordered_map<NodeId, Known> known_;
  Integer bound_;
};

// n as an integer of 0 … limit.
std::optional<ulong> Natural(Rational& x, ulong limit) {
  if (!x.IsInteger() || fmpz_sgn(x.top()) < 0 || fmpz_cmp_ui(x.top(), limit) > 0) {
    return std::nullopt;
  }
  return fmpz_get_ui(x.top());
}

Exactness Exact::Call(NodeId id, Rational& out) {
  const std::span<const NodeId> arguments = tree_.Children(id);
  const auto one = [&](auto operation) {
    const Exactness result =
        arguments.size() == 1 ? Evaluate(arguments[0], out) : Exactness::kNotRational;
    return result == Exactness::kValue ? operation() : result;
  };
  const auto two = [&](auto operation) {
    return arguments.size() == 2 ? Fold(id, out, operation) : Exactness::kNotRational;
  };
  // Of one value that leads to a rational one.
  const auto at = [&](slong argument, slong value) {
    return one([&] {
      if (!out.IsInteger() || !fmpz_equal_si(out.top(), argument)) return Exactness::kNotRational;
      fmpq_set_si(out, value, 1);
      return Exactness::kValue;
    });
  };
  switch (tree_.FunctionOf(id)) {
    case Function::kAbs:
      return one([&] {
        fmpq_abs(out, out);
        return Exactness::kValue;
      });
    case Function::kFloor:
    case Function::kCeil:
      return one([&] {
        if (!budget_.Spend(Bits(out))) return Exactness::kTooLarge;
        if (tree_.FunctionOf(id) == Function::kFloor) {
          fmpz_fdiv_q(out.top(), out.top(), out.bottom());
        } else {
          fmpz_cdiv_q(out.top(), out.top(), out.bottom());
        }
        fmpz_one(out.bottom());
        return Exactness::kValue;
      });
    case Function::kSign:
      return one([&] {
        fmpq_set_si(out, fmpq_sgn(out), 1);
        return Exactness::kValue;
      });
    case Function::kRe:
    case Function::kConjugate:
      return one([] { return Exactness::kValue; });
    case Function::kIm:
      return one([&] {
        fmpq_zero(out);
        return Exactness::kValue;
      });
    case Function::kFactorial:
      return one([&] {
        if (out.IsInteger() && fmpz_sgn(out.top()) < 0) return Exactness::kUndefined;
        if (!out.IsInteger()) return Exactness::kNotRational;
        const std::optional<ulong> n = Natural(out, 10'000);
        if (!n || !budget_.Spend(static_cast<int64_t>(*n * *n / 64))) return Exactness::kTooLarge;
        fmpz_fac_ui(out.top(), *n);
        return Exactness::kValue;
      });
    case Function::kBinomial:
      return two([&](Rational& n, Rational& k) {
        const std::optional<ulong> top = Natural(n, 1'000'000'000);
        const std::optional<ulong> bottom = Natural(k, 1'000'000'000);
        if (!top || !bottom) return Exactness::kNotRational;
        const ulong least = *bottom > *top ? 0 : std::min(*bottom, *top - *bottom);
        if (least > 5000 || !budget_.Spend(static_cast<int64_t>(least * least / 8))) {
          return Exactness::kTooLarge;
        }
        *bottom > *top ? fmpz_zero(n.top()) : fmpz_bin_uiui(n.top(), *top, least);
        return Exactness::kValue;
      });
    case Function::kGcd:
    case Function::kLcm:
      return Fold(id, out, [&](Rational& x, Rational& y) {
        if (!x.IsInteger() || !y.IsInteger()) return Exactness::kNotRational;
        if (!MayCombine(x, y)) return Exactness::kTooLarge;
        if (tree_.FunctionOf(id) == Function::kGcd) {
          fmpz_gcd(x.top(), x.top(), y.top());
        } else {
          fmpz_lcm(x.top(), x.top(), y.top());
        }
        return Exactness::kValue;
      });
    case Function::kMax:
    case Function::kMin:
      return Fold(id, out, [&](Rational& x, Rational& y) {
        if (!MayCombine(x, y)) return Exactness::kTooLarge;
        const int order = fmpq_cmp(x, y);
        if (tree_.FunctionOf(id) == Function::kMax ? order < 0 : order > 0) fmpq_swap(x, y);
        return Exactness::kValue;
      });
    case Function::kMod:
      return two([&](Rational& x, Rational& y) {
        if (fmpq_is_zero(y)) return Exactness::kUndefined;
        if (!x.IsInteger() || !y.IsInteger()) return Exactness::kNotRational;
        if (!MayCombine(x, y)) return Exactness::kTooLarge;
        fmpz_fdiv_r(x.top(), x.top(), y.top());
        return Exactness::kValue;
      });
    case Function::kLogBase:
      // log_4 8 = 3/2: guessed, then checked.
      return two([&](Rational& x, Rational& base) {
        if (fmpq_sgn(x) <= 0 || fmpq_sgn(base) <= 0 || fmpq_is_one(base)) {
          return Exactness::kNotRational;
        }
        const double ratio = (fmpz_dlog(x.top()) - fmpz_dlog(x.bottom())) /
                             (fmpz_dlog(base.top()) - fmpz_dlog(base.bottom()));
        for (slong q = 1; q <= 6; ++q) {
          const double p = std::round(ratio * static_cast<double>(q));
          if (!(std::abs(ratio * static_cast<double>(q) - p) < 1e-6 && std::abs(p) < 1e5)) continue;
          Rational left, right;
          fmpq_set(left, base);
          fmpq_set(right, x);
          if (Power(left, static_cast<slong>(p)) != Exactness::kValue)
            return Exactness::kNotRational;
          if (Power(right, q) != Exactness::kValue) return Exactness::kNotRational;
          if (!fmpq_equal(left, right)) return Exactness::kNotRational;
          fmpq_set_si(x, static_cast<slong>(p), static_cast<ulong>(q));
          return Exactness::kValue;
        }
        return Exactness::kNotRational;
      });
    case Function::kSin:
    case Function::kTan:
    case Function::kAsin:
    case Function::kAtan:
    case Function::kSinh:
    case Function::kTanh:
    case Function::kAsinh:
    case Function::kAtanh:
      return at(0, 0);
    case Function::kCos:
    case Function::kSec:
    case Function::kCosh:
    case Function::kExp:
      return at(0, 1);
    case Function::kLn:
    case Function::kLog:
    case Function::kAcos:
    case Function::kAcosh:
      return at(1, 0);
    default:
      return Exactness::kNotRational;
  }
}

// FLINT keeps constants and free memory per thread and frees them only when told.
struct ThreadCaches {
  ~ThreadCaches() { flint_cleanup(); }
};

}  // namespace

Exactness EvaluateExactly(const Tree& tree, NodeId id, Budget& budget, Rational& value,
                          bool& decimal) {
  // Every comparison comes by here first.
  thread_local const ThreadCaches caches;
  (void)caches;
  return Exact(tree, budget, decimal).Evaluate(id, value);
}

}  // namespace retort::verifiers
