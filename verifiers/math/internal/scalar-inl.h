#pragma once
// The parts that evaluate.h is made of.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "verifiers/math/internal/flint-inl.h"
#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

/// FLINT's integers and rationals as C++ objects.
struct Integer {
  Integer() { fmpz_init(value); }
  ~Integer() { fmpz_clear(value); }
  Integer(const Integer&) = delete;
  Integer& operator=(const Integer&) = delete;
  operator fmpz*() { return value; }
  operator const fmpz*() const { return value; }
  fmpz_t value;
};
struct Rational {
  Rational() { fmpq_init(value); }
  ~Rational() { fmpq_clear(value); }
  Rational(const Rational&) = delete;
  Rational& operator=(const Rational&) = delete;
  operator fmpq*() { return value; }
  operator const fmpq*() const { return value; }
  fmpz* top() { return fmpq_numref(value); }
  fmpz* bottom() { return fmpq_denref(value); }
  bool IsInteger() const { return fmpz_is_one(fmpq_denref(value)); }
  fmpq_t value;
};

// exact.cpp

enum class Exactness { kValue, kUndefined, kNotRational, kTooLarge };

/// No number grows beyond this: 10,000! fits.
inline constexpr int64_t kMaxBits = 160'000;

/// The value of rational arithmetic. Sets `decimal` when it meets a decimal point.
Exactness EvaluateExactly(const Tree& tree, NodeId id, Budget& budget, Rational& value,
                          bool& decimal);

// decimals.cpp

/// Whether two numbers are the same once rounded to so many places, half away from zero, and
/// relatively near as well: nothing tiny equals 0.
bool AgreeAsDecimals(const fmpq* a, const fmpq* b, int places);
/// The same of balls; nothing when they are too wide to tell.
std::optional<bool> AgreeAsDecimals(const arb_t a, const arb_t b, int places, slong precision);

// program.cpp

inline constexpr int64_t kMaxNodes = 20'000;
inline constexpr int kMaxDepth = 500;

/// One distinct subexpression. What is structurally the same is one step.
struct Step {
  NodeId node = 0;
  Op op = Op::kNumber;
  uint8_t detail = 0;
  bool atom = false;     ///< has no value that we compute: stands for itself
  bool varying = false;  ///< contains a symbol or an atom
  int32_t first = 0;     ///< of its arguments
  int32_t count = 0;
  uint64_t name = 0;  ///< of symbols, atoms and unknown functions: a hash

  bool Is(Function function) const {
    return op == Op::kFunction && detail == static_cast<uint8_t>(function);
  }
};

/// Two expressions as a list of steps, arguments first.
struct Program {
  /// Nothing when too large, too deep or not scalar. What is shared counts once.
  static std::optional<Program> Make(const Tree& tree, NodeId a, NodeId b);

  std::span<const int32_t> Arguments(const Step& step) const {
    return {arguments.data() + step.first, static_cast<size_t>(step.count)};
  }
  const Step& operator[](int32_t i) const { return steps[static_cast<size_t>(i)]; }

  std::vector<Step> steps;
  std::vector<int32_t> arguments;
  int32_t a = 0, b = 0;
  bool constant = true;
  bool decimal = false;  ///< a number has a decimal point
  bool log = false;      ///< a log has no base
  bool complex = false;  ///< i stands in it
  bool roots = false;    ///< of sums; and neither bars, signs nor roots of products
  bool pieces = false;   ///< may follow another law far away: floors, bars, maxima, roots
};

uint64_t Mix(uint64_t bits);

// balls.cpp

/// Complex balls that hold the values of all steps of a program at a point, for certain. Not finite
/// means undefined, or too large to compute.
class Balls {
 public:
  Balls(const Program& program, const Tree& tree, bool natural_log);
  ~Balls();
  Balls(const Balls&) = delete;
  Balls& operator=(const Balls&) = delete;

  /// Symbols get numbers made of their names and the point's number: at the first points positive
  /// rationals, then of both signs; from kIntegers on integers, each symbol even and odd, with any
  /// parity of the others, at last of both signs; from kFar on large ones; and those from kSearch
  /// on lie between and around the constants of the program, where narrow domains are found.
  /// Returns false when the budget is used up; then there are no values.
  bool Run(int point, slong precision, Budget& budget);
  /// The end of the points that search; Run() must have been called.
  int SearchEnd();
  acb_srcptr operator[](int32_t step) const { return values_ + step; }
  bool AreAllReal() const;
  size_t names() const { return names_.size(); }
  /// Bits that tell the smallest from the largest of them.
  int64_t Spread() const;

  static constexpr int kMixed = 4, kIntegers = 8, kSigned = 16, kFar = 24, kSearch = 30;

 private:
  void Evaluate(const Step& step, acb_ptr out);
  void EvaluateFunction(const Step& step, acb_ptr out);
  void SetNumber(const Step& step, acb_ptr out);
  void SetSymbol(const Step& step, acb_ptr out);
  void FindCandidates();
  void Apply(const Step& step, acb_ptr out);
  void SetRational(uint64_t bits, bool may_be_negative, acb_ptr out);
  acb_ptr Argument(const Step& step, int i) const;

  const Program& program_;
  const Tree& tree_;
  const bool natural_log_;
  acb_ptr values_;
  acb_struct scratch_[2];
  Budget* budget_ = nullptr;  // during Run()
  int point_ = 0;
  slong precision_ = 0;
  slong held_ = 0;                  // the precision that all values have; 0: none
  std::vector<uint64_t> names_;     // of what gets a number, each once
  std::vector<double> candidates_;  // for it, of points that search
};

bool IsReal(acb_srcptr z);
/// Worth comparing: relatively sharp, or as good as zero.
bool IsSharp(acb_srcptr z, slong precision);

// polynomials.cpp

enum class Identity { kEqual, kDifferent, kUnknown };
/// Compares as quotients of polynomials over everything that is not rational arithmetic. `defined`
/// says that both have a value somewhere.
Identity CompareAsPolynomials(const Program& program, const Tree& tree, bool defined,
                              Budget& budget);
/// The sign of c in a = c·b; 0 when there is no such c; nothing when not decided.
std::optional<int> ProportionOfPolynomials(const Program& program, const Tree& tree,
                                           Budget& budget);

// algebraic.cpp

/// Bits after the point that tell a - b from zero: |a - b| is zero or above 2^-bits. Nothing when
/// the two are not known to be algebraic. `balls` are their values.
std::optional<double> SeparationBits(const Program& program, const Tree& tree, const Balls& balls,
                                     Budget& budget);

}  // namespace retort::verifiers
