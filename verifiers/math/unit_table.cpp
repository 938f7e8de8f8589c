#include "verifiers/math/internal/unit_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

using Powers = std::array<int8_t, kBases>;

constexpr Powers Of(std::initializer_list<std::pair<Base, int>> bases) {
  Powers powers{};
  for (const auto& [base, power] : bases) {
    powers[static_cast<size_t>(base)] = static_cast<int8_t>(power);
  }
  return powers;
}

using enum Base;
constexpr Powers kDataRate = Of({{kBit, 1}, {kSecond, -1}});
constexpr Powers kPure{}, kRadians = Of({{kRadian, 1}}), kTurns = Of({{kTurn, 1}});
constexpr Powers kLength = Of({{kMetre, 1}}), kArea = Of({{kMetre, 2}}),
                 kVolume = Of({{kMetre, 3}}), kMass = Of({{kGram, 1}}), kTime = Of({{kSecond, 1}}),
                 kFrequency = Of({{kSecond, -1}}), kSpeed = Of({{kMetre, 1}, {kSecond, -1}}),
                 kForce = Of({{kGram, 1}, {kMetre, 1}, {kSecond, -2}}),
                 kPressure = Of({{kGram, 1}, {kMetre, -1}, {kSecond, -2}}),
                 kEnergy = Of({{kGram, 1}, {kMetre, 2}, {kSecond, -2}}),
                 kPower = Of({{kGram, 1}, {kMetre, 2}, {kSecond, -3}}),
                 kCharge = Of({{kAmpere, 1}, {kSecond, 1}}),
                 kVoltage = Of({{kGram, 1}, {kMetre, 2}, {kSecond, -3}, {kAmpere, -1}}),
                 kResistance = Of({{kGram, 1}, {kMetre, 2}, {kSecond, -3}, {kAmpere, -2}}),
                 kConductance = Of({{kGram, -1}, {kMetre, -2}, {kSecond, 3}, {kAmpere, 2}}),
                 kCapacity = Of({{kGram, -1}, {kMetre, -2}, {kSecond, 4}, {kAmpere, 2}}),
                 kFlux = Of({{kGram, 1}, {kMetre, 2}, {kSecond, -2}, {kAmpere, -1}}),
                 kField = Of({{kGram, 1}, {kSecond, -2}, {kAmpere, -1}}),
                 kInductance = Of({{kGram, 1}, {kMetre, 2}, {kSecond, -2}, {kAmpere, -2}}),
                 kDose = Of({{kMetre, 2}, {kSecond, -2}}), kData = Of({{kBit, 1}}),
                 kAngle = Of({{kDegree, 1}}), kMonths = Of({{kMonth, 1}}),
                 kMoneys = Of({{kMoney, 1}});

enum class Prefixes : uint8_t { kNone, kSymbols, kWords };
struct Known {
  std::string_view name;  // of words the singular, in lower case
  const Powers* powers;
  int64_t mantissa = 1;
  int exponent = 0;
  Prefixes prefixes = Prefixes::kNone;
  std::string_view currency = {};
};

constexpr Powers kAmperes = Of({{kAmpere, 1}}), kKelvins = Of({{kKelvin, 1}}),
                 kMoles = Of({{kMole, 1}}), kCandelas = Of({{kCandela, 1}}),
                 kCelsiuses = Of({{kCelsius, 1}}), kFahrenheits = Of({{kFahrenheit, 1}});

// Symbols, whose case counts.
constexpr auto kSymbols = [] {
  constexpr auto kSi = Prefixes::kSymbols;
  return std::array{
      Known{"m", &kLength, 1, 0, kSi},
      Known{"g", &kMass, 1, 0, kSi},
      Known{"s", &kTime, 1, 0, kSi},
      Known{"A", &kAmperes, 1, 0, kSi},
      Known{"K", &kKelvins, 1, 0, kSi},
      Known{"mol", &kMoles, 1, 0, kSi},
      Known{"cd", &kCandelas, 1, 0, kSi},
      Known{"Hz", &kFrequency, 1, 0, kSi},
      Known{"N", &kForce, 1, 3, kSi},
      Known{"Pa", &kPressure, 1, 3, kSi},
      Known{"J", &kEnergy, 1, 3, kSi},
      Known{"W", &kPower, 1, 3, kSi},
      Known{"Wh", &kEnergy, 36, 5, kSi},
      Known{"C", &kCharge, 1, 0, kSi},
      Known{"V", &kVoltage, 1, 3, kSi},
      Known{"\xCE\xA9", &kResistance, 1, 3, kSi},
      Known{"S", &kConductance, 1, -3, kSi},
      Known{"F", &kCapacity, 1, -3, kSi},
      Known{"Wb", &kFlux, 1, 3, kSi},
      Known{"T", &kField, 1, 3, kSi},
      Known{"H", &kInductance, 1, 3, kSi},
      Known{"lm", &kCandelas, 1, 0, kSi},
      Known{"Bq", &kFrequency, 1, 0, kSi},
      Known{"Gy", &kDose, 1, 0, kSi},
      Known{"Sv", &kDose, 1, 0, kSi},
      Known{"L", &kVolume, 1, -3, kSi},
      Known{"l", &kVolume, 1, -3, kSi},
      Known{"eV", &kEnergy, 1'602'176'634, -25, kSi},
      Known{"cal", &kEnergy, 4184, 0, kSi},
      Known{"bar", &kPressure, 1, 8, kSi},
      Known{"B", &kData, 8, 0, kSi},
      Known{"b", &kData, 1, 0, kSi},
      Known{"bit", &kData, 1, 0, kSi},
      Known{"G", &kField, 1, -1},
      Known{"ppm", &kPure, 1, -6},
      Known{"ppb", &kPure, 1, -9},
      Known{"torr", &kPressure, 133'322'368'421, -6},
      Known{"bps", &kDataRate, 1, 0, kSi},
      Known{"KB", &kData, 8, 3},
      Known{"KiB", &kData, 8192, 0},
      Known{"MiB", &kData, 8'388'608, 0},
      Known{"GiB", &kData, 8'589'934'592, 0},
      Known{"TiB", &kData, 8'796'093'022'208, 0},
      Known{"min", &kTime, 60, 0},
      Known{"mins", &kTime, 60, 0},
      Known{"sec", &kTime, 1, 0},
      Known{"secs", &kTime, 1, 0},
      Known{"h", &kTime, 3600, 0},
      Known{"hr", &kTime, 3600, 0},
      Known{"hrs", &kTime, 3600, 0},
      Known{"in", &kLength, 254, -4},
      Known{"ft", &kLength, 3048, -4},
      Known{"yd", &kLength, 9144, -4},
      Known{"mi", &kLength, 1'609'344, -3},
      Known{"ha", &kArea, 1, 4},
      Known{"lb", &kMass, 45'359'237, -5},
      Known{"lbs", &kMass, 45'359'237, -5},
      Known{"oz", &kMass, 28'349'523'125, -9},
      Known{"gal", &kVolume, 3'785'411'784, -12},
      Known{"kwh", &kEnergy, 36, 8},
      Known{"KWH", &kEnergy, 36, 8},
      Known{"rad", &kRadians},
      Known{"rev", &kTurns},
      Known{"atm", &kPressure, 101'325, 3},
      Known{"mmHg", &kPressure, 133'322'387'415, -6},
      Known{"psi", &kPressure, 6'894'757'293'168, -6},
      Known{"mph", &kSpeed, 44'704, -5},
      Known{"degC", &kCelsiuses},
      Known{"degF", &kFahrenheits},
  };
}();

// Words, in any case, singular or plural.
constexpr auto kWords = [] {
  constexpr auto kSi = Prefixes::kWords;
  constexpr auto kNo = Prefixes::kNone;
  return std::array{
      Known{"meter", &kLength, 1, 0, kSi},
      Known{"metre", &kLength, 1, 0, kSi},
      Known{"gram", &kMass, 1, 0, kSi},
      Known{"second", &kTime, 1, 0, kSi},
      Known{"ampere", &kAmperes, 1, 0, kSi},
      Known{"amp", &kAmperes, 1, 0, kSi},
      Known{"kelvin", &kKelvins, 1, 0, kSi},
      Known{"mole", &kMoles, 1, 0, kSi},
      Known{"candela", &kCandelas, 1, 0, kSi},
      Known{"hertz", &kFrequency, 1, 0, kSi},
      Known{"newton", &kForce, 1, 3, kSi},
      Known{"pascal", &kPressure, 1, 3, kSi},
      Known{"joule", &kEnergy, 1, 3, kSi},
      Known{"watt", &kPower, 1, 3, kSi},
      Known{"coulomb", &kCharge, 1, 0, kSi},
      Known{"volt", &kVoltage, 1, 3, kSi},
      Known{"ohm", &kResistance, 1, 3, kSi},
      Known{"farad", &kCapacity, 1, -3, kSi},
      Known{"weber", &kFlux, 1, 3, kSi},
      Known{"tesla", &kField, 1, 3, kSi},
      Known{"henry", &kInductance, 1, 3, kSi},
      Known{"liter", &kVolume, 1, -3, kSi},
      Known{"litre", &kVolume, 1, -3, kSi},
      Known{"electronvolt", &kEnergy, 1'602'176'634, -25, kSi},
      Known{"calorie", &kEnergy, 4184, 0, kSi},
      Known{"byte", &kData, 8, 0, kSi},
      Known{"bit", &kData, 1, 0, kSi},
      Known{"ton", &kMass, 90'718'474, -2},
      Known{"torr", &kPressure, 133'322'368'421, -6},
      Known{"radian", &kRadians},
      Known{"revolution", &kTurns},
      Known{"atmosphere", &kPressure, 101'325, 3},
      Known{"minute", &kTime, 60, 0},
      Known{"hour", &kTime, 3600, 0},
      Known{"day", &kTime, 86'400, 0},
      Known{"week", &kTime, 604'800, 0},
      Known{"decade", &kMonths, 120, 0},
      Known{"knot", &kSpeed, 1852, -3},
      Known{"pint", &kVolume, 473'176'473, -12},
      Known{"quart", &kVolume, 946'352'946, -12},
      Known{"month", &kMonths, 1, 0},
      Known{"year", &kMonths, 12, 0},
      Known{"inch", &kLength, 254, -4},
      Known{"inche", &kLength, 254, -4},
      Known{"foot", &kLength, 3048, -4},
      Known{"feet", &kLength, 3048, -4},
      Known{"yard", &kLength, 9144, -4},
      Known{"mile", &kLength, 1'609'344, -3},
      Known{"acre", &kArea, 40'468'564'224, -7},
      Known{"hectare", &kArea, 1, 4},
      Known{"tonne", &kMass, 1, 6},
      Known{"pound", &kMass, 45'359'237, -5},
      Known{"ounce", &kMass, 28'349'523'125, -9},
      Known{"gallon", &kVolume, 3'785'411'784, -12},
      Known{"degree", &kAngle, 1, 0},
      Known{"dollar", &kMoneys, 1, 0, kNo, "USD"},
      Known{"usd", &kMoneys, 1, 0, kNo, "USD"},
      Known{"us", &kMoneys, 1, 0, kNo, "USD"},
      Known{"cent", &kMoneys, 1, -2, kNo, "USD"},
      Known{"euro", &kMoneys, 1, 0, kNo, "EUR"},
      Known{"eur", &kMoneys, 1, 0, kNo, "EUR"},
      Known{"gbp", &kMoneys, 1, 0, kNo, "GBP"},
      Known{"inr", &kMoneys, 1, 0, kNo, "INR"},
      Known{"rs", &kMoneys, 1, 0, kNo, "INR"},
      Known{"rupee", &kMoneys, 1, 0, kNo, "INR"},
      Known{"cad", &kMoneys, 1, 0, kNo, "CAD"},
      Known{"aud", &kMoneys, 1, 0, kNo, "AUD"},
      Known{"yen", &kMoneys, 1, 0, kNo, "CNY"},  // ¥ is both
      Known{"jpy", &kMoneys, 1, 0, kNo, "JPY"},
      Known{"yuan", &kMoneys, 1, 0, kNo, "CNY"},
      Known{"rmb", &kMoneys, 1, 0, kNo, "CNY"},
      Known{"cny", &kMoneys, 1, 0, kNo, "CNY"},
      Known{"元", &kMoneys, 1, 0, kNo, "CNY"},
      Known{"руб", &kMoneys, 1, 0, kNo, "RUB"},
      Known{"рублей", &kMoneys, 1, 0, kNo, "RUB"},
      Known{"мм", &kLength, 1, -3},
      Known{"см", &kLength, 1, -2},
      Known{"дм", &kLength, 1, -1},
      Known{"м", &kLength, 1, 0},
      Known{"км", &kLength, 1, 3},
      Known{"мг", &kMass, 1, -3},
      Known{"г", &kMass, 1, 0},
      Known{"кг", &kMass, 1, 3},
      Known{"т", &kMass, 1, 6},
      Known{"мл", &kVolume, 1, -6},
      Known{"л", &kVolume, 1, -3},
      Known{"с", &kTime, 1, 0},
      Known{"сек", &kTime, 1, 0},
      Known{"мин", &kTime, 60, 0},
      Known{"ч", &kTime, 3600, 0},
      Known{"метр", &kLength},
      Known{"метра", &kLength},
      Known{"метров", &kLength},
      Known{"километр", &kLength, 1, 3},
      Known{"километра", &kLength, 1, 3},
      Known{"километров", &kLength, 1, 3},
      Known{"секунд", &kTime},
      Known{"минут", &kTime, 60},
      Known{"час", &kTime, 3600},
      Known{"часа", &kTime, 3600},
      Known{"часов", &kTime, 3600},
      Known{"角", &kMoneys, 1, -1, kNo, "CNY"},
      Known{"美元", &kMoneys, 1, 0, kNo, "USD"},
      Known{"欧元", &kMoneys, 1, 0, kNo, "EUR"},
      Known{"毫米", &kLength, 1, -3},
      Known{"厘米", &kLength, 1, -2},
      Known{"分米", &kLength, 1, -1},
      Known{"米", &kLength, 1, 0},
      Known{"千米", &kLength, 1, 3},
      Known{"公里", &kLength, 1, 3},
      Known{"平方厘米", &kArea, 1, -4},
      Known{"平方米", &kArea, 1, 0},
      Known{"立方厘米", &kVolume, 1, -6},
      Known{"立方米", &kVolume, 1, 0},
      Known{"毫升", &kVolume, 1, -6},
      Known{"升", &kVolume, 1, -3},
      Known{"克", &kMass, 1, 0},
      Known{"千克", &kMass, 1, 3},
      Known{"公斤", &kMass, 1, 3},
      Known{"吨", &kMass, 1, 6},
      Known{"秒", &kTime, 1, 0},
      Known{"分钟", &kTime, 60, 0},
      Known{"小时", &kTime, 3600, 0},
      Known{"天", &kTime, 86'400, 0},
      Known{"度", &kAngle, 1, 0},
  };
}();

struct Prefix {
  std::string_view symbol, word;
  int exponent;
};
constexpr std::array kPrefixes{
    Prefix{"da", "deca", 1},  Prefix{"h", "hecto", 2},         Prefix{"k", "kilo", 3},
    Prefix{"M", "mega", 6},   Prefix{"G", "giga", 9},          Prefix{"T", "tera", 12},
    Prefix{"P", "peta", 15},  Prefix{"E", "exa", 18},          Prefix{"Z", "zetta", 21},
    Prefix{"Y", "yotta", 24}, Prefix{"d", "deci", -1},         Prefix{"c", "centi", -2},
    Prefix{"m", "milli", -3}, Prefix{"\xCE\xBC", "micro", -6}, Prefix{"u", "micro", -6},
    Prefix{"n", "nano", -9},  Prefix{"p", "pico", -12},        Prefix{"f", "femto", -15},
    Prefix{"a", "atto", -18}, Prefix{"z", "zepto", -21},       Prefix{"y", "yocto", -24}};

Unit Make(const Known& known, int exponent) {
  return {.powers = *known.powers,
          .currency = known.currency,
          .mantissa = known.mantissa,
          .exponent = known.exponent + exponent};
}

template <size_t n>
std::optional<Unit> FindIn(const std::array<Known, n>& table, std::string_view name, bool words) {
  const auto found = std::ranges::find(table, name, &Known::name);
  if (found != table.end()) return Make(*found, 0);
  for (const Prefix& prefix : kPrefixes) {
    const std::string_view before = words ? prefix.word : prefix.symbol;
    if (!name.starts_with(before)) continue;
    const auto rest = std::ranges::find(table, name.substr(before.size()), &Known::name);
    if (rest != table.end() && rest->prefixes != Prefixes::kNone)
      return Make(*rest, prefix.exponent);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Unit> FindUnit(std::string_view name) {
  constexpr size_t kLongest = 24;
  if (name.empty() || name.size() > kLongest) return std::nullopt;
  if (auto symbol = FindIn(kSymbols, name, false)) return symbol;
  const std::string lower = Lowered(name);
  if (lower == "rpm") {
    return Unit{.powers = Of({{kTurn, 1}, {kSecond, -1}}), .divisor = 60};
  }
  if (lower == "kph" || lower == "kmh") {
    return Unit{.powers = kSpeed, .mantissa = 1, .divisor = 36, .exponent = 1};
  }
  if (auto word = FindIn(kWords, lower, true)) return word;
  if (lower.size() > 2 && lower.ends_with('s')) {
    if (auto word = FindIn(kWords, std::string_view(lower).substr(0, lower.size() - 1), true)) {
      return word;
    }
  }
  // "KM", "Kg": in the case that people write; "MM" and "MG" would be others.
  if (lower.size() < 2 || lower[0] == 'm') return std::nullopt;
  return FindIn(kSymbols, lower, false);
}

}  // namespace retort::verifiers
