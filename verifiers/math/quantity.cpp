#include "verifiers/math/internal/quantity.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/strings.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

struct Known {
  std::string_view name;
  Dimension dimension;
  int64_t scale;
  int power = 1;
};

// In tenths of a millimetre, nanograms, milliseconds, months, cents, degrees, and of speeds in
// tenths of a millimetre an hour.
constexpr auto kKnown = [] {
  using enum Dimension;
  return std::array{
      Known{"mm", kLength, 10},
      Known{"millimeter", kLength, 10},
      Known{"millimetre", kLength, 10},
      Known{"cm", kLength, 100},
      Known{"centimeter", kLength, 100},
      Known{"centimetre", kLength, 100},
      Known{"dm", kLength, 1000},
      Known{"m", kLength, 10'000},
      Known{"meter", kLength, 10'000},
      Known{"metre", kLength, 10'000},
      Known{"km", kLength, 10'000'000},
      Known{"kilometer", kLength, 10'000'000},
      Known{"kilometre", kLength, 10'000'000},
      Known{"in", kLength, 254},
      Known{"inch", kLength, 254},
      Known{"inches", kLength, 254},
      Known{"ft", kLength, 3048},
      Known{"foot", kLength, 3048},
      Known{"feet", kLength, 3048},
      Known{"yd", kLength, 9144},
      Known{"yard", kLength, 9144},
      Known{"mi", kLength, 16'093'440},
      Known{"mile", kLength, 16'093'440},
      Known{"ml", kLength, 1'000'000, 3},
      Known{"milliliter", kLength, 1'000'000, 3},
      Known{"millilitre", kLength, 1'000'000, 3},
      Known{"l", kLength, 1'000'000'000, 3},
      Known{"liter", kLength, 1'000'000'000, 3},
      Known{"litre", kLength, 1'000'000'000, 3},
      Known{"mg", kMass, 1'000'000},
      Known{"milligram", kMass, 1'000'000},
      Known{"g", kMass, 1'000'000'000},
      Known{"gram", kMass, 1'000'000'000},
      Known{"kg", kMass, 1'000'000'000'000},
      Known{"kilogram", kMass, 1'000'000'000'000},
      Known{"oz", kMass, 28'349'523'125},
      Known{"ounce", kMass, 28'349'523'125},
      Known{"lb", kMass, 453'592'370'000},
      Known{"ms", kTime, 1},
      Known{"millisecond", kTime, 1},
      Known{"s", kTime, 1000},
      Known{"sec", kTime, 1000},
      Known{"second", kTime, 1000},
      Known{"min", kTime, 60'000},
      Known{"minute", kTime, 60'000},
      Known{"h", kTime, 3'600'000},
      Known{"hr", kTime, 3'600'000},
      Known{"hour", kTime, 3'600'000},
      Known{"day", kTime, 86'400'000},
      Known{"week", kTime, 604'800'000},
      Known{"month", kMonths, 1},
      Known{"year", kMonths, 12},
      Known{"cent", kMoney, 1},
      Known{"dollar", kMoney, 100},
      Known{"usd", kMoney, 100},
      Known{"degree", kAngle, 1},
      Known{"mph", kSpeed, 16'093'440},
      Known{"kph", kSpeed, 10'000'000},
      Known{"km/h", kSpeed, 10'000'000},
      Known{"kilometers per hour", kSpeed, 10'000'000},
      Known{"miles per hour", kSpeed, 16'093'440},
      Known{"mi/h", kSpeed, 16'093'440},
      Known{"m/s", kSpeed, 36'000'000},
      Known{"meters per second", kSpeed, 36'000'000},
  };
}();

const Known* Find(std::string_view name) {
  const auto is = [&](const Known& known) { return known.name == name; };
  auto found = std::ranges::find_if(kKnown, is);
  if (found == kKnown.end() && name.size() > 2 && name.ends_with('s')) {
    name.remove_suffix(1);
    found = std::ranges::find_if(kKnown, is);
  }
  return found == kKnown.end() ? nullptr : &*found;
}

// The end of the answer in lower case, without LaTeX: "5\,\text{cm}^{2}" is "5 cm^2".
std::string Plain(std::string_view answer) {
  constexpr size_t kLongest = 120;
  if (answer.size() > kLongest) answer.remove_prefix(answer.size() - kLongest);
  std::string plain;
  for (size_t i = 0; i < answer.size(); ++i) {
    const std::string_view rest = answer.substr(i);
    if (rest.starts_with("\\circ") || rest.starts_with("\\degree")) {
      if (plain.ends_with('^')) plain.pop_back();
      plain += " degree";
      i += rest[1] == 'c' ? 4 : 6;
    } else if (rest.starts_with("\xC2\xB0")) {
      plain += " degree";
      ++i;
    } else if (rest[0] == '\\') {
      size_t end = 1;
      while (end < rest.size() && IsLetter(rest[end])) ++end;
      const std::string_view name = rest.substr(1, end - 1);
      // Any other command is a part of the value.
      if (end > 1 && !name.starts_with("text") && !name.starts_with("math") && name != "mbox") {
        plain += '\\';
      }
      plain += end == 1 && rest.size() > 1 && rest[1] == '$' ? '$' : ' ';
      i += std::max<size_t>(end, 2) - 1;
    } else if (rest[0] == '{' || rest[0] == '}') {
      continue;
    } else {
      plain += rest[0] == '~' ? ' ' : Lower(rest[0]);
    }
  }
  while (plain.ends_with('.') || plain.ends_with(' ')) plain.pop_back();
  return plain;
}

}  // namespace

std::optional<Quantity> UnitOf(std::string_view answer) {
  const std::string plain = Plain(answer);
  const size_t value = plain.find_last_of("0123456789)]\\%");
  if (value == std::string::npos) return std::nullopt;
  const bool raised = value > 0 && value + 1 == plain.size() && plain[value - 1] == '^';
  std::string_view unit = plain;
  int power = 1;
  if (raised) {
    power = plain[value] - '0';
    unit.remove_suffix(2);
  }
  const size_t number = unit.find_last_of("0123456789)]\\%");
  if (number == std::string_view::npos) return std::nullopt;
  const std::string_view before = unit.substr(0, number + 1);
  unit.remove_prefix(number + 1);
  const bool glued = !unit.empty() && IsLetter(unit[0]);
  unit = Trim(unit);
  if (unit.empty()) {
    if (power != 1 || before.find('$') == std::string_view::npos) return std::nullopt;
    return Quantity{Dimension::kMoney, 1, 100};
  }
  for (const auto& [word, exponent] :
       {std::pair<std::string_view, int>{"square ", 2}, {"sq ", 2}, {"sq. ", 2}, {"cubic ", 3}}) {
    if (!unit.starts_with(word)) continue;
    unit = Trim(unit.substr(word.size()));
    power = exponent;
  }
  const Known* known = Find(unit);
  if (!known || (glued && unit.size() == 1)) return std::nullopt;
  if (power != 1 && (known->dimension != Dimension::kLength || known->power != 1 || power > 3)) {
    return std::nullopt;
  }
  Quantity quantity{known->dimension, known->power * power, 1};
  for (int n = 0; n < power; ++n) {
    if (__builtin_mul_overflow(quantity.scale, known->scale, &quantity.scale)) return std::nullopt;
  }
  return quantity;
}

}  // namespace retort::verifiers
