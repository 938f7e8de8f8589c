#pragma once
// Worked steps as pencil and paper would write them, one small fact each, least digit first.

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
  /// a + b: "x+y+carry=v" per column.
  void AddColumns(int64_t a, int64_t b);
  /// a - b, a >= b >= 0: "x-y-borrow=v" per column, x written with its borrowed ten ("12-7-0=5").
  void SubtractColumns(int64_t a, int64_t b);
  /// a * d with a digit d: "digit*d+carry=v" per digit of a.
  void MultiplyDigits(int64_t a, int64_t d);
  /// a / d with a digit d > 0 by long division, top digit first: "31=7*4+3".
  void DivideDigits(int64_t a, int64_t d);
  /// Euclid: "84=36*2+12" until the rest is 0. Returns the greatest common divisor.
  int64_t Euclid(int64_t a, int64_t b);

  std::string Text() const;

 private:
  std::vector<std::string> steps_;
};

}  // namespace retort::datasets
