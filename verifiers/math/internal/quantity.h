#pragma once
// Units of measurement, read and compared: 5 m is 500 cm and not 5 cm. Words that are no unit here
// ("apples") are left out by the parser (units.h).

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

/// What units are made of. Months have no fixed number of days, degrees of temperature no common
/// zero; degrees and radians are converted where they are compared.
enum class Base : uint8_t {
  kMetre,
  kGram,
  kSecond,
  kAmpere,
  kKelvin,
  kMole,
  kCandela,
  kBit,
  kDegree,
  kMonth,
  kCelsius,
  kFahrenheit,
  kMoney,
  kRadian,
  kTurn,
};
inline constexpr size_t kBases = 15;

struct Unit {
  std::array<int8_t, kBases> powers{};
  std::string_view currency = {};  ///< of money: "USD", …
  int64_t mantissa = 1;            ///< it is mantissa / divisor · 10^exponent; 0: too large
  int64_t divisor = 1;
  int exponent = 0;
  bool letter = false;  ///< one letter or a short run, not upright: perhaps variables

  bool Measures(Base base) const;  ///< that and nothing else
  bool SameKind(const Unit& other) const {
    return powers == other.powers && currency == other.currency;
  }
};

struct UnitRead {
  Unit unit;
  size_t size = 0;  ///< bytes that it takes
};

/// The unit at the start of `latex`: "cm", "\,\text{km}/\text{h}", "\mathrm{~m/s^2}", "miles per
/// hour", "k\Omega", "square feet", "^\circ". SI's units and prefixes, those in common use beside
/// them, currencies and sizes of data. `upright`: it stands in a \text{…} already. Nothing where
/// none begins or it goes on with what is no unit. Linear in what it takes.
std::optional<UnitRead> ReadUnit(std::string_view latex, bool upright);

/// `value` of one unit, in another of its kind.
NodeId Converted(Tree& tree, NodeId value, const Unit& from, const Unit& to);

}  // namespace retort::verifiers
