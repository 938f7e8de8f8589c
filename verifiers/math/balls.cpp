#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "verifiers/math/internal/scalar-inl.h"

namespace retort::verifiers {

namespace {

// Arguments of trigonometry stay below 2^kTrigBits, exponents of e below 2^kExpBits: costs stay
// flat and exponents of results stay words.
constexpr slong kTrigBits = 24;
constexpr slong kExpBits = 48;

bool IsBelow(const arb_t x, slong bits) {
  mag_t size;
  mag_init(size);
  arb_get_mag(size, x);
  const bool below = mag_cmp_2exp_si(size, bits) < 0;
  mag_clear(size);
  return below;
}

bool IsExactReal(const acb_t z) { return arb_is_zero(acb_imagref(z)); }

// z as a machine integer of up to `bits` bits.
std::optional<slong> ExactInteger(const acb_t z, slong bits) {
  if (!acb_is_int(z) || !IsBelow(acb_realref(z), bits)) return std::nullopt;
  return arf_get_si(arb_midref(acb_realref(z)), ARF_RND_DOWN);
}

// The exponent of z^factor stays below 2^(kExpBits + 1), downwards as well.
bool MayRaise(const acb_t z, slong factor) {
  mag_t size;
  mag_init(size);
  bool may = true;
  for (const bool lower : {false, true}) {
    lower ? acb_get_mag_lower(size, z) : acb_get_mag(size, z);
    if (mag_is_zero(size)) continue;
    const double exponent = std::abs(fmpz_get_d(MAG_EXPREF(size))) + 1;
    may = may && exponent * std::abs(static_cast<double>(factor)) < std::ldexp(1, kExpBits + 1);
  }
  mag_clear(size);
  return may;
}

void Exp(acb_t out, const acb_t z, slong precision) {
  if (IsBelow(acb_realref(z), kExpBits) && IsBelow(acb_imagref(z), kTrigBits)) {
    acb_exp(out, z, precision);
  } else {
    acb_indeterminate(out);
  }
}

void Power(acb_t out, const acb_t base, const acb_t exponent, slong precision) {
  if (acb_is_zero(base)) {
    // 0^0 has no value.
    const bool positive = IsExactReal(exponent) && arb_is_positive(acb_realref(exponent));
    positive ? acb_zero(out) : acb_indeterminate(out);
    return;
  }
  if (const std::optional<slong> n = ExactInteger(exponent, kTrigBits)) {
    if ((*n <= 0 && acb_contains_zero(base)) || !MayRaise(base, *n)) return acb_indeterminate(out);
    return acb_pow_si(out, base, *n, precision);
  }
  // A huge integer power of a negative number: its sign is known, its logarithm's angle is not.
  const bool flip = acb_is_int(exponent) && IsExactReal(base) && arb_is_negative(acb_realref(base));
  const bool odd = flip && !arf_is_int_2exp_si(arb_midref(acb_realref(exponent)), 1);
  acb_t log;
  acb_init(log);
  if (flip) {
    acb_neg(log, base);
    acb_log(log, log, precision + kExpBits);
  } else {
    acb_log(log, base, precision + kExpBits);
  }
  acb_mul(log, log, exponent, precision + kExpBits);
  Exp(out, log, precision);
  if (odd) acb_neg(out, out);
  acb_clear(log);
}

// The real root of odd degree, of a ball of any sign: the function is increasing.
void OddRoot(arb_t out, const arb_t x, ulong degree, slong precision) {
  arf_t end;
  arb_t root;
  arf_init(end);
  arb_init(root);
  for (const bool upper : {false, true}) {
    upper ? arb_get_ubound_arf(end, x, precision + 64) : arb_get_lbound_arf(end, x, precision + 64);
    const bool negative = arf_sgn(end) < 0;
    arb_set_arf(root, end);
    arb_abs(root, root);
    arb_root_ui(root, root, degree, precision);
    if (negative) arb_neg(root, root);
    upper ? arb_union(out, out, root, precision) : arb_set(out, root);
  }
  arb_clear(root);
  arf_clear(end);
}

void Root(acb_t out, const acb_t x, const acb_t degree, slong precision) {
  const std::optional<slong> n = ExactInteger(degree, 16);
  if (!n || *n == 0) {
    acb_t inverse;
    acb_init(inverse);
    acb_inv(inverse, degree, precision + kExpBits);
    Power(out, x, inverse, precision);
    acb_clear(inverse);
    return;
  }
  const auto k = static_cast<ulong>(std::abs(*n));
  arb_srcptr real = acb_realref(x);
  if (IsExactReal(x) && (k % 2 == 1 || arb_is_nonnegative(real))) {
    arb_zero(acb_imagref(out));
    if (arb_is_nonnegative(real)) {
      arb_root_ui(acb_realref(out), real, k, precision);
    } else {
      OddRoot(acb_realref(out), real, k, precision);
    }
  } else {
    acb_root_ui(out, x, k, precision);
  }
  if (*n < 0) acb_inv(out, out, precision);
}

void Factorial(acb_t out, const acb_t x, slong precision) {
  // Gamma has poles where the factorial has no value; beyond a million it takes long.
  if (!IsBelow(acb_realref(x), 20) || !IsBelow(acb_imagref(x), 10)) return acb_indeterminate(out);
  acb_add_ui(out, x, 1, precision);
  acb_gamma(out, out, precision);
}

void Binomial(acb_t out, const acb_t n, const acb_t k, slong precision) {
  constexpr slong kMaxFactors = 1000;
  std::optional<slong> count = ExactInteger(k, 30);
  if (const std::optional<slong> top = ExactInteger(n, 30); top && count && *top >= 0) {
    count = *count < 0 || *count > *top ? -1 : std::min(*count, *top - *count);
  }
  if (count && *count < 0) return acb_zero(out);
  if (count && *count <= kMaxFactors) {
    acb_t bottom;
    acb_init(bottom);
    acb_sub_ui(out, n, static_cast<ulong>(*count), precision);
    acb_add_ui(out, out, 1, precision);
    acb_rising_ui(out, out, static_cast<ulong>(*count), precision);
    arb_fac_ui(acb_realref(bottom), static_cast<ulong>(*count), precision);
    acb_div(out, out, bottom, precision);
    acb_clear(bottom);
    return;
  }
  acb_t factor;
  acb_init(factor);
  Factorial(out, n, precision);
  for (const bool rest : {false, true}) {
    rest ? acb_sub(factor, n, k, precision) : acb_set(factor, k);
    Factorial(factor, factor, precision);
    acb_div(out, out, factor, precision);
  }
  acb_clear(factor);
}

void GcdOrLcm(acb_t out, const acb_t x, const acb_t y, bool gcd) {
  const std::optional<slong> a = ExactInteger(x, 62), b = ExactInteger(y, 62);
  if (!a || !b || *a < 0 || *b < 0) return acb_indeterminate(out);  // of natural numbers
  Integer n, m;
  fmpz_set_si(n, *a);
  fmpz_set_si(m, *b);
  gcd ? fmpz_gcd(n, n, m) : fmpz_lcm(n, n, m);
  acb_set_fmpz(out, n);
}

bool IsCheap(const Step& step) {
  switch (step.op) {
    case Op::kFunction:
      return step.detail >= static_cast<uint8_t>(Function::kAbs) &&
             !step.Is(Function::kFactorial) && !step.Is(Function::kBinomial);
    case Op::kPower:
    case Op::kRoot:
      return false;
    default:
      return true;
  }
}

int64_t CostOf(const Step& step, slong precision) {
  const int64_t limbs = precision / 64;
  const int64_t cheap = (60 + limbs * limbs / 2) * (1 + step.count);
  if (IsCheap(step)) return cheap;
  if (step.op == Op::kRoot) return cheap + 300;
  const int64_t elementary = 1500 + precision * precision / 100;
  const bool gamma = step.Is(Function::kFactorial) || step.Is(Function::kBinomial);
  return cheap + (gamma ? 40 : 1) * elementary;
}

}  // namespace

Balls::Balls(const Program& program, const Tree& tree, bool natural_log)
    : program_(program),
      tree_(tree),
      natural_log_(natural_log),
      values_(_acb_vec_init(static_cast<slong>(program.steps.size()))) {
  for (acb_struct& scratch : scratch_) acb_init(&scratch);
  for (const Step& step : program.steps) {
    const bool named = step.atom || step.op == Op::kSymbol;
    if (named && std::ranges::find(names_, step.name) == names_.end() && names_.size() < 64) {
      names_.push_back(step.name);
    }
  }
}

Balls::~Balls() {
  _acb_vec_clear(values_, static_cast<slong>(program_.steps.size()));
  for (acb_struct& scratch : scratch_) acb_clear(&scratch);
}

bool Balls::Run(int point, slong precision, Budget& budget) {
  // What is the same at all points is kept.
  const bool all = precision != held_;
  point_ = point;
  budget_ = &budget;
  precision_ = precision;
  held_ = 0;
  acb_ptr out = values_;
  for (const Step& step : program_.steps) {
    if (all || step.varying) {
      if (!budget.Spend(CostOf(step, precision))) return false;
      bool defined = true;
      for (const int32_t argument : program_.Arguments(step)) {
        defined = defined && acb_is_finite(values_ + argument);
      }
      defined ? Evaluate(step, out) : acb_indeterminate(out);
      // The greatest common divisor of numbers that no ball holds, what they are a part of …
      if (!step.varying && step.count > 0 && !acb_is_finite(out)) SetNumber(step, out);
    }
    ++out;
  }
  held_ = precision;
  return true;
}

bool Balls::AreAllReal() const {
  for (size_t i = 0; i < program_.steps.size(); ++i) {
    if (!IsReal(values_ + i)) return false;
  }
  return true;
}

int64_t Balls::Spread() const {
  int64_t spread = 0;
  mag_t size;
  mag_init(size);
  for (size_t i = 0; i < program_.steps.size(); ++i) {
    if (!acb_is_finite(values_ + i)) continue;
    acb_get_mag_lower(size, values_ + i);
    if (mag_is_zero(size)) continue;
    spread = std::max(spread, static_cast<int64_t>(std::abs(fmpz_get_d(MAG_EXPREF(size)))));
  }
  mag_clear(size);
  return 2 * spread;
}

acb_ptr Balls::Argument(const Step& step, int i) const {
  return values_ + program_.arguments[static_cast<size_t>(step.first + i)];
}

void Balls::SetNumber(const Step& step, acb_ptr out) {
  Rational value;
  bool decimal = false;
  if (EvaluateExactly(tree_, step.node, *budget_, value, decimal) == Exactness::kValue) {
    acb_set_fmpq(out, value, precision_);
  } else {
    acb_indeterminate(out);
  }
}

void Balls::SetRational(uint64_t bits, bool may_be_negative, acb_ptr out) {
  constexpr int kDenominator = 97;
  const auto top = static_cast<slong>(30 + bits % 261);
  const bool negative = may_be_negative && (bits >> 40) % 2 == 1;
  acb_set_si(out, negative ? -top : top);
  acb_div_ui(out, out, kDenominator, precision_);
}

void Balls::SetSymbol(const Step& step, acb_ptr out) {
  const uint64_t bits = Mix(step.name + static_cast<uint64_t>(point_) * 0x9e3779b97f4a7c15);
  const auto index = std::ranges::find(names_, step.name) - names_.begin();
  if (point_ < kIntegers) {
    SetRational(bits, point_ >= kMixed, out);
  } else if (point_ < kFar) {
    // Walsh's functions: any three names see all eight combinations of parities.
    constexpr std::array<unsigned, 7> kMasks{1, 2, 4, 7, 3, 5, 6};
    const unsigned mask = kMasks[static_cast<size_t>(index) % kMasks.size()];
    const int odd = std::popcount(static_cast<unsigned>(point_ - kIntegers) & mask) & 1;
    const slong integer = 2 + 2 * static_cast<slong>(bits % 5) + odd;
    acb_set_si(out, point_ >= kSigned && (bits >> 40) % 2 == 1 ? -integer : integer);
  } else if (point_ < kSearch) {
    SetRational(bits, true, out);
    acb_mul_si(out, out, point_ % 2 == 0 ? 41 : 1709, precision_);
  } else {
    if (candidates_.empty()) FindCandidates();
    const auto nth = static_cast<uint64_t>(point_ - kSearch);
    const uint64_t at = names_.size() > 1 ? bits : nth;
    acb_set_d(out, candidates_[at % candidates_.size()]);
  }
}

// Between any two neighbours among the constants c, -c, ±√c and c² of the program, and beyond.
void Balls::FindCandidates() {
  constexpr size_t kMostEnds = 40;
  std::vector<double> ends{-1, 0, 1};
  for (size_t i = 0; i < program_.steps.size() && ends.size() < kMostEnds; ++i) {
    const Step& step = program_.steps[i];
    if (step.varying || !acb_is_finite(values_ + i) || !IsExactReal(values_ + i)) continue;
    const double value = std::abs(arf_get_d(arb_midref(acb_realref(values_ + i)), ARF_RND_NEAR));
    if (!(value > 1e-6 && value < 1e6)) continue;
    for (const double end : {value, std::sqrt(value), value * value}) {
      ends.push_back(end);
      ends.push_back(-end);
    }
  }
  std::ranges::sort(ends);
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  candidates_ = {ends.back() + 1.625, ends.back() + 7.25, ends.back() * 3 + 20.5};
  for (size_t i = 0; i + 1 < ends.size(); ++i) {
    for (const double part : {0.3125, 0.53125, 0.796875}) {
      candidates_.push_back(ends[i] + (ends[i + 1] - ends[i]) * part);
    }
  }
  for (const double below : {1.375, 8.5, 21.25}) candidates_.push_back(ends.front() - below);
}

int Balls::SearchEnd() {
  constexpr int kSeveralNames = 96;
  if (candidates_.empty()) FindCandidates();
  const int points = names_.size() > 1 ? kSeveralNames : static_cast<int>(candidates_.size());
  return kSearch + points;
}

// An unknown function stands for one that has no identities: f(u) = c·u + 1 / (1 + (d·u + e)²).
void Balls::Apply(const Step& step, acb_ptr out) {
  acb_ptr term = &scratch_[0], inner = &scratch_[1];
  acb_zero(out);
  // Another function at every point: f(2) and f(1) have no fixed proportion.
  const uint64_t name = Mix(step.name + static_cast<uint64_t>(point_));
  SetRational(Mix(name), false, inner);
  for (int i = 0; i < step.count; ++i) {
    const uint64_t bits = Mix(name + 2 * static_cast<uint64_t>(i) + 1);
    SetRational(bits, true, term);
    acb_addmul(out, term, Argument(step, i), precision_);
    SetRational(Mix(bits), true, term);
    acb_addmul(inner, term, Argument(step, i), precision_);
  }
  acb_mul(inner, inner, inner, precision_);
  acb_add_ui(inner, inner, 1, precision_);
  acb_inv(inner, inner, precision_);
  acb_add(out, out, inner, precision_);
}

void Balls::Evaluate(const Step& step, acb_ptr out) {
  if (step.atom) return SetSymbol(step, out);
  switch (step.op) {
    case Op::kNumber:
      return SetNumber(step, out);
    case Op::kSymbol:
      return SetSymbol(step, out);
    case Op::kPi:
      return acb_const_pi(out, precision_);
    case Op::kE:
      acb_one(out);
      return acb_exp(out, out, precision_);
    case Op::kI:
      return acb_onei(out);
    case Op::kAdd:
      acb_zero(out);
      for (int i = 0; i < step.count; ++i) acb_add(out, out, Argument(step, i), precision_);
      return;
    case Op::kMul:
      acb_one(out);
      for (int i = 0; i < step.count; ++i) {
        // Exponents add up.
        acb_mul(out, out, Argument(step, i), precision_);
        if (!MayRaise(out, 1)) return acb_indeterminate(out);
      }
      return;
    case Op::kDivide:
      if (step.count != 2) return acb_indeterminate(out);
      acb_div(out, Argument(step, 0), Argument(step, 1), precision_);
      if (!MayRaise(out, 1)) acb_indeterminate(out);
      return;
    case Op::kNegate:
      return acb_neg(out, Argument(step, 0));
    case Op::kPower:
      if (step.count != 2) return acb_indeterminate(out);
      return Power(out, Argument(step, 0), Argument(step, 1), precision_);
    case Op::kRoot:
      if (step.count != 2) return acb_indeterminate(out);
      return Root(out, Argument(step, 0), Argument(step, 1), precision_);
    case Op::kPercent:
      return acb_div_ui(out, Argument(step, 0), 100, precision_);
    case Op::kApply:
      return Apply(step, out);
    case Op::kFunction:
      return EvaluateFunction(step, out);
    default:
      return acb_indeterminate(out);
  }
}

void Balls::EvaluateFunction(const Step& step, acb_ptr out) {
  const slong p = precision_;
  const auto function = static_cast<Function>(step.detail);
  if (step.count == 0) return acb_indeterminate(out);
  acb_srcptr x = Argument(step, 0);
  acb_srcptr y = step.count == 2 ? Argument(step, 1) : nullptr;
  acb_ptr inverse = &scratch_[0];
  switch (function) {
    case Function::kLogBase:
    case Function::kBinomial:
    case Function::kMod:
      if (y == nullptr) return acb_indeterminate(out);
      break;
    case Function::kGcd:
    case Function::kLcm:
    case Function::kMax:
    case Function::kMin:
      break;
    default:
      if (step.count != 1) return acb_indeterminate(out);
  }
  if (function <= Function::kCoth &&
      (!IsBelow(acb_realref(x), kTrigBits) || !IsBelow(acb_imagref(x), kTrigBits))) {
    return acb_indeterminate(out);
  }
  const bool real = IsExactReal(x) && (y == nullptr || IsExactReal(y));
  switch (function) {
    case Function::kSin:
      return acb_sin(out, x, p);
    case Function::kCos:
      return acb_cos(out, x, p);
    case Function::kTan:
      return acb_tan(out, x, p);
    case Function::kCot:
      return acb_cot(out, x, p);
    case Function::kSec:
      return acb_sec(out, x, p);
    case Function::kCsc:
      return acb_csc(out, x, p);
    case Function::kAsin:
      return acb_asin(out, x, p);
    case Function::kAcos:
      return acb_acos(out, x, p);
    case Function::kAtan:
      return acb_atan(out, x, p);
    case Function::kAcot:
      if (acb_is_zero(x)) {
        acb_const_pi(out, p);
        return acb_mul_2exp_si(out, out, -1);
      }
      acb_inv(inverse, x, p);
      return acb_atan(out, inverse, p);
    case Function::kAsec:
      acb_inv(inverse, x, p);
      return acb_acos(out, inverse, p);
    case Function::kAcsc:
      acb_inv(inverse, x, p);
      return acb_asin(out, inverse, p);
    case Function::kSinh:
      return acb_sinh(out, x, p);
    case Function::kCosh:
      return acb_cosh(out, x, p);
    case Function::kTanh:
      return acb_tanh(out, x, p);
    case Function::kCoth:
      return acb_coth(out, x, p);
    case Function::kAsinh:
      return acb_asinh(out, x, p);
    case Function::kAcosh:
      return acb_acosh(out, x, p);
    case Function::kAtanh:
      return acb_atanh(out, x, p);
    case Function::kLn:
    case Function::kLog:
      acb_log(out, x, p);
      if (function == Function::kLog && !natural_log_) {
        arb_const_log10(acb_realref(inverse), p);
        acb_div_arb(out, out, acb_realref(inverse), p);
      }
      return;
    case Function::kLogBase:
      acb_log(out, x, p);
      acb_log(inverse, y, p);
      return acb_div(out, out, inverse, p);
    case Function::kExp:
      return Exp(out, x, p);
    case Function::kAbs:
      acb_abs(acb_realref(out), x, p);
      return arb_zero(acb_imagref(out));
    case Function::kFloor:
    case Function::kCeil:
      if (!real) return acb_indeterminate(out);
      arb_zero(acb_imagref(out));
      return function == Function::kFloor ? arb_floor(acb_realref(out), acb_realref(x), p)
                                          : arb_ceil(acb_realref(out), acb_realref(x), p);
    case Function::kSign:
      return acb_sgn(out, x, p);
    case Function::kFactorial:
      return Factorial(out, x, p);
    case Function::kBinomial:
      return Binomial(out, x, y, p);
    case Function::kGcd:
    case Function::kLcm:
      acb_set(out, x);
      for (int i = 1; i < step.count; ++i) {
        GcdOrLcm(out, out, Argument(step, i), function == Function::kGcd);
      }
      return;
    case Function::kMax:
    case Function::kMin:
      acb_set(out, x);
      for (int i = 0; i < step.count; ++i) {
        if (!IsExactReal(Argument(step, i))) return acb_indeterminate(out);
        arb_srcptr next = acb_realref(Argument(step, i));
        function == Function::kMax ? arb_max(acb_realref(out), acb_realref(out), next, p)
                                   : arb_min(acb_realref(out), acb_realref(out), next, p);
      }
      return;
    case Function::kMod:
      if (!real) return acb_indeterminate(out);
      acb_div(out, x, y, p);
      arb_floor(acb_realref(out), acb_realref(out), p);
      acb_mul(out, out, y, p);
      return acb_sub(out, x, out, p);
    case Function::kRe:
      arb_zero(acb_imagref(out));
      return arb_set(acb_realref(out), acb_realref(x));
    case Function::kIm:
      arb_zero(acb_imagref(out));
      return arb_set(acb_realref(out), acb_imagref(x));
    case Function::kConjugate:
      return acb_conj(out, x);
    default:
      return acb_indeterminate(out);
  }
}

bool IsReal(acb_srcptr z) { return arb_contains_zero(acb_imagref(z)); }

bool IsSharp(acb_srcptr z, slong precision) {
  constexpr slong kAccuracy = 32;
  return acb_rel_accuracy_bits(z) >= kAccuracy ||
         (IsBelow(acb_realref(z), -precision / 4) && IsBelow(acb_imagref(z), -precision / 4));
}

}  // namespace retort::verifiers
