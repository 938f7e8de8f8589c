#pragma once
// When what a program answered is what was expected. Pure and thread-safe; whatever is thrown at
// them, these functions return, and they cost no more than time linear in both sides.
//
// Numbers: an expected integer is that integer and no other; a float may stand for it up to 2^53,
// beyond which it stands for several. An expected fraction agrees with b when |a - b| <= tolerance
// * max(1, |b|), b the expected one.

#include <optional>
#include <string_view>

#include "base/json.h"
#include "verifiers/code/code.h"

namespace retort::verifiers {

struct ResultRule {
  double tolerance = 0;
  bool unordered = false;  ///< the outermost list may come in any order, or as a set
};

/// What a call returned, one value as sent (wire.h), against a JSON value. Text equals text, a
/// truth value a truth value; a list is a list or a tuple; a dict is an object, its keys as JSON
/// writes them. Sets have no order, so they are no list. Bytes, complex numbers, handles and what
/// is malformed equal nothing.
bool SameResult(std::string_view got, const Json& expected, const ResultRule& rule);

/// Standard output against the expected one. With a tolerance, text is compared by tokens, and two
/// tokens that are decimal numbers are compared as numbers.
bool SameOutput(std::string_view got, std::string_view expected, OutputRule rule,
                std::optional<double> tolerance);

}  // namespace retort::verifiers
