#include <algorithm>
#include <cmath>
#include <string>

#include "verifiers/math/internal/scalar-inl.h"

namespace retort::verifiers {

namespace {

constexpr int kMaxAtoms = 32;
constexpr slong kMaxExponent = 64;
constexpr slong kMaxDegree = 128;
constexpr double kMaxTerms = 5000;
constexpr slong kMaxCoefficientBits = 4'000;
constexpr slong kMaxRootDegree = 8;

// A ring of polynomials with integer coefficients in so many variables, the first the greatest.
struct Ring {
  explicit Ring(slong variables) { fmpz_mpoly_ctx_init(context, variables, ORD_LEX); }
  ~Ring() { fmpz_mpoly_ctx_clear(context); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  fmpz_mpoly_ctx_t context;
};

class Polynomial {
 public:
  explicit Polynomial(const Ring& ring) : ring_(&ring) { fmpz_mpoly_init(value_, ring.context); }
  ~Polynomial() { fmpz_mpoly_clear(value_, ring_->context); }
  Polynomial(Polynomial&& other) noexcept : Polynomial(*other.ring_) { Swap(other); }
  Polynomial& operator=(Polynomial&& other) noexcept {
    Swap(other);
    return *this;
  }

  const fmpz_mpoly_ctx_struct* context() const { return ring_->context; }
  operator fmpz_mpoly_struct*() { return value_; }
  operator const fmpz_mpoly_struct*() const { return value_; }
  void Set(const Polynomial& other) { fmpz_mpoly_set(value_, other, context()); }
  bool IsZero() const { return fmpz_mpoly_is_zero(value_, context()) != 0; }
  bool IsConstant() const { return fmpz_mpoly_is_fmpz(value_, context()) != 0; }
  bool operator==(const Polynomial& other) const {
    return fmpz_mpoly_equal(value_, other, context()) != 0;
  }
  slong Terms() const { return fmpz_mpoly_length(value_, context()); }
  slong Degree() const { return fmpz_mpoly_total_degree_si(value_, context()); }
  slong Bits() const { return std::abs(fmpz_mpoly_max_bits(value_)); }
  // What copying it costs.
  int64_t Size() const { return 20 + Terms() * (20 + Bits() / 64); }

 private:
  void Swap(Polynomial& other) {
    std::swap(ring_, other.ring_);
    std::swap(*value_, *other.value_);
  }
  const Ring* ring_;
  fmpz_mpoly_t value_;
};

// Not reduced: telling whether a difference is zero needs no common divisors.
struct Quotient {
  explicit Quotient(const Ring& ring) : top(ring), bottom(ring) {
    fmpz_mpoly_one(bottom, bottom.context());
  }
  Polynomial top, bottom;
};

// s satisfies scale·s^degree = value.
struct Relation {
  slong variable = 0;
  slong degree = 0;
  Polynomial zero;
};

class Quotients {
 public:
  Quotients(const Program& program, const Tree& tree, Budget& budget)
      : program_(program), tree_(tree), budget_(budget) {}

  // False when something is too large, undefined or not worth it.
  bool Build() {
    if (!Prepare()) return false;
    ring_.emplace(std::max(atoms_, 1));
    values_.reserve(program_.steps.size());
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      values_.emplace_back(*ring_);
      if (kinds_[i] != kUnused && !Evaluate(static_cast<int32_t>(i))) return false;
    }
    return true;
  }

  // a.top · b.bottom and b.top · a.bottom.
  bool Cross(Polynomial& left, Polynomial& right) {
    const Quotient& a = values_[static_cast<size_t>(program_.a)];
    const Quotient& b = values_[static_cast<size_t>(program_.b)];
    return Multiply(left, a.top, b.bottom) && Multiply(right, b.top, a.bottom);
  }

  // Modulo what is known about roots and i; false when too large.
  bool Reduce(Polynomial& polynomial) {
    for (auto relation = relations_.rbegin(); relation != relations_.rend(); ++relation) {
      const slong degree =
          fmpz_mpoly_degree_si(polynomial, relation->variable, polynomial.context());
      if (degree < relation->degree) continue;
      const auto times = static_cast<double>(degree / relation->degree);
      const double terms = static_cast<double>(polynomial.Terms()) *
                           std::pow(static_cast<double>(relation->zero.Terms() - 1), times);
      const double bits = static_cast<double>(polynomial.Bits()) +
                          times * static_cast<double>(relation->zero.Bits() + 1);
      if (!(terms <= kMaxTerms) || bits > kMaxCoefficientBits) return false;
      if (!budget_.Spend(static_cast<int64_t>(terms * times * (100 + bits)))) return false;
      Integer scale;
      Polynomial quotient(*ring_), rest(*ring_);
      fmpz_mpoly_quasidivrem(scale, quotient, rest, polynomial, relation->zero,
                             polynomial.context());
      polynomial = std::move(rest);
    }
    return true;
  }

  const Ring& ring() const { return *ring_; }
  bool HasConstantBottoms() const {
    return values_[static_cast<size_t>(program_.a)].bottom.IsConstant() &&
           values_[static_cast<size_t>(program_.b)].bottom.IsConstant();
  }
  // All atoms are symbols, or one is π or e: nothing holds between them.
  bool independent() const { return symbols_only_ && transcendent_ <= 1; }
  bool rational() const { return symbols_only_ && transcendent_ == 0; }

 private:
  enum Kind : uint8_t { kUnused, kAtom, kArithmetic };

  // The exponent, if the power is arithmetic.
  std::optional<slong> ExponentOf(const Step& step) {
    if (step.count != 2) return std::nullopt;
    const Step& exponent = program_[program_.Arguments(step)[1]];
    Rational value;
    bool decimal = false;
    if (exponent.varying ||
        EvaluateExactly(tree_, exponent.node, budget_, value, decimal) != Exactness::kValue) {
      return std::nullopt;
    }
    if (!value.IsInteger() || fmpz_cmpabs(value.top(), &kMaxExponentInteger) > 0)
      return std::nullopt;
    return fmpz_get_si(value.top());
  }

  Kind KindOf(const Step& step) {
    switch (step.op) {
      case Op::kNumber:
      case Op::kAdd:
      case Op::kMul:
      case Op::kDivide:
      case Op::kNegate:
      case Op::kPercent:
        return kArithmetic;
      case Op::kPower:
        return ExponentOf(step) ? kArithmetic : kAtom;
      default:
        return kAtom;
    }
  }

  bool Prepare() {
    kinds_.assign(program_.steps.size(), kUnused);
    variables_.assign(program_.steps.size(), -1);
    const auto kind = [&](int32_t i) -> Kind& { return kinds_[static_cast<size_t>(i)]; };
    kind(program_.a) = kind(program_.b) = kArithmetic;
    for (auto i = static_cast<int32_t>(program_.steps.size()) - 1; i >= 0; --i) {
      if (kind(i) == kUnused) continue;
      const Step& step = program_[i];
      kind(i) = KindOf(step);
      // A radicand is looked at although its root is an atom.
      const bool root = step.op == Op::kRoot && step.count == 2;
      if (kind(i) == kAtom && !root) continue;
      for (const int32_t argument : program_.Arguments(step)) kind(argument) = kArithmetic;
    }
    std::vector<std::pair<std::string, int>> names;
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      if (kinds_[i] != kAtom) continue;
      const Step& step = program_.steps[i];
      int variable = atoms_;
      if (step.count > 0) {
        std::string name = NormalForm(tree_, step.node);
        const auto known = std::ranges::find(names, name, &std::pair<std::string, int>::first);
        if (known == names.end()) {
          names.emplace_back(std::move(name), atoms_);
        } else {
          variable = known->second;
        }
      }
      if (step.op == Op::kInfinity) return false;
      const bool transcendent = step.op == Op::kPi || step.op == Op::kE;
      transcendent_ += transcendent;
      symbols_only_ = symbols_only_ && (step.op == Op::kSymbol || transcendent);
      variables_[i] = variable;
      if (variable == atoms_ && ++atoms_ > kMaxAtoms) return false;
    }
    return true;
  }

  bool Multiply(Polynomial& out, const Polynomial& a, const Polynomial& b) {
    const auto pairs = static_cast<double>(a.Terms()) * static_cast<double>(b.Terms());
    const slong degree = a.Degree() + b.Degree();
    if (degree > kMaxDegree || a.Bits() + b.Bits() > kMaxCoefficientBits) return false;
    // No more terms than pairs, nor than monomials of that degree.
    double monomials = 1;
    for (int i = 1; i <= atoms_ && monomials < pairs; ++i) {
      monomials *= static_cast<double>(degree + i) / i;
    }
    if (std::min(pairs, monomials) > kMaxTerms) return false;
    const auto limbs = static_cast<double>((a.Bits() / 64 + 1) * (b.Bits() / 64 + 1));
    if (!budget_.Spend(static_cast<int64_t>(300 + pairs * (20 + limbs)))) return false;
    fmpz_mpoly_mul(out, a, b, out.context());
    return true;
  }

  bool Add(Quotient& sum, const Quotient& term) {
    if (!budget_.Spend(sum.top.Size() + term.top.Size() + sum.bottom.Size())) return false;
    const fmpz_mpoly_ctx_struct* context = ring_->context;
    if (sum.bottom == term.bottom) {
      if (std::max(sum.top.Bits(), term.top.Bits()) > kMaxCoefficientBits) return false;
      fmpz_mpoly_add(sum.top, sum.top, term.top, context);
      return sum.top.Terms() <= static_cast<slong>(kMaxTerms);
    }
    Polynomial left(*ring_), right(*ring_), bottom(*ring_);
    if (!Multiply(left, sum.top, term.bottom) || !Multiply(right, term.top, sum.bottom) ||
        !Multiply(bottom, sum.bottom, term.bottom)) {
      return false;
    }
    fmpz_mpoly_add(sum.top, left, right, context);
    sum.bottom = std::move(bottom);
    return Shrink(sum) && sum.top.Terms() <= static_cast<slong>(kMaxTerms);
  }

  // Takes out what is common to all coefficients: 1/2 + 1/2 + … stays small.
  bool Shrink(Quotient& quotient) {
    if (!quotient.bottom.IsConstant() || quotient.top.IsZero()) return true;
    const slong limbs = quotient.bottom.Bits() / 64 + 1;
    if (!budget_.Spend(300 + quotient.top.Size() + 100 * limbs)) return false;
    Integer divisor;
    fmpz_mpoly_get_fmpz(divisor, quotient.bottom, ring_->context);
    GcdWithContent(divisor, quotient.top);
    if (fmpz_is_one(divisor)) return true;
    fmpz_mpoly_scalar_divexact_fmpz(quotient.top, quotient.top, divisor, ring_->context);
    fmpz_mpoly_scalar_divexact_fmpz(quotient.bottom, quotient.bottom, divisor, ring_->context);
    return true;
  }

  static void GcdWithContent(Integer& divisor, const Polynomial& polynomial) {
    const fmpz_mpoly_struct* p = polynomial;
    for (slong i = 0; i < polynomial.Terms() && !fmpz_is_one(divisor); ++i) {
      fmpz_gcd(divisor, divisor, p->coeffs + i);
    }
  }

  bool MultiplyBy(Quotient& product, const Polynomial& top, const Polynomial& bottom) {
    return !bottom.IsZero() && Multiply(product.top, product.top, top) &&
           Multiply(product.bottom, product.bottom, bottom);
  }

  bool Raise(Quotient& out, const Quotient& base, slong n) {
    // By hand, so that every product is bounded.
    const bool inverse = n < 0;
    if (inverse && base.top.IsZero()) return false;
    if (n == 0 && base.top.IsZero()) return false;
    fmpz_mpoly_one(out.top, ring_->context);
    for (slong i = 0; i < std::abs(n); ++i) {
      if (!MultiplyBy(out, inverse ? base.bottom : base.top, inverse ? base.top : base.bottom)) {
        return false;
      }
    }
    return true;
  }

  bool Evaluate(int32_t i) {
    const Step& step = program_[i];
    Quotient& out = values_[static_cast<size_t>(i)];
    const fmpz_mpoly_ctx_struct* context = ring_->context;
    if (!budget_.Spend(100)) return false;
    if (kinds_[static_cast<size_t>(i)] == kAtom) {
      const slong variable = VariableOf(variables_[static_cast<size_t>(i)]);
      fmpz_mpoly_gen(out.top, variable, context);
      return Relate(step, variable);
    }
    const auto argument = [&](int k) -> const Quotient& {
      return values_[static_cast<size_t>(program_.Arguments(step)[static_cast<size_t>(k)])];
    };
    switch (step.op) {
      case Op::kNumber: {
        Rational value;
        bool decimal = false;
        if (EvaluateExactly(tree_, step.node, budget_, value, decimal) != Exactness::kValue ||
            static_cast<slong>(fmpq_height_bits(value)) > kMaxCoefficientBits) {
          return false;
        }
        fmpz_mpoly_set_fmpz(out.top, value.top(), context);
        fmpz_mpoly_set_fmpz(out.bottom, value.bottom(), context);
        return true;
      }
      case Op::kAdd:
        for (int k = 0; k < step.count; ++k) {
          if (!Add(out, argument(k))) return false;
        }
        return true;
      case Op::kMul:
        fmpz_mpoly_one(out.top, context);
        for (int k = 0; k < step.count; ++k) {
          if (!MultiplyBy(out, argument(k).top, argument(k).bottom)) return false;
        }
        return Shrink(out);
      case Op::kDivide:
        if (!Set(out, argument(0)) || !MultiplyBy(out, argument(1).bottom, argument(1).top)) {
          return false;
        }
        return Shrink(out);
      case Op::kNegate:
        if (!Set(out, argument(0))) return false;
        fmpz_mpoly_neg(out.top, out.top, context);
        return true;
      case Op::kPercent:
        if (!Set(out, argument(0))) return false;
        fmpz_mpoly_scalar_mul_ui(out.bottom, out.bottom, 100, context);
        return true;
      default:
        return Raise(out, argument(0), *ExponentOf(step));
    }
  }

  bool Set(Quotient& out, const Quotient& value) {
    if (!budget_.Spend(value.top.Size() + value.bottom.Size())) return false;
    out.top.Set(value.top);
    out.bottom.Set(value.bottom);
    return true;
  }

  // Outer roots are greater, so that reducing them leaves inner ones.
  slong VariableOf(int atom) const { return atoms_ - 1 - atom; }

  // Notes i² = -1 and what a root is a root of, where that is a polynomial.
  bool Relate(const Step& step, slong variable) {
    const fmpz_mpoly_ctx_struct* context = ring_->context;
    slong degree = 2;
    Polynomial zero(*ring_), value(*ring_), scale(*ring_);
    if (step.op == Op::kI) {
      fmpz_mpoly_set_si(value, -1, context);
      fmpz_mpoly_one(scale, context);
    } else if (step.op == Op::kRoot && step.count == 2) {
      const Quotient& n = values_[static_cast<size_t>(program_.Arguments(step)[1])];
      const Quotient& radicand = values_[static_cast<size_t>(program_.Arguments(step)[0])];
      if (!n.top.IsConstant() || n.top.IsZero() || !fmpz_mpoly_is_one(n.bottom, context))
        return true;
      if (!radicand.bottom.IsConstant()) return true;
      Integer count;
      fmpz_mpoly_get_fmpz(count, n.top, context);
      if (fmpz_cmp_si(count, 2) < 0 || fmpz_cmp_si(count, kMaxRootDegree) > 0) return true;
      degree = fmpz_get_si(count);
      value.Set(radicand.top);
      scale.Set(radicand.bottom);
    } else {
      return true;
    }
    fmpz_mpoly_gen(zero, variable, context);
    if (fmpz_mpoly_pow_ui(zero, zero, static_cast<ulong>(degree), context) == 0) return false;
    if (!Multiply(zero, zero, scale)) return false;
    fmpz_mpoly_sub(zero, zero, value, context);
    relations_.push_back({variable, degree, std::move(zero)});
    return true;
  }

  static constexpr fmpz kMaxExponentInteger = kMaxExponent;

  const Program& program_;
  const Tree& tree_;
  Budget& budget_;
  std::vector<Kind> kinds_;
  std::vector<int> variables_;
  int atoms_ = 0;
  int transcendent_ = 0;
  bool symbols_only_ = true;
  std::optional<Ring> ring_;
  std::vector<Quotient> values_;
  std::vector<Relation> relations_;
};

}  // namespace

Identity CompareAsPolynomials(const Program& program, const Tree& tree, bool defined,
                              Budget& budget) {
  Quotients quotients(program, tree, budget);
  if (!quotients.Build()) return Identity::kUnknown;
  Polynomial left(quotients.ring()), right(quotients.ring());
  if (!quotients.Cross(left, right)) return Identity::kUnknown;
  fmpz_mpoly_sub(left, left, right, left.context());
  if (!quotients.independent() && !quotients.Reduce(left)) return Identity::kUnknown;
  if (left.IsZero()) {
    return defined || quotients.HasConstantBottoms() ? Identity::kEqual : Identity::kUnknown;
  }
  const bool constant = left.IsConstant() && quotients.HasConstantBottoms();
  return constant || quotients.independent() ? Identity::kDifferent : Identity::kUnknown;
}

std::optional<int> ProportionOfPolynomials(const Program& program, const Tree& tree,
                                           Budget& budget) {
  Quotients quotients(program, tree, budget);
  if (!quotients.Build() || !quotients.independent()) return std::nullopt;
  Polynomial left(quotients.ring()), right(quotients.ring());
  if (!quotients.Cross(left, right)) return std::nullopt;
  if (left.IsZero() || right.IsZero()) {
    return left.IsZero() && right.IsZero() ? std::nullopt : std::optional<int>(0);
  }
  // left = c·right: then c is the quotient of the leading coefficients.
  if (left.Bits() + right.Bits() > kMaxCoefficientBits) return std::nullopt;
  Integer top, bottom;
  fmpz_set(top, fmpz_mpoly_leadcoeff(left));
  fmpz_set(bottom, fmpz_mpoly_leadcoeff(right));
  fmpz_mpoly_scalar_mul_fmpz(left, left, bottom, left.context());
  fmpz_mpoly_scalar_mul_fmpz(right, right, top, right.context());
  if (left == right) return fmpz_sgn(top) * fmpz_sgn(bottom);
  return quotients.rational() ? std::optional<int>(0) : std::nullopt;  // c may hold π
}

}  // namespace retort::verifiers
