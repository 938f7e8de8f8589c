#include "verifiers/math/internal/quantity.h"

#include <algorithm>
#include <string>
#include <utility>

#include "verifiers/math/internal/unit_table.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

// Multiplies by another, raised; false when that does not fit.
bool Multiply(Unit& unit, const Unit& by, int power) {
  for (size_t i = 0; i < kBases; ++i) {
    const int sum = unit.powers[i] + by.powers[i] * power;
    if (sum < -12 || sum > 12) return false;
    unit.powers[i] = static_cast<int8_t>(sum);
  }
  if (!by.currency.empty()) {
    if (!unit.currency.empty() || power != 1) return false;
    unit.currency = by.currency;
  }
  for (int n = 0; n < std::abs(power); ++n) {
    int64_t& top = power > 0 ? unit.mantissa : unit.divisor;
    int64_t& bottom = power > 0 ? unit.divisor : unit.mantissa;
    if (top == 0 || bottom == 0) break;
    const bool fits = !__builtin_mul_overflow(top, by.mantissa, &top) &&
                      !__builtin_mul_overflow(bottom, by.divisor, &bottom);
    if (!fits) top = 0;  // for ever: it is like no other
  }
  unit.exponent += by.exponent * power;
  return true;
}

// One letter, or a run that may as well be a product: mg, ab, hm.
bool MayBeVariables(std::string_view name) {
  constexpr std::array<std::string_view, 36> kSure{
      "mm",  "cm",  "dm",  "km",  "kg",  "ml",  "cl",  "dl",  "ft",  "yd",  "mi",  "in",
      "lb",  "lbs", "oz",  "hr",  "hrs", "min", "sec", "mol", "mph", "kph", "gal", "atm",
      "bar", "psi", "bps", "cal", "ton", "rad", "rev", "rpm", "ppm", "ppb", "usd", "eur"};
  if (name.size() == 1 || name == "\xCE\xA9") return true;
  return name.size() <= 3 && std::ranges::all_of(name, IsLower) &&
         std::ranges::find(kSure, name) == kSure.end();
}

// Walks over LaTeX: spaces, fonts and braces are nothing.
class Reader {
 public:
  Reader(std::string_view latex, bool upright) : s_(latex), upright_(upright) {}

  std::optional<UnitRead> Run() {
    UnitRead read;
    if (!Factors(read.unit, 1)) return std::nullopt;
    while (depth_ > 0) {
      SkipSpaces();
      if (At(i_) != '}') return std::nullopt;
      --depth_;
      ++i_;
    }
    // One letter, and nothing about it that a variable would not have.
    read.unit.letter = names_ == 1 && letter_;
    read.size = i_;
    return read;
  }

 private:
  char At(size_t i) const { return i < s_.size() ? s_[i] : '\0'; }
  std::string_view Rest() const { return s_.substr(std::min(i_, s_.size())); }
  bool Take(std::string_view text) {
    if (!Rest().starts_with(text)) return false;
    i_ += text.size();
    return true;
  }
  void SkipSpaces() {
    while (true) {
      if (At(i_) == ' ' || At(i_) == '~' || At(i_) == '$' || At(i_) == '\t' || At(i_) == '\n') {
        ++i_;
      } else if (At(i_) == '\\' &&
                 std::string_view(",;:! ").find(At(i_ + 1)) != std::string_view::npos) {
        i_ += 2;
      } else if (!Take("\\quad")) {
        return;
      }
    }
  }
  // Spaces, fonts and their braces.
  void SkipDress() {
    constexpr std::array<std::string_view, 9> kFonts{"\\textrm", "\\textnormal", "\\text",
                                                     "\\mathrm", "\\mathsf",     "\\mathit",
                                                     "\\mbox",   "\\hbox",       "\\rm"};
    while (true) {
      SkipSpaces();
      const auto font = std::ranges::find_if(
          kFonts, [&](std::string_view name) { return Rest().starts_with(name); });
      if (font != kFonts.end() && !IsLetter(At(i_ + font->size()))) {
        i_ += font->size();
        upright_ = true;
      } else if (At(i_) == '{' && At(i_ + 1) != '}') {
        ++i_;
        ++depth_;
      } else if (!Take("{}")) {
        return;
      }
    }
  }
  // Closing braces of what was opened here.
  void SkipClosing() {
    while (depth_ > 0) {
      const size_t back = i_;
      SkipSpaces();
      if (!Take("}")) {
        i_ = back;
        return;
      }
      --depth_;
    }
  }

  // One name, put together of letters, \mu and \Omega.
  std::string Name() {
    std::string name;
    if (Take("^\\circ") || Take("^{\\circ}") || Take("\\degree") || Take("^\\degree") ||
        Take("\\circ")) {
      SkipSpaces();
      const bool scale = (At(i_) == 'C' || At(i_) == 'F') && !IsLetter(At(i_ + 1));
      name = !scale ? "degree" : At(i_) == 'C' ? "degC" : "degF";
      if (scale) ++i_;
      return name;
    }
    while (true) {
      if (Take("\\mu") && !IsLetter(At(i_))) {
        name += "\xCE\xBC";
        SkipDress();
      } else if (Take("\\Omega") && !IsLetter(At(i_))) {
        name += "\xCE\xA9";
        return name;
      } else if (IsLetter(At(i_)) || (static_cast<unsigned char>(At(i_)) >= 0x80)) {
        while (IsLetter(At(i_)) || static_cast<unsigned char>(At(i_)) >= 0x80) name += At(i_++);
        // A prefix, and \Omega or \text{m} behind it.
        const Reader back = *this;
        SkipClosing();
        SkipDress();
        if (name.size() == 1 && Rest().starts_with("\\Omega")) continue;
        *this = back;
        return name;
      } else {
        return name;
      }
    }
  }

  // ^2, ^{-1}, "squared", "2"
  bool Exponent(int& power) {
    SkipClosing();
    const size_t back = i_;
    if (IsDigit(At(i_)) && !IsDigit(At(i_ + 1)) && At(i_) != '0') {  // cm2
      power *= At(i_++) - '0';
      return true;
    }
    SkipSpaces();
    if (Take("squared")) {
      power *= 2;
      return true;
    }
    if (Take("cubed")) {
      power *= 3;
      return true;
    }
    if (!Take("^")) {
      i_ = back;
      return true;
    }
    SkipSpaces();
    const bool group = Take("{");
    SkipSpaces();
    const bool minus = Take("-");
    SkipSpaces();
    if (!IsDigit(At(i_)) || IsDigit(At(i_ + 1))) return false;
    power *= (minus ? -1 : 1) * (At(i_++) - '0');
    SkipSpaces();
    return !group || Take("}");
  }

  // A name with its exponent, multiplied into `unit`.
  bool Factor(Unit& unit, int sign) {
    SkipDress();
    int power = sign;
    for (const auto& [word, times] : {std::pair<std::string_view, int>{"square ", 2},
                                      {"Square ", 2},
                                      {"sq. ", 2},
                                      {"sq ", 2},
                                      {"cubic ", 3}}) {
      if (!Take(word)) continue;
      power *= times;
      SkipDress();
      break;
    }
    for (const std::string_view bar : {"\\frac", "\\dfrac", "\\tfrac"}) {
      if (Take(bar)) return Fraction(unit, sign);
    }
    const std::string name = Name();
    const auto found = FindUnit(name);
    if (!found || IsLetter(At(i_))) return false;
    ++names_;
    letter_ = letter_ || (!upright_ && MayBeVariables(name));
    if (depth_ == 0 && At(i_) == '.' && At(i_ + 1) != '.') ++i_;  // "in."
    return Exponent(power) && Multiply(unit, *found, power);
  }

  bool Fraction(Unit& unit, int sign) {
    for (const int side : {sign, -sign}) {
      SkipSpaces();
      if (!Take("{")) return false;
      const int outer = std::exchange(depth_, 0);
      const bool one = side == sign && Take("1");
      if (!one && !Factors(unit, side)) return false;
      SkipSpaces();
      if (depth_ != 0 || !Take("}")) return false;
      depth_ = outer;
    }
    return true;
  }

  bool Factors(Unit& unit, int sign) {
    SkipDress();
    int now = sign;
    if (Take("per ")) now = -sign;  // 5 per hour
    if (!Factor(unit, now)) return false;
    while (names_ < 8) {
      const Reader back = *this;
      SkipClosing();
      SkipSpaces();
      const bool over = Take("/") || (Take("per ") || Take("p.")) || TakeInText("per ");
      if (over) {
        now = -sign;
      } else if (!(Take("\\cdot") || Take("\\times") || Take("*") || Take("-")) && back.i_ == i_) {
        return true;
      }
      const Unit before = unit;
      if (!Factor(unit, now)) {
        if (over) return false;  // dollars/apple: another unit altogether
        unit = before;
        *this = back;
        return true;
      }
    }
    return true;
  }
  // \text{ per hour} behind another text.
  bool TakeInText(std::string_view word) {
    const Reader back = *this;
    SkipDress();
    if (Take(word)) return true;
    *this = back;
    return false;
  }

  std::string_view s_;
  size_t i_ = 0;
  int depth_ = 0;  // braces opened here
  int names_ = 0;
  bool upright_;
  bool letter_ = false;
};

}  // namespace

bool Unit::Measures(Base base) const {
  for (size_t i = 0; i < kBases; ++i) {
    if (powers[i] != (i == static_cast<size_t>(base) ? 1 : 0)) return false;
  }
  return true;
}

std::optional<UnitRead> ReadUnit(std::string_view latex, bool upright) {
  constexpr size_t kLongest = 160;  // nobody writes longer ones
  return Reader(latex.substr(0, kLongest), upright).Run();
}

NodeId Converted(Tree& tree, NodeId value, const Unit& from, const Unit& to) {
  Nodes top{value}, bottom;
  const auto times = [&](Nodes& side, int64_t number) {
    if (number != 1) side.push_back(tree.Number(number));
  };
  times(top, from.mantissa);
  times(top, to.divisor);
  times(bottom, from.divisor);
  times(bottom, to.mantissa);
  const int tens = from.exponent - to.exponent;
  if (tens != 0) {
    const NodeId power =
        tree.Add(Op::kNumber, "1" + std::string(static_cast<size_t>(std::abs(tens)), '0'));
    (tens > 0 ? top : bottom).push_back(power);
  }
  const auto product = [&](const Nodes& factors) {
    return factors.size() == 1 ? factors[0] : tree.Add(Op::kMul, {}, factors);
  };
  if (bottom.empty()) return product(top);
  return tree.Add(Op::kDivide, {product(top), product(bottom)});
}

}  // namespace retort::verifiers
