#include "verifiers/number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "base/strings.h"
#include "verifiers/units.h"

namespace retort::verifiers {

namespace {
constexpr uint64_t kLimbBase = 1'000'000'000;
constexpr size_t kLimbDigits = 9;
}  // namespace

Natural::Natural(std::string_view digits) {
  while (!digits.empty()) {
    const size_t count = std::min(digits.size(), kLimbDigits);
    const std::string_view chunk = digits.substr(digits.size() - count);
    uint32_t limb = 0;
    std::from_chars(chunk.data(), chunk.data() + chunk.size(), limb);
    limbs_.push_back(limb);
    digits.remove_suffix(count);
  }
  Normalise();
}

void Natural::Normalise() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

Natural operator+(const Natural& a, const Natural& b) {
  Natural sum("");
  uint64_t carry = 0;
  for (size_t i = 0; i < std::max(a.limbs_.size(), b.limbs_.size()) || carry > 0; ++i) {
    if (i < a.limbs_.size()) carry += a.limbs_[i];
    if (i < b.limbs_.size()) carry += b.limbs_[i];
    sum.limbs_.push_back(static_cast<uint32_t>(carry % kLimbBase));
    carry /= kLimbBase;
  }
  return sum;
}

Natural operator*(const Natural& a, const Natural& b) {
  Natural product("");
  product.limbs_.assign(a.limbs_.size() + b.limbs_.size(), 0);
  for (size_t i = 0; i < a.limbs_.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b.limbs_.size() || carry > 0; ++j) {
      carry += product.limbs_[i + j];
      if (j < b.limbs_.size()) carry += uint64_t{a.limbs_[i]} * b.limbs_[j];
      product.limbs_[i + j] = static_cast<uint32_t>(carry % kLimbBase);
      carry /= kLimbBase;
    }
  }
  product.Normalise();
  return product;
}

bool SameValue(const Number& a, const Number& b) {
  if (a.numerator.IsZero() || b.numerator.IsZero()) {
    return a.numerator.IsZero() && b.numerator.IsZero();
  }
  return a.negative == b.negative && a.numerator * b.denominator == b.numerator * a.denominator;
}

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// An unsigned decimal literal: value digits / 10^scale.
struct Literal {
  std::string digits;
  size_t scale = 0;
};

struct Ratio {
  bool negative = false;
  Literal top, bottom;
};

Natural TimesPowerOfTen(const Literal& literal, size_t power) {
  return Natural(literal.digits + std::string(power, '0'));
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(Trim(text)) {}

  NumberReading Read() {
    Number number;
    number.negative = ReadSign();
    const bool read = ReadMagnitude(number) && ReadTail(number);
    if (too_large_) return {NumberStatus::kTooLarge, {}};
    if (!read) return {};
    return {NumberStatus::kNumber, std::move(number)};
  }

 private:
  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  // Returns whether there was any space.
  bool SkipSpace() {
    const size_t before = rest_.size();
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n')) {
      rest_.remove_prefix(1);
    }
    return rest_.size() < before;
  }

  bool ReadSign() {
    const bool negative = Take("-");
    if (!negative) Take("+");
    SkipSpace();
    return negative;
  }

  size_t DigitsAhead(size_t from = 0) const {
    size_t end = from;
    while (end < rest_.size() && IsDigit(rest_[end])) ++end;
    return end - from;
  }

  void Append(Literal& literal, size_t count) {
    literal.digits += rest_.substr(0, count);
    rest_.remove_prefix(count);
  }

  // 12, 1,234,567, 12.50, .5
  std::optional<Literal> ReadLiteral() {
    Literal literal;
    size_t count = DigitsAhead();
    Append(literal, count);
    if (count >= 1 && count <= 3) {
      while (rest_.starts_with(',') && DigitsAhead(1) == 3) {
        rest_.remove_prefix(1);
        Append(literal, 3);
      }
    }
    if (rest_.starts_with('.') && DigitsAhead(1) > 0) {
      rest_.remove_prefix(1);
      literal.scale = DigitsAhead();
      Append(literal, literal.scale);
    }
    too_large_ = too_large_ || literal.digits.size() > kMaxDigits;
    if (literal.digits.empty() || too_large_) return std::nullopt;
    return literal;
  }

  // What follows \frac: a braced literal, signed or not, or a single digit.
  std::optional<Literal> ReadOperand(bool& negative) {
    SkipSpace();
    if (!Take("{")) {
      if (DigitsAhead() == 0) return std::nullopt;
      Literal literal;
      Append(literal, 1);
      return literal;
    }
    SkipSpace();
    negative ^= ReadSign();
    const std::optional<Literal> literal = ReadLiteral();
    SkipSpace();
    return Take("}") ? literal : std::nullopt;
  }

  std::optional<Ratio> ReadFrac() {
    if (!Take("\\frac")) return std::nullopt;
    Ratio ratio;
    const std::optional<Literal> top = ReadOperand(ratio.negative);
    if (!top) return std::nullopt;
    const std::optional<Literal> bottom = ReadOperand(ratio.negative);
    if (!bottom) return std::nullopt;
    ratio.top = *top;
    ratio.bottom = *bottom;
    return ratio;
  }

  static bool SetRatio(const Ratio& ratio, Number& number) {
    number.negative ^= ratio.negative;
    number.numerator = TimesPowerOfTen(ratio.top, ratio.bottom.scale);
    number.denominator = TimesPowerOfTen(ratio.bottom, ratio.top.scale);
    number.is_fraction = true;
    return !number.denominator.IsZero();
  }

  static bool SetMixed(const Literal& whole, const Ratio& ratio, Number& number) {
    if (whole.scale + ratio.top.scale + ratio.bottom.scale > 0 || ratio.negative) return false;
    if (!SetRatio(ratio, number)) return false;
    number.numerator = Natural(whole.digits) * number.denominator + number.numerator;
    return true;
  }

  bool ReadMagnitude(Number& number) {
    if (rest_.starts_with("\\frac")) {
      const std::optional<Ratio> ratio = ReadFrac();
      return ratio && SetRatio(*ratio, number);
    }
    const std::optional<Literal> first = ReadLiteral();
    if (!first) return false;
    const std::string_view after_first = rest_;
    const bool spaced = SkipSpace();
    if (Take("/")) {
      SkipSpace();
      const std::optional<Literal> bottom = ReadLiteral();
      return bottom && SetRatio({false, *first, *bottom}, number);
    }
    if (rest_.starts_with("\\frac")) {
      const std::optional<Ratio> ratio = ReadFrac();
      return ratio && SetMixed(*first, *ratio, number);
    }
    if (spaced && DigitsAhead() > 0) {  // 1 1/2
      const std::optional<Literal> top = ReadLiteral();
      SkipSpace();
      if (!top || !Take("/")) return false;
      SkipSpace();
      const std::optional<Literal> bottom = ReadLiteral();
      return bottom && SetMixed(*first, {false, *top, *bottom}, number);
    }
    rest_ = after_first;
    number.numerator = Natural(first->digits);
    number.denominator = TimesPowerOfTen({"1", 0}, first->scale);
    number.is_decimal = first->scale > 0;
    return true;
  }

  // Scale word, then percent or a unit.
  bool ReadTail(Number& number) {
    static constexpr std::array<std::pair<std::string_view, size_t>, 4> kScales{
        {{"thousand", 3}, {"million", 6}, {"billion", 9}, {"trillion", 12}}};
    bool spaced = SkipSpace();
    for (const auto& [word, zeros] : kScales) {
      if (FirstWord(rest_) != word) continue;
      number.numerator = number.numerator * TimesPowerOfTen({"1", 0}, zeros);
      rest_.remove_prefix(word.size());
      spaced = SkipSpace();
      break;
    }
    const std::string word = FirstWord(rest_);
    if (Take("%") || word == "percent" || word == "pct" || word == "percentage") {
      number.denominator = number.denominator * Natural("100");
      number.is_percent = true;
      rest_.remove_prefix(word.size());
      return Trim(rest_).empty();
    }
    return rest_.empty() || IsUnit(rest_, spaced);
  }

  std::string_view rest_;
  bool too_large_ = false;
};

}  // namespace

NumberReading ReadNumber(std::string_view text) { return Reader(text).Read(); }

}  // namespace retort::verifiers
