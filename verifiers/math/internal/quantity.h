#pragma once
// Units that an answer names behind its number, where they are known well enough to be converted:
// 5 m is 500 cm and not 5 cm. All other units are left out (units.h).

#include <cstdint>
#include <optional>
#include <string_view>

namespace retort::verifiers {

enum class Dimension : uint8_t { kLength, kMass, kTime, kMonths, kMoney, kAngle, kSpeed };

struct Quantity {
  Dimension dimension = Dimension::kLength;
  int power = 1;      ///< of a length: 2 for areas, 3 for volumes
  int64_t scale = 1;  ///< how many of the dimension's smallest units it is
  bool operator==(const Quantity&) const = default;
};

/// The unit at the end of `answer` ("5 cm", "$5\,\text{m}^2$", "30^\circ", "\$5"), one only.
/// Linear.
std::optional<Quantity> UnitOf(std::string_view answer);

}  // namespace retort::verifiers
