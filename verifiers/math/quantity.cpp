#include "verifiers/math/internal/quantity.h"

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

std::optional<Unit> Find(std::string_view name) {
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
    if (!Product(read.unit)) return std::nullopt;
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
        i_ += At(i_ + 1) == '\0' ? 1 : 2;
        if (i_ > s_.size()) i_ = s_.size();
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
      if (At(i_) != '}') {
        i_ = back;
        return;
      }
      ++i_;
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
        const size_t back = i_;
        const int depth = depth_;
        SkipClosing();
        SkipDress();
        if (name.size() == 1 && Rest().starts_with("\\Omega")) continue;
        i_ = back;
        depth_ = depth;
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
    const auto found = Find(name);
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
      const size_t back = i_;
      const int depth = depth_;
      SkipClosing();
      SkipSpaces();
      const bool over = Take("/") || (Take("per ") || Take("p.")) || TakeInText("per ");
      if (over) {
        now = -sign;
      } else if (!(Take("\\cdot") || Take("\\times") || Take("*") || Take("-")) && back == i_) {
        return true;
      }
      const Unit before = unit;
      const int names = names_;
      if (!Factor(unit, now)) {
        if (over) return false;  // dollars/apple: another unit altogether
        unit = before;
        names_ = names;
        i_ = back;
        depth_ = depth;
        return true;
      }
    }
    return true;
  }
  // \text{ per hour} behind another text.
  bool TakeInText(std::string_view word) {
    const size_t back = i_;
    const int depth = depth_;
    SkipDress();
    if (Take(word)) return true;
    i_ = back;
    depth_ = depth;
    return false;
  }

  bool Product(Unit& unit) { return Factors(unit, 1); }

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
