#include "verifiers/math/internal/evaluate.h"

#include <algorithm>

#include "base/error.h"
#include "verifiers/math/internal/scalar-inl.h"

namespace retort::verifiers {

namespace {

// Of one comparison.
constexpr int64_t kExactBudget = 4'000'000;
constexpr int64_t kBallBudget = 16'000'000;
constexpr int64_t kPolynomialBudget = 4'000'000;

constexpr slong kPrecision = 128, kHighPrecision = 512, kMaxPrecision = 4096;
constexpr slong kWidest = 1 << 16;  // where numbers lie far apart
constexpr int kEnoughPoints = 3;
constexpr int kMaxDecimals = 1000;

// +1 and -1 for the infinities, 0 for all else.
int InfinitySign(const Tree& tree, NodeId id) {
  int sign = 1;
  while (tree[id].op == Op::kNegate) {
    id = tree.Child(id, 0);
    sign = -sign;
  }
  return tree[id].op == Op::kInfinity ? sign : 0;
}

// a and b of one program, under one reading of logs.
class Comparison {
 public:
  Comparison(const Tree& tree, const Program& program, bool natural_log)
      : tree_(tree), program_(program), balls_(program, tree, natural_log) {}

  Sameness Compare(const ScalarOptions& options) {
    return program_.constant ? CompareConstants(options) : CompareFunctions();
  }

  Proportion CompareProportion();
  std::optional<int> Order();
  bool HasValue();
  bool HasPoints();
  bool IsDefined();

 private:
  acb_srcptr a() const { return balls_[program_.a]; }
  acb_srcptr b() const { return balls_[program_.b]; }
  bool AreFinite() const { return acb_is_finite(a()) && acb_is_finite(b()); }
  bool AreReal() const { return IsReal(a()) && IsReal(b()); }
  // |a - b| < 2^exponent, for certain.
  bool AreWithin(slong exponent, slong precision) const;
  bool AreOpposite(slong precision) const;
  // For who asks: where the values were looked at, and what they are.
  Sameness Noted(Sameness same) const;
  // Sharp, and less than 2^-32 apart: 10^(10^5) + 1 is relatively near to 10^(10^5).
  bool AgreeSharply(slong precision) const {
    return IsSharp(a(), precision) && IsSharp(b(), precision) && AreWithin(-32, precision);
  }

  Sameness CompareConstants(const ScalarOptions& options);
  Sameness CompareFunctions();
  std::optional<Sameness> CompareBySeparation(double bits);

  const Tree& tree_;
  const Program& program_;
  Balls balls_;
  Budget ball_budget_{kBallBudget, &tree_.budget()};
  Budget polynomial_budget_{kPolynomialBudget, &tree_.budget()};
};

bool Comparison::AreWithin(slong exponent, slong precision) const {
  acb_t difference;
  mag_t size;
  acb_init(difference);
  mag_init(size);
  acb_sub(difference, a(), b(), precision);
  acb_get_mag(size, difference);
  const bool within = mag_cmp_2exp_si(size, exponent) < 0;
  acb_clear(difference);
  mag_clear(size);
  return within;
}

std::string Shown(acb_srcptr z) {
  constexpr slong kDigits = 15;
  const auto part = [](arb_srcptr x) {
    char* digits = arb_get_str(x, kDigits, 0);
    std::string text(digits);
    flint_free(digits);
    return text;
  };
  std::string text = part(acb_realref(z));
  if (!arb_is_zero(acb_imagref(z))) text += StrCat(" + ", part(acb_imagref(z)), "i");
  return text;
}

Sameness Comparison::Noted(Sameness same) const {
  if (tree_.notes == nullptr || !AreFinite()) return same;
  std::string point;
  for (size_t i = 0; i < program_.steps.size(); ++i) {
    const Step& step = program_.steps[i];
    if (step.op != Op::kSymbol || step.atom) continue;
    point += StrCat(point.empty() ? "at " : ", ", tree_[step.node].text, " = ",
                    Shown(balls_[static_cast<int32_t>(i)]));
  }
  tree_.notes->compared =
      StrCat(point, point.empty() ? "" : ": ", "gold ", Shown(a()), ", answer ", Shown(b()));
  return same;
}

bool Comparison::AreOpposite(slong precision) const {
  acb_t sum;
  acb_init(sum);
  acb_add(sum, a(), b(), precision);
  const bool opposite = acb_contains_zero(sum);
  acb_clear(sum);
  return opposite;
}

// Whether a - b is zero, when it is zero or above 2^-bits.
std::optional<Sameness> Comparison::CompareBySeparation(double bits) {
  for (double extra = 64; bits + extra <= kMaxPrecision; extra *= 4) {
    const auto precision = static_cast<slong>(bits + extra);
    if (!balls_.Run(0, precision, ball_budget_)) return std::nullopt;
    if (!AreFinite()) continue;
    if (!acb_overlaps(a(), b())) return Sameness::kDifferent;
    if (AreWithin(-static_cast<slong>(bits) - 1, precision)) return Sameness::kSame;
  }
  return std::nullopt;
}

Sameness Comparison::CompareConstants(const ScalarOptions& options) {
  bool decided = false;  // that rounding tells the two apart
  bool defined = false, agree = false;
  for (const slong precision : {kPrecision, kHighPrecision, kMaxPrecision}) {
    if (!balls_.Run(0, precision, ball_budget_)) break;
    if (AreFinite()) {
      defined = true;
      agree = precision > kPrecision && AgreeSharply(precision);
      if (program_.decimal && !decided) {
        const int places = std::clamp(options.decimals, 0, kMaxDecimals);
        std::optional<bool> same =
            AgreeAsDecimals(acb_realref(a()), acb_realref(b()), places, precision);
        if (same == true && !AreReal()) {
          same = AgreeAsDecimals(acb_imagref(a()), acb_imagref(b()), places, precision);
        }
        if (same == true) return Sameness::kSame;
        decided = same == false;
      }
      if (acb_is_exact(a()) && acb_is_exact(b()) && acb_equal(a(), b())) return Sameness::kSame;
      if (!acb_overlaps(a(), b()) && (!program_.decimal || decided)) {
        return Noted(Sameness::kDifferent);
      }
    }
    if (precision != kPrecision) continue;
    if (defined) {
      if (const std::optional<double> bits =
              SeparationBits(program_, tree_, balls_, ball_budget_)) {
        const std::optional<Sameness> verdict = CompareBySeparation(*bits);
        if (verdict == Sameness::kSame || (verdict && !program_.decimal)) return *verdict;
      }
    }
    const Identity identity = CompareAsPolynomials(program_, tree_, defined, polynomial_budget_);
    if (identity == Identity::kEqual) return Sameness::kSame;
    if (identity == Identity::kDifferent && !program_.decimal) return Noted(Sameness::kDifferent);
    if (!defined && ball_budget_.left < kBallBudget / 2) return Sameness::kUnknown;
  }
  if (!defined) return Sameness::kUnknown;
  return agree ? Noted(Sameness::kAgrees) : Sameness::kUnknown;
}

Sameness Comparison::CompareFunctions() {
  // Where a part is not real, √x·√y is not √(x·y): such points count only if there are no others,
  // and those where a or b is not real last.
  enum { kAllReal, kBothReal, kComplex, kKinds };
  std::vector<int> points_of[kKinds];
  // Where nothing has a value, digits may be lacking.
  const auto enough_real = [&] { return points_of[kAllReal].size() >= kEnoughPoints; };
  // What the points from `begin` to `end` tell; nothing: go on.
  const auto look = [&](int begin, int end, slong precision) -> std::optional<Sameness> {
    for (int point = begin; point < end; ++point) {
      if (point >= Balls::kSearch && enough_real()) break;
      if (!balls_.Run(point, precision, ball_budget_)) return Sameness::kUnknown;
      if (!AreFinite()) continue;
      const int kind = program_.complex || balls_.AreAllReal() ? kAllReal
                       : AreReal()                             ? kBothReal
                                                               : kComplex;
      if (kind == kAllReal && !acb_overlaps(a(), b())) {
        // m/√(1 - v²/c²) and mc/√(c² - v²): of many names, lengths and speeds, none is negative.
        const bool positive =
            point < Balls::kMixed || (point >= Balls::kIntegers && point < Balls::kSigned);
        const bool flipped =
            program_.roots && balls_.names() >= 3 && !positive && AreOpposite(precision);
        if (!flipped) return Noted(Sameness::kDifferent);
        continue;
      }
      if (point < Balls::kSearch || kind == kAllReal) points_of[kind].push_back(point);
    }
    return std::nullopt;
  };
  for (const slong precision : {kPrecision, kMaxPrecision}) {
    if (const auto found = look(0, Balls::kIntegers, precision)) return *found;
    const bool dear = precision == kMaxPrecision;
    if (!enough_real()) {
      const int end = dear ? Balls::kIntegers + 6 : Balls::kFar;
      if (const auto found = look(Balls::kIntegers, end, precision)) return *found;
    }
    if (program_.pieces && !dear) {
      if (const auto found = look(Balls::kFar, Balls::kSearch, precision)) return *found;
    }
    const bool nowhere = std::ranges::all_of(points_of, &std::vector<int>::empty);
    if (!enough_real() && !dear && !nowhere) {
      const auto found = look(Balls::kSearch, balls_.SearchEnd(), precision);
      if (found) return *found;
    }
    if (!nowhere) break;
  }
  const auto best = std::ranges::find_if_not(points_of, &std::vector<int>::empty);
  const std::vector<int> points = best == std::end(points_of) ? std::vector<int>() : *best;
  if (points_of[kAllReal].empty()) {
    for (const int point : points) {
      if (!balls_.Run(point, kPrecision, ball_budget_)) return Sameness::kUnknown;
      if (!acb_overlaps(a(), b())) return Noted(Sameness::kDifferent);
    }
  }
  switch (CompareAsPolynomials(program_, tree_, !points.empty(), polynomial_budget_)) {
    case Identity::kEqual:
      return Sameness::kSame;
    case Identity::kDifferent:
      return Noted(Sameness::kDifferent);
    default:
      break;
  }
  size_t agreed = 0;
  for (const int point : points) {
    for (const slong precision : {kHighPrecision, kMaxPrecision}) {
      if (agreed >= kEnoughPoints && precision == kMaxPrecision) break;
      if (!balls_.Run(point, precision, ball_budget_)) break;
      if (!AreFinite()) continue;
      if (!acb_overlaps(a(), b())) return Noted(Sameness::kDifferent);
      if (AgreeSharply(precision)) {
        ++agreed;
        break;
      }
    }
  }
  if (agreed < kEnoughPoints) return Sameness::kUnknown;
  // x and x + 10^-999: once as sharp as can be.
  if (balls_.Run(points[0], kMaxPrecision, ball_budget_) && AreFinite() &&
      !acb_overlaps(a(), b())) {
    return Noted(Sameness::kDifferent);
  }
  return Noted(Sameness::kAgrees);
}

Proportion Comparison::CompareProportion() {
  if (const std::optional<int> sign =
          ProportionOfPolynomials(program_, tree_, polynomial_budget_)) {
    if (*sign == 0) return Proportion::kNone;
    return *sign > 0 ? Proportion::kPositive : Proportion::kNegative;
  }
  acb_t ratio, first;
  acb_init(ratio);
  acb_init(first);
  size_t counted = 0;
  std::optional<int> sharpest;  // a point that counted
  bool mismatched = false;
  std::optional<Proportion> verdict;
  // False when more digits may say more.
  const auto visit = [&](int point, slong precision) {
    if (!balls_.Run(point, precision, ball_budget_)) {
      verdict = Proportion::kUnknown;
      return true;
    }
    if (!AreFinite()) return false;
    if (IsReal(a()) != IsReal(b())) {
      mismatched = true;
      return true;
    }
    const bool zero_a = acb_contains_zero(a()), zero_b = acb_contains_zero(b());
    if (zero_a && zero_b) return false;
    if ((zero_a && IsSharp(a(), precision)) || (zero_b && IsSharp(b(), precision))) {
      verdict = Proportion::kNone;
      return true;
    }
    if (zero_a || zero_b) return false;
    acb_div(ratio, a(), b(), precision);
    if (!IsReal(ratio)) verdict = Proportion::kNone;
    if (!IsSharp(ratio, precision)) return verdict.has_value();
    if (counted++ == 0) acb_set(first, ratio);
    if (!acb_overlaps(first, ratio)) verdict = Proportion::kNone;
    sharpest = point;
    return true;
  };
  for (int point = 0; point < (program_.constant ? 1 : Balls::kFar) && !verdict; ++point) {
    if (point >= Balls::kIntegers && counted >= kEnoughPoints) break;
    if (!visit(point, kHighPrecision)) visit(point, kMaxPrecision);
  }
  // x + 10^300 y and x + 10^400 y: twice as sharp as they want.
  if (!verdict && counted >= kEnoughPoints && !program_.constant) {
    counted = 0;
    const int64_t bits = balls_.Spread() + kHighPrecision;
    if (bits > kWidest) verdict = Proportion::kUnknown;
    for (int point = *sharpest; point >= 0 && counted < 2 && !verdict; --point) {
      visit(point, std::max<slong>(kMaxPrecision, bits));
    }
    if (!verdict) counted = kEnoughPoints;
  }
  if (!verdict) {
    const size_t enough = program_.constant ? 1 : kEnoughPoints;
    verdict = counted == 0 && mismatched            ? Proportion::kNone
              : counted < enough                    ? Proportion::kUnknown
              : arb_is_positive(acb_realref(first)) ? Proportion::kPositive
                                                    : Proportion::kNegative;
  }
  acb_clear(ratio);
  acb_clear(first);
  return *verdict;
}

std::optional<int> Comparison::Order() {
  for (const slong precision : {kPrecision, kHighPrecision, kMaxPrecision}) {
    if (!balls_.Run(0, precision, ball_budget_)) return std::nullopt;
    if (!AreFinite()) continue;
    // A ball that merely holds reals may belong to a number that is not.
    if (!arb_is_zero(acb_imagref(a())) || !arb_is_zero(acb_imagref(b()))) return std::nullopt;
    if (arb_lt(acb_realref(a()), acb_realref(b()))) return -1;
    if (arb_gt(acb_realref(a()), acb_realref(b()))) return 1;
    if (precision == kPrecision && Compare({}) == Sameness::kSame) return 0;
  }
  return std::nullopt;
}

// So sharp, at the precision that costs most, that the difference to a like value is told from
// zero or as good as zero (IsSharp).
bool Comparison::HasValue() {
  size_t sharp = 0;
  const size_t enough = program_.constant ? 1 : kEnoughPoints;
  for (int point = 0; point < (program_.constant ? 1 : Balls::kFar) && sharp < enough; ++point) {
    if (!balls_.Run(point, kMaxPrecision, ball_budget_)) return false;
    sharp += acb_is_finite(a()) && IsSharp(a(), kMaxPrecision) &&
             AreWithin(-kMaxPrecision / 4 - 2, kMaxPrecision);
  }
  return sharp == enough;
}

// At the points, and the precision, that a comparison of functions takes: it costs as much.
bool Comparison::HasPoints() {
  int defined = 0, real = 0;
  for (int point = 0; point < Balls::kFar && real < kEnoughPoints; ++point) {
    if (!balls_.Run(point, kHighPrecision, ball_budget_)) return false;
    if (!acb_is_finite(a())) continue;
    ++defined;
    real += balls_.AreAllReal();
  }
  return defined >= kEnoughPoints;
}

// Somewhere, or that is too dear to tell.
bool Comparison::IsDefined() {
  for (const slong precision : {kPrecision, kMaxPrecision}) {
    for (int point = 0; point < (program_.constant ? 1 : Balls::kFar); ++point) {
      if (!balls_.Run(point, precision, ball_budget_) || acb_is_finite(a())) return true;
    }
  }
  return false;
}

// Factorials and binomials of variables, too dear for many digits at many points, as unknown
// functions: as sharp as what they are taken of. False when there are none.
bool ForgetFactorials(Program& program) {
  bool any = false;
  for (Step& step : program.steps) {
    if (!step.varying || !(step.Is(Function::kFactorial) || step.Is(Function::kBinomial))) continue;
    step.op = Op::kApply;
    step.name = Mix(step.detail);
    any = true;
  }
  return any;
}

// An infinity is a value here; nothing where exact numbers do not tell.
std::optional<bool> HasExactValue(const Tree& tree, NodeId id) {
  Budget budget{kExactBudget, &tree.budget()};
  Rational value;
  bool decimal = false;
  const Exactness exactness = EvaluateExactly(tree, id, budget, value, decimal);
  if (exactness == Exactness::kValue || InfinitySign(tree, id) != 0) return true;
  return exactness == Exactness::kUndefined ? std::optional(false) : std::nullopt;
}

void NoteExact(const Tree& tree, const Rational& x, const Rational& y) {
  const auto shown = [](const fmpq* value) {
    char* digits = fmpq_get_str(nullptr, 10, value);
    std::string text(digits);
    flint_free(digits);
    constexpr size_t kMost = 60;
    return text.size() > kMost ? StrCat(std::string_view(text).substr(0, kMost), "…") : text;
  };
  tree.notes->compared = StrCat("exactly: gold ", shown(x), ", answer ", shown(y));
}

}  // namespace

Sameness CompareScalars(const Tree& tree, NodeId a, NodeId b, const ScalarOptions& options) {
  if (a == b) return Sameness::kSame;
  {
    Budget budget{kExactBudget, &tree.budget()};
    Rational x, y;
    bool decimal = false;
    const Exactness of_a = EvaluateExactly(tree, a, budget, x, decimal);
    const Exactness of_b = EvaluateExactly(tree, b, budget, y, decimal);
    if (of_a == Exactness::kValue && of_b == Exactness::kValue) {
      if (tree.notes != nullptr) NoteExact(tree, x, y);
      if (fmpq_equal(x, y)) return Sameness::kSame;
      if (!decimal) return Sameness::kDifferent;
      const int places = std::clamp(options.decimals, 0, kMaxDecimals);
      const auto limbs = static_cast<int64_t>(fmpq_height_bits(x) + fmpq_height_bits(y) +
                                              4u * static_cast<uint64_t>(places)) /
                         64;
      tree.Spend(1000 + limbs * limbs);
      return AgreeAsDecimals(x, y, places) ? Sameness::kSame : Sameness::kDifferent;
    }
    // A number is not what has no value.
    if ((of_a == Exactness::kValue && of_b == Exactness::kUndefined) ||
        (of_a == Exactness::kUndefined && of_b == Exactness::kValue)) {
      return Sameness::kDifferent;
    }
  }
  const int infinity_a = InfinitySign(tree, a), infinity_b = InfinitySign(tree, b);
  if (infinity_a != 0 || infinity_b != 0) {
    return infinity_a == infinity_b ? Sameness::kSame : Sameness::kDifferent;
  }
  const std::optional<Program> program = Program::Make(tree, a, b);
  if (!program) {
    return NormalForm(tree, a) == NormalForm(tree, b) ? Sameness::kSame : Sameness::kUnknown;
  }
  if (program->a == program->b) return Sameness::kSame;
  Sameness best = Sameness::kUnknown;
  for (const bool natural_log : {false, true}) {
    if (natural_log && !program->log) break;
    const Sameness found = Comparison(tree, *program, natural_log).Compare(options);
    if (found == Sameness::kSame) return found;
    if (found == Sameness::kAgrees || !natural_log) best = found;
    if (found == Sameness::kUnknown && best == Sameness::kDifferent) best = found;
  }
  if (best == Sameness::kDifferent) return best;
  return NormalForm(tree, a) == NormalForm(tree, b) ? Sameness::kSame : best;
}

Proportion CompareProportion(const Tree& tree, NodeId f, NodeId g) {
  {
    Budget budget{kExactBudget, &tree.budget()};
    Rational x, y;
    bool decimal = false;
    if (EvaluateExactly(tree, f, budget, x, decimal) == Exactness::kValue &&
        EvaluateExactly(tree, g, budget, y, decimal) == Exactness::kValue) {
      const int sign = fmpq_sgn(x) * fmpq_sgn(y);
      if (sign != 0) return sign > 0 ? Proportion::kPositive : Proportion::kNegative;
      return fmpq_equal(x, y) ? Proportion::kUnknown : Proportion::kNone;
    }
  }
  const std::optional<Program> program = Program::Make(tree, f, g);
  if (!program) return Proportion::kUnknown;
  Proportion best = Proportion::kUnknown;
  for (const bool natural_log : {false, true}) {
    if (natural_log && !program->log) break;
    const Proportion found = Comparison(tree, *program, natural_log).CompareProportion();
    if (found == Proportion::kPositive || found == Proportion::kNegative) return found;
    best = natural_log && found != best ? Proportion::kUnknown : found;
  }
  return best;
}

std::optional<int> Order(const Tree& tree, NodeId a, NodeId b) {
  {
    Budget budget{kExactBudget, &tree.budget()};
    Rational x, y;
    bool decimal = false;
    if (EvaluateExactly(tree, a, budget, x, decimal) == Exactness::kValue &&
        EvaluateExactly(tree, b, budget, y, decimal) == Exactness::kValue) {
      const int order = fmpq_cmp(x, y);
      return order < 0 ? -1 : order > 0;
    }
  }
  const int infinity_a = InfinitySign(tree, a), infinity_b = InfinitySign(tree, b);
  if (infinity_a != 0 && infinity_b != 0) {
    return infinity_a < infinity_b ? -1 : infinity_a > infinity_b;
  }
  if (infinity_a != 0) return Order(tree, b, b) ? std::optional<int>(infinity_a) : std::nullopt;
  if (infinity_b != 0) return Order(tree, a, a) ? std::optional<int>(-infinity_b) : std::nullopt;
  const std::optional<Program> program = Program::Make(tree, a, b);
  if (!program || !program->constant) return std::nullopt;
  const std::optional<int> order = Comparison(tree, *program, false).Order();
  if (program->log && order != Comparison(tree, *program, true).Order()) return std::nullopt;
  return order;
}

bool HasValue(const Tree& tree, NodeId id) {
  if (const auto known = HasExactValue(tree, id)) return *known;
  const std::optional<Program> program = Program::Make(tree, id, id);
  if (!program) return false;
  Program cheap = *program;
  const bool factorials = ForgetFactorials(cheap);
  for (const bool natural_log : {false, true}) {
    if (natural_log && !program->log) break;
    if (factorials && !Comparison(tree, *program, natural_log).HasPoints()) return false;
    if (!Comparison(tree, cheap, natural_log).HasValue()) return false;
  }
  return true;
}

bool IsDefined(const Tree& tree, NodeId id) {
  if (const auto known = HasExactValue(tree, id)) return *known;
  const std::optional<Program> program = Program::Make(tree, id, id);
  return !program || Comparison(tree, *program, false).IsDefined();
}

std::optional<int64_t> SmallInteger(const Tree& tree, NodeId id) {
  Budget budget{kExactBudget, &tree.budget()};
  Rational value;
  bool decimal = false;
  if (EvaluateExactly(tree, id, budget, value, decimal) != Exactness::kValue) return std::nullopt;
  if (!value.IsInteger() || fmpz_bits(value.top()) > 53) return std::nullopt;
  return fmpz_get_si(value.top());
}

}  // namespace retort::verifiers
