#pragma once
// Worked steps as pencil and paper would write them, least digit first. Each is one small fact that
// all families share: a product of two digits, a sum of two digits, a carry added. Carries are
// always written, except where none can be, so the form of the steps does not depend on the digits.

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace retort::datasets {

/// Number of decimal digits of `value` >= 0; 1 for 0.
int DigitCount(int64_t value);
/// The decimal digit of `value` >= 0 at `place` (0 = units); 0 beyond the top.
int64_t Digit(int64_t value, int place);

/// A list of steps, joined by ';'.
class Steps {
 public:
  template <class... Args>
  void Add(const Args&... args) {
    steps_.push_back(StrCat(args...));
  }
  /// `value` with leading zeros up to `width` digits.
  void AddPadded(int64_t value, int width);
  /// The columns from `begin` to `end` - 1 of the sum of `terms`: the digits added one after the
  /// other, then the carry ("4+6=10;10+0=10"); the first column has no carry.
  void AddColumns(const std::vector<int64_t>& terms, int begin, int end);
  /// a + b, every column.
  void AddColumns(int64_t a, int64_t b);
  /// a - b, a >= b >= 0, every column: the digits, then the borrow, x written with its borrowed ten
  /// ("12-7=5;5-1=4"); the first column has no borrow.
  void SubtractColumns(int64_t a, int64_t b);
  /// a * d with a digit d, for the last `digits` digits of a: the product, then the carry
  /// ("7*6=42;42+1=43"); the first digit has no carry.
  void MultiplyDigits(int64_t a, int64_t d, int digits);
  /// a * d, every digit of a.
  void MultiplyDigits(int64_t a, int64_t d);
  /// a / d with a digit d > 0 by long division, top digit first: "31=7*4+3".
  void DivideDigits(int64_t a, int64_t d);
  /// Euclid: "84=36*2+12" until the rest is 0. Returns the greatest common divisor.
  int64_t Euclid(int64_t a, int64_t b);

  std::string Text() const;

 private:
  /// Adds the fact and returns its right side.
  int64_t Fact(int64_t x, char op, int64_t y);

  std::vector<std::string> steps_;
};

}  // namespace retort::datasets
