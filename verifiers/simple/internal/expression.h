#pragma once
// Exact evaluation of small arithmetic expressions.

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace retort::verifiers {

/// A reduced fraction; denominator > 0.
struct Fraction {
  int64_t numerator = 0;
  int64_t denominator = 1;
  bool operator==(const Fraction&) const = default;
};

enum class ExpressionStatus { kValue, kMalformed, kDivisionByZero, kTooLarge };
constexpr auto EnumNames(ExpressionStatus) {
  return std::array{std::pair{ExpressionStatus::kValue, "value"},
                    std::pair{ExpressionStatus::kMalformed, "malformed"},
                    std::pair{ExpressionStatus::kDivisionByZero, "division-by-zero"},
                    std::pair{ExpressionStatus::kTooLarge, "too-large"}};
}

struct ExpressionReading {
  ExpressionStatus status = ExpressionStatus::kMalformed;
  Fraction value;                ///< of kValue
  std::vector<int64_t> numbers;  ///< integer literals in order; complete unless malformed
};

/// Integers, + - * / \times \cdot \div, unary minus and round or square brackets, with the usual
/// precedence. An intermediate that does not fit 64 bits is kTooLarge; more than 64 levels of
/// brackets or signs are malformed.
ExpressionReading EvaluateExpression(std::string_view text);

}  // namespace retort::verifiers
