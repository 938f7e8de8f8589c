#include "verifiers/simple/internal/expression.h"

#include <charconv>
#include <numeric>

namespace retort::verifiers {

namespace {

constexpr int kMaxDepth = 64;

// Recursive descent. The first problem is kept in status_; after a malformed place nothing is read,
// after an arithmetic one reading goes on, so that all numbers are seen.
class Evaluator {
 public:
  explicit Evaluator(std::string_view text) : rest_(text) {}

  ExpressionReading Run() {
    const Fraction value = Sum();
    SkipSpace();
    if (!rest_.empty()) status_ = ExpressionStatus::kMalformed;
    return {status_, value, std::move(numbers_)};
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
  }

  bool Take(std::string_view token) {
    SkipSpace();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  Fraction Malformed() {
    status_ = ExpressionStatus::kMalformed;
    rest_ = {};
    return {};
  }

  void Note(ExpressionStatus status) {
    if (status_ == ExpressionStatus::kValue) status_ = status;
  }

  Fraction Sum() {
    Fraction sum = Product();
    while (true) {
      if (Take("+")) {
        sum = Add(sum, Product());
      } else if (Take("-")) {
        sum = Add(sum, Multiply(Product(), {-1, 1}));
      } else {
        return sum;
      }
    }
  }

  Fraction Product() {
    Fraction product = Factor();
    while (true) {
      if (Take("*") || Take("\\times") || Take("\\cdot")) {
        product = Multiply(product, Factor());
      } else if (Take("/") || Take("\\div")) {
        product = Divide(product, Factor());
      } else {
        return product;
      }
    }
  }

  Fraction Factor() {
    if (depth_ >= kMaxDepth) return Malformed();
    for (const auto& [open, close] : {std::pair{"(", ")"}, std::pair{"[", "]"}}) {
      if (!Take(open)) continue;
      ++depth_;
      const Fraction inner = Sum();
      --depth_;
      return Take(close) ? inner : Malformed();
    }
    if (Take("-")) {
      ++depth_;
      const Fraction inner = Factor();
      --depth_;
      return Multiply(inner, {-1, 1});
    }
    return Literal();
  }

  Fraction Literal() {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc()) return Malformed();
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    numbers_.push_back(number);
    return {number, 1};
  }

  Fraction Reduced(int64_t numerator, int64_t denominator) {
    const int64_t divisor = std::gcd(numerator, denominator);
    return {numerator / divisor, denominator / divisor};
  }

  Fraction Multiply(const Fraction& a, const Fraction& b) {
    int64_t numerator = 0;
    int64_t denominator = 0;
    if (__builtin_mul_overflow(a.numerator, b.numerator, &numerator) ||
        __builtin_mul_overflow(a.denominator, b.denominator, &denominator) ||
        numerator == INT64_MIN) {
      Note(ExpressionStatus::kTooLarge);
      return {};
    }
    return Reduced(numerator, denominator);
  }

  Fraction Add(const Fraction& a, const Fraction& b) {
    int64_t left = 0;
    int64_t right = 0;
    int64_t numerator = 0;
    int64_t denominator = 0;
    if (__builtin_mul_overflow(a.numerator, b.denominator, &left) ||
        __builtin_mul_overflow(b.numerator, a.denominator, &right) ||
        __builtin_add_overflow(left, right, &numerator) ||
        __builtin_mul_overflow(a.denominator, b.denominator, &denominator) ||
        numerator == INT64_MIN) {
      Note(ExpressionStatus::kTooLarge);
      return {};
    }
    return Reduced(numerator, denominator);
  }

  Fraction Divide(const Fraction& a, const Fraction& b) {
    if (b.numerator == 0) {
      Note(ExpressionStatus::kDivisionByZero);
      return {};
    }
    const bool negative = b.numerator < 0;
    return Multiply(
        a, {negative ? -b.denominator : b.denominator, negative ? -b.numerator : b.numerator});
  }

  std::string_view rest_;
  ExpressionStatus status_ = ExpressionStatus::kValue;
  std::vector<int64_t> numbers_;
  int depth_ = 0;
};

}  // namespace

ExpressionReading EvaluateExpression(std::string_view text) { return Evaluator(text).Run(); }

}  // namespace retort::verifiers
