#pragma once
// The names of units, with their dimensions: the one table that every unit comes from.

#include <optional>
#include <string_view>

#include "verifiers/math/internal/quantity.h"

namespace retort::verifiers {

/// One name: a symbol ("km", whose case counts) or a word ("Kilometers"), with its prefix. Nothing
/// where no such unit is known.
std::optional<Unit> FindUnit(std::string_view name);

}  // namespace retort::verifiers
