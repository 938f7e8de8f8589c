#pragma once
// When what a program answered is what was expected. Pure and thread-safe; whatever is thrown at
// them, these functions return.
//
// Two numbers are the same when they are equal, or when one of them is not a whole number by its
// type and |a - b| <= tolerance * max(1, |b|), b the expected one.

#include <optional>
#include <string_view>

#include "base/json.h"
#include "verifiers/code.h"
#include "verifiers/code_wire.h"

namespace retort::verifiers {

/// What a call returned against a JSON value. Text equals text, a truth value a truth value; a list
/// is a list or a tuple; a set is a list in any order; a dict is an object, its keys as JSON writes
/// them. Bytes, complex numbers and handles equal nothing. Whole numbers beyond 64 bits are known
/// to double precision where JSON gave them.
bool SameResult(const WireValue& got, const Json& expected, double tolerance);

/// Standard output against the expected one. With a tolerance, text is compared by tokens, and two
/// tokens that are decimal numbers may differ by it.
bool SameOutput(std::string_view got, std::string_view expected, OutputRule rule,
                std::optional<double> tolerance);

}  // namespace retort::verifiers
