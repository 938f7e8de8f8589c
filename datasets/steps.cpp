#include "datasets/internal/steps.h"

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

int64_t Steps::Fact(int64_t x, char op, int64_t y) {
  const int64_t result = op == '*' ? x * y : op == '+' ? x + y : x - y;
  Add(x, op, y, "=", result);
  return result;
}

void Steps::AddPadded(int64_t value, int width) {
  std::string text = StrCat(value);
  const auto length = static_cast<size_t>(width);
  if (text.size() < length) text.insert(0, length - text.size(), '0');
  Add(text);
}

void Steps::AddColumns(const std::vector<int64_t>& terms, int begin, int end) {
  int64_t carry = 0;
  for (int column = begin; column < end; ++column) {
    int64_t sum = Digit(terms.at(0), column);
    for (size_t i = 1; i < terms.size(); ++i) sum = Fact(sum, '+', Digit(terms[i], column));
    if (column > begin) sum = Fact(sum, '+', carry);
    carry = sum / 10;
  }
}

void Steps::AddColumns(int64_t a, int64_t b) {
  AddColumns({a, b}, 0, std::max(DigitCount(a), DigitCount(b)));
}

void Steps::SubtractColumns(int64_t a, int64_t b) {
  RETORT_DCHECK(a >= b && b >= 0);
  int64_t borrow = 0;
  for (int i = 0; i < DigitCount(a); ++i) {
    const int64_t x = Digit(a, i), y = Digit(b, i), next = x - y - borrow < 0;
    const int64_t difference = Fact(x + 10 * next, '-', y);
    if (i > 0) Fact(difference, '-', borrow);
    borrow = next;
  }
}

void Steps::MultiplyDigits(int64_t a, int64_t d, int digits) {
  int64_t carry = 0;
  for (int i = 0; i < digits; ++i) {
    int64_t product = Fact(Digit(a, i), '*', d);
    if (i > 0) product = Fact(product, '+', carry);
    carry = product / 10;
  }
}

void Steps::MultiplyDigits(int64_t a, int64_t d) { MultiplyDigits(a, d, DigitCount(a)); }

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
