// What must hold of "math" for any expression: random expressions, printed in random equivalent
// spellings as LaTeX or plain text, are equal; after a real change they are not. Seeds are fixed.

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "base/random.h"
#include "verifiers/registry.h"

namespace retort::verifiers::properties_test {
namespace {

constexpr int kSamples = 200;

Verdict Judge(const std::string& gold, const std::string& answer) {
  static const auto verifier = MakeVerifier("math", Json::object(), "test");
  Problem problem;
  problem.answer = gold;
  const std::string text = "Thus \\boxed{" + answer + "}.";
  return verifier->Judge({.text = text, .problem = problem});
}

bool Right(const std::string& gold, const std::string& answer) {
  return Judge(gold, answer).status == VerdictStatus::kRight;
}

/// Collects failures, shows the first few.
class Tally {
 public:
  void Equal(const std::string& a, const std::string& b) { Judged(a, b, true); }
  void EqualBothWays(const std::string& a, const std::string& b) {
    Equal(a, b);
    Equal(b, a);
  }
  void Different(const std::string& a, const std::string& b) { Judged(a, b, false); }
  void Add(bool good, const std::string& claim) {
    ++samples_;
    if (good) return;
    if (++failures_ <= 10) shown_ += claim + "\n";
  }
  ~Tally() { EXPECT_EQ(failures_, 0) << "of " << samples_ << "; the first:\n" << shown_; }

 private:
  void Judged(const std::string& gold, const std::string& answer, bool equal) {
    const Verdict verdict = Judge(gold, answer);
    const bool right = verdict.status == VerdictStatus::kRight;
    Add(right == equal, gold + (equal ? " = " : " ≠ ") + answer + " | got " + verdict.reason);
  }

  int samples_ = 0, failures_ = 0;
  std::string shown_;
};

// ---------------------------------------------------------------------------------------------
// Expressions.

enum class Kind { kInteger, kSymbol, kPi, kSum, kProduct, kQuotient, kPower, kRoot, kFunction };

struct Expression {
  Kind kind = Kind::kInteger;
  int64_t value = 0;      ///< of kInteger, not negative; exponent of kPower
  std::string name = {};  ///< of kSymbol and kFunction
  std::vector<Expression> parts = {};
  std::vector<bool> minus = {};  ///< of kSum, one per part
};

Expression Integer(int64_t value) { return {.kind = Kind::kInteger, .value = value}; }
Expression Quotient(Expression a, Expression b) {
  return {.kind = Kind::kQuotient, .parts = {std::move(a), std::move(b)}};
}
Expression Product(std::vector<Expression> parts) {
  return {.kind = Kind::kProduct, .parts = std::move(parts)};
}
Expression Sum(std::vector<Expression> parts, std::vector<bool> minus) {
  return {.kind = Kind::kSum, .parts = std::move(parts), .minus = std::move(minus)};
}
Expression Plus(Expression a, Expression b) { return Sum({std::move(a), std::move(b)}, {0, 0}); }

/// Defined wherever its symbols are not 0: divisors, radicands and arguments of logarithms are
/// positive integers, roots of them, or symbols.
class Generator {
 public:
  Generator(uint64_t seed, bool rational)
      : random_({.seed = seed, .purpose = "properties-expression"}), rational_(rational) {}

  Expression Next() { return Any(3); }
  RandomStream& random() { return random_; }

 private:
  Expression Leaf() {
    const uint64_t pick = random_.Below(rational_ ? 2 : 6);
    if (pick == 0) return Integer(random_.Between(1, 9));
    if (pick == 1) return Integer(random_.Between(1, rational_ ? 20'000 : 300));
    if (pick == 2) return {.kind = Kind::kPi};
    if (pick == 3) {
      return {.kind = Kind::kRoot, .parts = {Integer(random_.Between(2, 99))}};
    }
    return {.kind = Kind::kSymbol, .name = random_.Below(2) ? "x" : "y"};
  }

  Expression Divisor() {
    const uint64_t pick = random_.Below(rational_ ? 1 : 3);
    if (pick == 1) return {.kind = Kind::kSymbol, .name = "n"};
    if (pick == 2) {
      return {.kind = Kind::kRoot, .parts = {Integer(random_.Between(2, 9))}};
    }
    return Integer(random_.Between(2, 12));
  }

  Expression Any(int depth) {
    if (depth == 0) return Leaf();
    const uint64_t pick = random_.Below(rational_ ? 5 : 7);
    if (pick == 0) return Leaf();
    if (pick == 1 || pick == 2) {
      Expression sum{.kind = Kind::kSum};
      for (int64_t i = random_.Between(2, 3); i > 0; --i) {
        sum.parts.push_back(Any(depth - 1));
        sum.minus.push_back(!sum.minus.empty() && random_.Below(3) == 0);
      }
      return sum;
    }
    if (pick == 3) return Product({Any(depth - 1), Any(depth - 1)});
    if (pick == 4) return Quotient(Any(depth - 1), Divisor());
    if (pick == 5) {
      return {.kind = Kind::kPower, .value = random_.Between(2, 3), .parts = {Any(depth - 1)}};
    }
    const uint64_t which = random_.Below(3);
    Expression argument = which == 2 ? Integer(random_.Between(2, 50)) : Any(depth - 1);
    return {.kind = Kind::kFunction,
            .name = which == 0   ? "sin"
                    : which == 1 ? "cos"
                                 : "ln",
            .parts = {std::move(argument)}};
  }

  RandomStream random_;
  bool rational_;
};

// ---------------------------------------------------------------------------------------------
// Spellings.

class Printer {
 public:
  explicit Printer(uint64_t seed) : random_({.seed = seed, .purpose = "properties-spelling"}) {}

  /// One of many spellings of `e`.
  std::string operator()(const Expression& e) { return Print(e, kLoosest); }

  std::string Number(int64_t value) {
    std::string digits = std::to_string(value);
    const uint64_t style = random_.Below(4);
    if (style == 0 || value < 1000) return digits;
    const char* separator = style == 1 ? "{,}" : style == 2 ? ",\\!" : "\\,";
    for (size_t i = digits.size() - 3; i > 0 && i < digits.size(); i -= std::min<size_t>(i, 3)) {
      digits.insert(i, separator);
    }
    return digits;
  }

  std::string Space() {
    const char* kSpaces[] = {"", "", "", " ", "  ", "\\,", "\\;", "\\ "};
    return kSpaces[random_.Below(std::size(kSpaces))];
  }

  std::string Group(const std::string& inside, const char* open = "(", const char* close = ")") {
    const bool tall = random_.Below(2);
    return (tall ? "\\left" : "") + std::string(open) + Space() + inside + Space() +
           (tall ? "\\right" : "") + close;
  }

  template <class T>
  std::vector<T> Shuffled(std::vector<T> items) {
    random_.Shuffle(items);
    return items;
  }

  /// "a, b, c", each in a spelling of its own.
  std::string Items(const std::vector<Expression>& items) {
    std::string out;
    for (const Expression& item : items) out += (out.empty() ? "" : "," + Gap()) + (*this)(item);
    return out;
  }

  RandomStream& random() { return random_; }

 private:
  enum Tightness { kLoosest, kTerm, kFactor, kBase };

  std::string Gap() { return random_.Below(2) ? " " : "\\; "; }

  std::string Braced(const Expression& e) { return "{" + Space() + Print(e, kLoosest) + "}"; }

  std::string Fraction(const Expression& a, const Expression& b, Tightness around) {
    const auto digit = [](const Expression& e) { return e.kind == Kind::kInteger && e.value <= 9; };
    const uint64_t style = random_.Below(6);
    if (style == 0 && digit(a) && digit(b)) {
      return "\\frac" + std::to_string(a.value) + std::to_string(b.value);
    }
    if (style == 1) {
      const std::string out = Group(Print(a, kLoosest)) + "/" + Group(Print(b, kLoosest));
      return around >= kFactor ? Group(out) : out;
    }
    if (style == 2) return "{" + Print(a, kLoosest) + " \\over " + Print(b, kLoosest) + "}";
    return (style == 3 ? "\\dfrac" : style == 4 ? "\\tfrac" : "\\frac") + Braced(a) + Braced(b);
  }

  std::string ProductOf(const Expression& e) {
    std::string out;
    const Expression* last = nullptr;
    for (const Expression& part : e.parts) {
      const std::string printed = Print(part, kFactor);
      if (last) {
        // Only where nothing else can be meant: 2x, 2\pi, 2\sqrt3, x\sqrt3, but not 2\frac12 or
        // x(y+1).
        const bool named =
            part.kind == Kind::kSymbol || part.kind == Kind::kPi || part.kind == Kind::kRoot;
        const bool plain = last->kind == Kind::kInteger || last->kind == Kind::kSymbol;
        const uint64_t style = random_.Below(4);
        if (style == 0 && named && plain) {
          out += random_.Below(2) ? "" : " ";
        } else {
          out += style == 1 ? " \\times " : style == 2 ? "*" : " \\cdot ";
        }
      }
      out += printed;
      last = &part;
    }
    return out;
  }

  std::string SumOf(const Expression& e) {
    std::vector<size_t> order(e.parts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    random_.Shuffle(order);
    std::string out;
    for (const size_t i : order) {
      if (!out.empty()) out += Space();
      if (e.minus[i] || !out.empty()) out += e.minus[i] ? "-" : "+";
      out += Space() + Print(e.parts[i], kTerm);
    }
    return out;
  }

  std::string Print(const Expression& e, Tightness around) {
    switch (e.kind) {
      case Kind::kInteger:
        return Number(e.value);
      case Kind::kSymbol:
        return e.name;
      case Kind::kPi:
        return random_.Below(4) ? "\\pi " : "π";
      case Kind::kSum: {
        const std::string out = SumOf(e);
        return around > kLoosest ? Group(out) : out;
      }
      case Kind::kProduct: {
        const std::string out = ProductOf(e);
        return around >= kFactor ? Group(out) : out;
      }
      case Kind::kQuotient: {
        const std::string out = Fraction(e.parts[0], e.parts[1], around);
        return around == kBase ? Group(out) : out;
      }
      case Kind::kPower: {
        const std::string exponent = std::to_string(e.value);
        const std::string out =
            Print(e.parts[0], kBase) + "^" + (random_.Below(2) ? exponent : "{" + exponent + "}");
        return around >= kFactor ? Group(out) : out;
      }
      case Kind::kRoot: {
        const int64_t inside = e.parts[0].value;
        const uint64_t style = random_.Below(4);
        std::string out = "\\sqrt{" + std::to_string(inside) + "}";
        if (style == 0 && inside <= 9) out = "\\sqrt" + std::to_string(inside);
        if (style == 1) out = "\\sqrt {" + std::to_string(inside) + " }";
        if (style == 2) out = "\\sqrt[2]{" + std::to_string(inside) + "}";
        return around == kBase ? Group(out) : out;
      }
      case Kind::kFunction: {
        const std::string out = "\\" + e.name + Group(Print(e.parts[0], kLoosest));
        return around >= kFactor ? Group(out) : out;
      }
    }
    return "";
  }

  RandomStream random_;
};

// ---------------------------------------------------------------------------------------------
// Scalars.

TEST(MathProperties, SpellingsAreEqual) {
  Tally tally;
  Generator next(1, false);
  Printer print(1);
  for (int i = 0; i < kSamples; ++i) {
    const Expression e = next.Next();
    const std::string a = print(e);
    tally.Equal(a, a);
    tally.EqualBothWays(a, print(e));
    tally.Equal("$" + a + "$", "\\displaystyle " + print(e));
  }
}

TEST(MathProperties, IdentitiesAreEqual) {
  Tally tally;
  Generator next(2, false);
  Printer print(2);
  for (int i = 0; i < kSamples; ++i) {
    const Expression e = next.Next(), other = next.Next();
    const Expression k = Integer(next.random().Between(2, 30));
    const std::string gold = print(e);
    tally.EqualBothWays(gold, print(Quotient(Product({k, e}), k)));
    tally.EqualBothWays(gold, print(Sum({e, other, other}, {false, false, true})));
    tally.EqualBothWays(print(Product({k, Plus(e, other)})),
                        print(Plus(Product({k, e}), Product({other, k}))));
  }
}

TEST(MathProperties, AChangeIsADifference) {
  Tally tally;
  Generator next(3, false);
  Printer print(3);
  for (int i = 0; i < kSamples; ++i) {
    const Expression e = next.Next();
    const std::string gold = print(e);
    tally.Different(gold, print(Plus(e, Integer(1))));
    tally.Different(gold, print(Sum({e, Quotient(Integer(1), Integer(1000))}, {false, true})));
    tally.Different(print(Plus(e, Quotient(Integer(1), Integer(99)))),
                    print(Plus(e, Quotient(Integer(1), Integer(98)))));
    tally.Different(gold, gold + ", " + print(Plus(e, Integer(1))));
  }
}

struct Rational {
  __int128 numerator = 0, denominator = 1;
};

/// Nothing where it could outgrow 64 bits.
bool Evaluate(const Expression& e, Rational* out) {
  constexpr __int128 kMost = INT64_MAX;
  if (e.kind == Kind::kInteger) {
    *out = {e.value, 1};
    return true;
  }
  Rational total = e.kind == Kind::kSum ? Rational{0, 1} : Rational{1, 1};
  for (size_t i = 0; i < e.parts.size(); ++i) {
    Rational part;
    if (!Evaluate(e.parts[i], &part)) return false;
    if (e.kind == Kind::kSum) {
      const __int128 sign = e.minus[i] ? -1 : 1;
      total.numerator =
          total.numerator * part.denominator + sign * part.numerator * total.denominator;
      total.denominator *= part.denominator;
    } else if (e.kind == Kind::kQuotient && i == 1) {
      total.numerator *= part.denominator;
      total.denominator *= part.numerator;
    } else {
      total.numerator *= part.numerator;
      total.denominator *= part.denominator;
    }
    __int128 a = total.numerator < 0 ? -total.numerator : total.numerator, b = total.denominator;
    while (b) std::swap(a %= b, b);
    total.numerator /= a;
    total.denominator /= a;
    if (total.numerator > kMost || total.numerator < -kMost || total.denominator > kMost) {
      return false;
    }
  }
  *out = total;
  return true;
}

std::string Text(const Rational& value) {
  return std::to_string(static_cast<int64_t>(value.numerator)) + "/" +
         std::to_string(static_cast<int64_t>(value.denominator));
}

TEST(MathProperties, RationalArithmeticIsExact) {
  Tally tally;
  Generator next(4, true);
  Printer print(4);
  for (int i = 0; i < 2 * kSamples; ++i) {
    const Expression e = next.Next();
    Rational value;
    if (!Evaluate(e, &value)) continue;
    tally.EqualBothWays(Text(value), print(e));
    tally.Different(Text({value.numerator + 1, value.denominator}), print(e));
    tally.Different(Text({value.numerator, value.denominator + 1 + (value.numerator == 0)}),
                    print(Plus(e, Integer(value.numerator == 0))));
    if (value.numerator != 0)
      tally.Different(Text({-value.numerator, value.denominator}), print(e));
  }
}

TEST(MathProperties, VerdictsOnScalarsAreSymmetric) {
  Tally tally;
  Generator next(5, false);
  Printer print(5);
  std::vector<std::string> pool;
  for (int i = 0; i < 24; ++i) pool.push_back(print(next.Next()));
  for (const char* text : {"x=5", "5", "0.333333", "1/3", "28\\%", "0.28", "28", "\\infty", "i",
                           "-1", "x^2", "2x", "\\sqrt{2}", "1.414214", "1.41", "0"}) {
    pool.push_back(text);
  }
  for (const std::string& a : pool) {
    for (const std::string& b : pool) {
      tally.Add(Right(a, b) == Right(b, a), a + " and " + b + " either way");
    }
  }
}

// ---------------------------------------------------------------------------------------------
// Numbers.

std::string RandomDigits(RandomStream& random, int64_t length) {
  std::string digits;
  for (int64_t i = 0; i < length; ++i) {
    digits += static_cast<char>('0' + random.Between(i == 0, 9));
  }
  return digits;
}

std::string WithSeparators(std::string digits, const std::string& separator) {
  for (size_t i = digits.size(); i > 3;) digits.insert(i -= 3, separator);
  return digits;
}

TEST(MathProperties, BigIntegersInAllSpellings) {
  Tally tally;
  RandomStream random({.seed = 6, .purpose = "properties"});
  for (int i = 0; i < kSamples; ++i) {
    const std::string digits = RandomDigits(random, random.Between(4, 40));
    for (const char* separator : {",", "{,}", ",\\!", "\\,", "\\ ", " "}) {
      tally.EqualBothWays(digits, WithSeparators(digits, separator));
    }
    for (const char* unit : {"\\text{ cm}", "\\text{ units}", "\\mbox{ cm}^2", "^\\circ", "."}) {
      tally.Equal(digits, digits + unit);
    }
    for (const char* before : {"+", "\\$", "0", " ", "x=", "\\approx "}) {
      tally.Equal(digits, before + digits);
    }
    tally.Different(digits, "-" + digits);
    tally.Different(digits, digits + "0");
    std::string changed = digits;
    char& digit = changed[random.Below(changed.size())];
    digit = digit == '9' ? '8' : static_cast<char>(digit + 1);
    tally.Different(digits, changed);
    tally.Different(digits, WithSeparators(changed, ","));
    tally.Different(digits, changed + "\\text{ cm}");
  }
}

TEST(MathProperties, DecimalsAreFractions) {
  Tally tally;
  RandomStream random({.seed = 7, .purpose = "properties"});
  for (int i = 0; i < kSamples; ++i) {
    const std::string whole = std::to_string(random.Between(1, 2000));
    const std::string part = RandomDigits(random, random.Between(1, 5));
    const std::string one = "1" + std::string(part.size(), '0');
    const std::string decimal = whole + "." + part;
    tally.EqualBothWays(decimal, "\\frac{" + whole + part + "}{" + one + "}");
    tally.EqualBothWays(decimal, whole + "\\frac{" + part + "}{" + one + "}");
    tally.EqualBothWays(decimal,
                        whole + part + "\\times 10^{-" + std::to_string(part.size()) + "}");
    tally.EqualBothWays(decimal, whole + part + "/10^" + std::to_string(part.size()));
    tally.EqualBothWays(decimal + "\\%", whole + part + "/" + one + "00");
    tally.Equal(decimal, decimal + "00");
    tally.Different(decimal, decimal + "1");
    tally.Different(decimal, whole + part);
    tally.Different(decimal, decimal + "\\%");
    tally.Different(decimal, "-" + decimal);
  }
}

// ---------------------------------------------------------------------------------------------
// Structures.

/// Different rational numbers and roots, none of them 0 or the negative of another.
std::vector<Expression> DifferentItems(RandomStream& random, int64_t count) {
  std::vector<Expression> items;
  int64_t last = 1;
  for (int64_t i = 0; i < count; ++i) {
    last += random.Between(1, 50);
    const uint64_t pick = random.Below(3);
    items.push_back(Integer(last));
    if (pick == 1) items.back() = Quotient(Integer(2 * last + 1), Integer(2));
    if (pick == 2) items.back() = {.kind = Kind::kRoot, .parts = {Integer(last * last + 1)}};
  }
  return items;
}

TEST(MathProperties, SetsAndListsHaveNoOrder) {
  Tally tally;
  Printer print(8);
  for (int i = 0; i < kSamples; ++i) {
    const auto items = DifferentItems(print.random(), print.random().Between(2, 7));
    const auto set = [&](const std::vector<Expression>& of) {
      return print.Group(print.Items(of), "\\{", "\\}");
    };
    tally.EqualBothWays(set(items), set(print.Shuffled(items)));
    tally.EqualBothWays(print.Items(items), print.Items(print.Shuffled(items)));
    tally.Equal(set(items), print.Items(print.Shuffled(items)));

    std::vector<Expression> fewer = items, more = items, other = items;
    fewer.erase(fewer.begin() + static_cast<long>(print.random().Below(fewer.size())));
    more.push_back(Integer(7777));
    Expression& changed = other[print.random().Below(other.size())];
    changed = Sum({changed}, {true});
    for (const auto& wrong : {fewer, more, other}) {
      tally.Different(print.Items(items), print.Items(wrong));
      tally.Different(set(items), set(wrong));
      tally.Different(set(wrong), set(items));
    }
  }
}

TEST(MathProperties, TuplesAreOrdered) {
  Tally tally;
  Printer print(9);
  for (int i = 0; i < kSamples; ++i) {
    const auto items = DifferentItems(print.random(), print.random().Between(2, 5));
    const auto tuple = [&](const std::vector<Expression>& of) {
      return print.Group(print.Items(of));
    };
    tally.EqualBothWays(tuple(items), tuple(items));
    auto swapped = items, fewer = items, other = items;
    std::swap(swapped.front(), swapped.back());
    fewer.pop_back();
    other.back() = Plus(other.back(), Integer(1));
    for (const auto& wrong : {swapped, fewer, other}) tally.Different(tuple(items), tuple(wrong));

    const std::string both = tuple(items) + ", " + tuple(swapped);
    tally.Equal(both, tuple(swapped) + ", " + tuple(items));
    tally.Equal(both, print.Group(tuple(swapped) + ", " + tuple(items), "\\{", "\\}"));
    tally.Different(both, tuple(items));
    tally.Different(both, tuple(items) + ", " + tuple(other));
  }
}

TEST(MathProperties, IntervalsKeepTheirEnds) {
  Tally tally;
  Printer print(10);
  for (int i = 0; i < kSamples; ++i) {
    const auto ends = DifferentItems(print.random(), 2);
    const auto interval = [&](const std::vector<Expression>& of, bool left, bool right) {
      return print.Group(print.Items(of), left ? "[" : "(", right ? "]" : ")");
    };
    const std::vector<Expression> backwards{ends[1], ends[0]};
    const std::vector<Expression> longer{ends[0], Plus(ends[1], Integer(1))};
    for (const bool left : {false, true}) {
      for (const bool right : {false, true}) {
        const std::string gold = interval(ends, left, right);
        tally.Equal(gold, interval(ends, left, right));
        tally.Different(gold, interval(ends, !left, right));
        tally.Different(gold, interval(ends, left, !right));
        tally.Different(gold, interval(backwards, left, right));
        tally.Different(gold, interval(longer, left, right));
        tally.Equal(gold, "x \\in " + interval(ends, left, right));
        const std::string less = left ? " \\le " : " < ", then = right ? " \\leq " : "<";
        const std::string chain = print(ends[0]) + less + "x" + then + print(ends[1]);
        const std::string flipped = print(ends[1]) + (right ? " \\ge " : " > ") + "x" +
                                    (left ? " \\geq " : ">") + print(ends[0]);
        tally.EqualBothWays(chain, flipped);
        tally.Equal(chain, gold);
        tally.Different(chain, interval(ends, left, !right));
      }
    }
  }
}

class Matrix {
 public:
  Matrix(RandomStream& random, int64_t rows, int64_t columns) : rows_(rows), columns_(columns) {
    entries_ = DifferentItems(random, rows * columns);
    random.Shuffle(entries_);
  }

  std::string Print(Printer& print) const {
    std::string inside;
    for (int64_t i = 0; i < rows_; ++i) {
      if (i > 0) inside += print.Space() + "\\\\" + (print.random().Below(2) ? " " : "\n");
      for (int64_t j = 0; j < columns_; ++j) {
        inside += (j > 0 ? "&" : "") + print.Space() +
                  print(entries_[static_cast<size_t>(i * columns_ + j)]);
      }
    }
    switch (print.random().Below(3)) {
      case 0:
        return "\\begin{pmatrix}" + inside + "\\end{pmatrix}";
      case 1:
        return "\\begin{bmatrix} " + inside + " \\end{bmatrix}";
      default:
        return "\\left(\\begin{array}{" + std::string(static_cast<size_t>(columns_), 'c') + "}" +
               inside + "\\end{array}\\right)";
    }
  }

  Matrix Transposed() const {
    Matrix out = *this;
    std::swap(out.rows_, out.columns_);
    for (int64_t i = 0; i < rows_; ++i) {
      for (int64_t j = 0; j < columns_; ++j) {
        out.entries_[static_cast<size_t>(j * rows_ + i)] =
            entries_[static_cast<size_t>(i * columns_ + j)];
      }
    }
    return out;
  }

  std::vector<Expression>& entries() { return entries_; }

 private:
  int64_t rows_, columns_;
  std::vector<Expression> entries_;
};

TEST(MathProperties, MatricesAreEqualEntryByEntry) {
  Tally tally;
  Printer print(11);
  for (int i = 0; i < kSamples / 2; ++i) {
    const Matrix m(print.random(), print.random().Between(1, 3), print.random().Between(2, 3));
    const std::string gold = m.Print(print);
    tally.EqualBothWays(gold, m.Print(print));
    tally.Different(gold, m.Transposed().Print(print));
    Matrix changed = m, doubled = m;
    Expression& entry = changed.entries()[print.random().Below(changed.entries().size())];
    entry = Plus(entry, Integer(1));
    for (Expression& e : doubled.entries()) e = Product({Integer(2), e});
    tally.Different(gold, changed.Print(print));
    tally.Different(gold, doubled.Print(print));
    tally.EqualBothWays(doubled.Print(print), "2" + m.Print(print));
    tally.EqualBothWays(doubled.Print(print), m.Print(print) + "+" + m.Print(print));
  }
}

TEST(MathProperties, EquationsMayBeScaledAndTurned) {
  Tally tally;
  RandomStream random({.seed = 12, .purpose = "properties"});
  for (int i = 0; i < kSamples; ++i) {
    const int64_t a = random.Between(2, 30), b = random.Between(2, 30), c = random.Between(1, 99);
    const int64_t k = random.Between(2, 9);
    const auto line = [](int64_t x, int64_t y, int64_t right, const char* relation = "=") {
      return std::to_string(x) + "x" + (y < 0 ? "" : "+") + std::to_string(y) + "y" + relation +
             std::to_string(right);
    };
    const std::string gold = line(a, b, c);
    tally.Equal(gold, line(k * a, k * b, k * c));
    tally.Equal(gold, line(-a, -b, -c));
    tally.Equal(gold,
                std::to_string(c) + " = " + std::to_string(b) + "y + " + std::to_string(a) + "x");
    tally.Equal(gold, "y = \\frac{" + std::to_string(c) + "-" + std::to_string(a) + "x}{" +
                          std::to_string(b) + "}");
    tally.Different(gold, line(a, b, c + 1));
    tally.Different(gold, line(a, -b, c));
    tally.Different(gold, line(a + 1, b, c));
    tally.Different(gold, line(a, b, c, ">"));

    const std::string less = line(a, b, c, "<");
    tally.Equal(less, line(k * a, k * b, k * c, "<"));
    tally.Equal(less, line(-a, -b, -c, ">"));
    tally.Different(less, line(-a, -b, -c, "<"));
    tally.Different(less, line(a, b, c, "\\le "));
    tally.Different(less, line(a, b, c, "="));

    const std::string value = std::to_string(c);
    tally.EqualBothWays("x=" + value, value);
    tally.EqualBothWays("x=" + value, value + "=x");
    tally.Different("x=" + value, "y=" + value);
    tally.Different("x=" + value, "x=-" + value);
    tally.Different("x=" + value, "x\\ne " + value);
  }
}

}  // namespace
}  // namespace retort::verifiers::properties_test
