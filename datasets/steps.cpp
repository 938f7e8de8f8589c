#include "datasets/steps.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace retort::datasets {

int DigitCount(int64_t value) {
  int count = 1;
  while (value /= 10) ++count;
  return count;
}

int64_t Digit(int64_t value, int place) {
  while (place-- > 0) value /= 10;
  return value % 10;
}

void Steps::AddColumns(int64_t a, int64_t b) {
  const int columns = std::max(DigitCount(a), DigitCount(b));
  int64_t carry = 0;
  for (int i = 0; i < columns; ++i) {
    const int64_t x = Digit(a, i), y = Digit(b, i), v = x + y + carry;
    Add(x, "+", y, "+", carry, "=", v);
    carry = v / 10;
  }
}

void Steps::SubtractColumns(int64_t a, int64_t b) {
  RETORT_DCHECK(a >= b && b >= 0);
  int64_t borrow = 0;
  for (int i = 0; i < DigitCount(a); ++i) {
    const int64_t y = Digit(b, i);
    int64_t x = Digit(a, i);
    const int64_t next = x - y - borrow < 0;
    x += 10 * next;
    Add(x, "-", y, "-", borrow, "=", x - y - borrow);
    borrow = next;
  }
}

void Steps::MultiplyDigits(int64_t a, int64_t d) {
  int64_t carry = 0;
  for (int i = 0; i < DigitCount(a); ++i) {
    const int64_t v = Digit(a, i) * d + carry;
    Add(Digit(a, i), "*", d, "+", carry, "=", v);
    carry = v / 10;
  }
}

void Steps::DivideDigits(int64_t a, int64_t d) {
  int64_t rest = 0;
  for (int i = DigitCount(a) - 1; i >= 0; --i) {
    const int64_t part = rest * 10 + Digit(a, i);
    rest = part % d;
    Add(part, "=", d, "*", part / d, "+", rest);
  }
}

int64_t Steps::Euclid(int64_t a, int64_t b) {
  if (a < b) std::swap(a, b);
  while (b != 0) {
    Add(a, "=", b, "*", a / b, "+", a % b);
    a = std::exchange(b, a % b);
  }
  return a;
}

std::string Steps::Text() const { return Join(steps_, ";"); }

}  // namespace retort::datasets
