// + - * / // % ** and slices, as Python has them.

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/internal/jinja_text.h"
#include "model/internal/jinja_value.h"

namespace retort::model::jinja {
namespace {

[[noreturn]] void FailOperands(std::string_view op, const Value& a, const Value& b) {
  if (a.is_undefined()) FailType(a, "");
  if (b.is_undefined()) FailType(b, "");
  RETORT_CHECK(op != "%" || !a.text(), "formatting with % is not implemented");
  Fail("there is no ", TypeName(a), " ", op, " ", TypeName(b));
}

void Require(bool fits) { RETORT_CHECK(fits, "an integer beyond 64 bits"); }

int64_t Times(int64_t a, int64_t b) {
  int64_t product = 0;
  Require(!__builtin_mul_overflow(a, b, &product));
  return product;
}

// Towards minus infinity; the remainder has the sign of the divisor.
int64_t FloorDivide(int64_t a, int64_t b) {
  if (b == -1) return Times(a, -1);
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

Value Power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    RETORT_CHECK(base != 0, "division by zero");
    return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  }
  int64_t power = 1;
  while (true) {
    if (exponent % 2 != 0) power = Times(power, base);
    exponent /= 2;
    if (exponent == 0) return power;
    base = Times(base, base);
  }
}

Value Integers(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op == "+" || op == "-") {
    Require(!(op == "+" ? __builtin_add_overflow(a, b, &result)
                        : __builtin_sub_overflow(a, b, &result)));
    return result;
  }
  if (op == "*") return Times(a, b);
  if (op == "**") return Power(a, b);
  RETORT_CHECK(b != 0, "division by zero");
  if (op == "//") return FloorDivide(a, b);
  if (op == "%") return b == -1 ? int64_t{0} : a - FloorDivide(a, b) * b;
  constexpr int64_t kExact = int64_t{1} << 53;
  RETORT_CHECK(std::max(a, b) <= kExact && std::min(a, b) >= -kExact,
               "dividing integers beyond 2 ** 53 is not implemented");
  return static_cast<double>(a) / static_cast<double>(b);
}

Value Floats(std::string_view op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "**") {
    RETORT_CHECK(a != 0 || !(b < 0), "division by zero");
    const double power = std::pow(a, b);
    RETORT_CHECK(!std::isinf(power) || std::isinf(a) || std::isinf(b), "a power is out of range");
    return power;
  }
  RETORT_CHECK(b != 0, "division by zero");
  if (op == "/") return a / b;
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0 && (b < 0) != (remainder < 0)) {
    remainder += b;
    quotient -= 1;
  }
  if (op == "%") return remainder != 0 ? remainder : std::copysign(0.0, b);
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

Value Joined(const Value& a, const Value& b, Budget& budget) {
  const Text &x = *a.text(), &y = *b.text();
  const bool safe = x.safe || y.safe;
  const auto part = [&](const Text& text) {
    return safe && !text.safe ? EscapeHtml(text.bytes) : text.bytes;
  };
  budget.SpendText(x.bytes.size() + y.bytes.size());
  return Text{part(x) + part(y), safe};
}

Value Repeated(const Value& value, int64_t times, Budget& budget) {
  const size_t count = static_cast<size_t>(std::max<int64_t>(times, 0));
  const size_t size = value.text() ? value.text()->bytes.size() : value.sequence()->items.size();
  RETORT_CHECK(size == 0 || count <= Budget::kTextBytes / size, "a value repeated ", count,
               " times is too large");
  if (const Text* text = value.text()) {
    budget.SpendText(size * count);
    Text repeated{"", text->safe};
    for (size_t i = 0; size > 0 && i < count; ++i) repeated.bytes += text->bytes;
    return repeated;
  }
  budget.Spend(size * count);
  Items items;
  for (size_t i = 0; size > 0 && i < count; ++i) {
    items.insert(items.end(), value.sequence()->items.begin(), value.sequence()->items.end());
  }
  return MakeSequence(value.sequence()->kind, std::move(items));
}

bool IsListOrTuple(const Value& value) {
  return value.sequence() && value.sequence()->kind <= Sequence::kTuple;
}

}  // namespace

Value Arithmetic(std::string_view op, const Value& a, const Value& b, Budget& budget) {
  if (a.is_number() && b.is_number()) {
    // Where Jinja has computed a negative base beforehand, it negates the power instead.
    RETORT_CHECK(op != "**" || AsFloat(a, op) >= 0,
                 "a power of a negative number is not implemented");
    if (a.is_float() || b.is_float()) return Floats(op, AsFloat(a, op), AsFloat(b, op));
    return Integers(op, AsInt(a, op), AsInt(b, op));
  }
  if (op == "+" && a.text() && b.text()) return Joined(a, b, budget);
  if (op == "+" && IsListOrTuple(a) && IsListOrTuple(b) &&
      a.sequence()->kind == b.sequence()->kind) {
    Items items = ToItems(a, budget);
    const Items more = ToItems(b, budget);
    items.insert(items.end(), more.begin(), more.end());
    return MakeSequence(a.sequence()->kind, std::move(items));
  }
  if (op == "*") {
    if ((a.text() || IsListOrTuple(a)) && (b.is_int() || b.is_bool())) {
      return Repeated(a, AsInt(b, op), budget);
    }
    if ((b.text() || IsListOrTuple(b)) && (a.is_int() || a.is_bool())) {
      return Repeated(b, AsInt(a, op), budget);
    }
  }
  FailOperands(op, a, b);
}

Value Negated(const Value& value, std::string_view sign) {
  if (value.is_float()) return sign == "-" ? -value.As<double>() : value.As<double>();
  const int64_t number = AsInt(value, sign);
  return sign == "-" ? Times(number, -1) : number;
}

Value Sliced(const Value& value, const Value& start, const Value& stop, const Value& step,
             Budget& budget) {
  const Sequence* sequence = value.sequence();
  if (!value.text() && (!sequence || sequence->kind > Sequence::kRange)) FailType(value, "a slice");
  RETORT_CHECK(!sequence || sequence->kind != Sequence::kRange,
               "a slice of a range is not implemented");
  const int64_t size = static_cast<int64_t>(*Length(value));
  const int64_t stride = step.is_none() ? 1 : AsInt(step, "a slice's step");
  RETORT_CHECK(stride != 0, "a slice's step is zero");
  const int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? size : size - 1;
  const auto bound = [&](const Value& given, int64_t otherwise) {
    if (given.is_none()) return otherwise;
    const int64_t index = AsInt(given, "a slice's end");
    return std::clamp(index < 0 ? std::max(index + size, low) : index, low, high);
  };
  const int64_t from = bound(start, stride > 0 ? low : high);
  const int64_t to = bound(stop, stride > 0 ? high : low);
  const bool adjacent = stride == 1;
  if (value.text()) budget.SpendText(value.text()->bytes.size());
  if (value.text() && adjacent) {
    const std::string_view text = value.text()->bytes;
    const std::string_view rest = text.substr(OffsetOf(text, static_cast<size_t>(from)));
    const size_t count = static_cast<size_t>(std::max<int64_t>(to - from, 0));
    return Text{std::string(rest.substr(0, OffsetOf(rest, count))), value.text()->safe};
  }
  const Items all = ToItems(value, budget);
  Items items;
  for (int64_t i = from; stride > 0 ? i < to : i > to;) {
    items.push_back(all[static_cast<size_t>(i)]);
    if (__builtin_add_overflow(i, stride, &i)) break;
  }
  if (!value.text()) return MakeSequence(sequence->kind, std::move(items));
  Text text{"", value.text()->safe};
  for (const Value& item : items) text.bytes += item.text()->bytes;
  return text;
}

}  // namespace retort::model::jinja
