#pragma once
// Exact numbers as people write them: signs, thousands separators, decimals, fractions, mixed
// numbers, percent, scale words (million) and trailing units. Everything becomes one rational,
// compared by cross-multiplication; no floating point is involved.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace retort::verifiers {

/// A literal with more digits than this is not read: the reading is kTooLarge.
inline constexpr size_t kMaxDigits = 1000;

/// A natural number of any size.
class Natural {
 public:
  /// `digits` holds decimal digits only; "" is 0.
  explicit Natural(std::string_view digits);

  bool IsZero() const { return limbs_.empty(); }
  bool operator==(const Natural&) const = default;
  friend Natural operator+(const Natural& a, const Natural& b);
  friend Natural operator*(const Natural& a, const Natural& b);

 private:
  void Normalise();
  std::vector<uint32_t> limbs_;  // base 10^9, least significant first, no leading zeros
};

/// (-1)^negative · numerator / denominator, not reduced: as written.
struct Number {
  bool negative = false;
  Natural numerator{"0"};
  Natural denominator{"1"};  ///< never 0
  bool is_fraction = false;  ///< written as a/b, \frac{a}{b} or a mixed number
  bool is_decimal = false;   ///< written with a decimal point
  bool is_percent = false;   ///< written with a percent sign or word, already divided by 100
};

/// Exact equality of the values, however they are written.
bool SameValue(const Number& a, const Number& b);

enum class NumberStatus { kNumber, kNotNumber, kTooLarge };
struct NumberReading {
  NumberStatus status = NumberStatus::kNotNumber;
  Number number;
};

/// Reads the whole of `text` (already cleaned, see normal_form.h) as one number.
NumberReading ReadNumber(std::string_view text);

}  // namespace retort::verifiers
