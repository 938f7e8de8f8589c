#pragma once
// Answers that mix words and mathematics: "concave up on (0, ∞)", "max at x = 2, min at x = 4".

#include <optional>
#include <string_view>

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

/// A kOpaque "phrase" of texts and formulas in their order, each compared as what it is; nothing
/// where there are not both.
std::optional<NodeId> ReadPhrase(std::string_view answer, Tree& tree);

/// "The hypotenuse has length": words that end with a verb, and nothing that restricts or denies.
bool StatesValue(std::string_view before);

/// "The range of values for a is a ≤ 3.", "The hypotenuse has length 5.": the value that a sentence
/// states, "" where it states none or restricts it.
std::string_view StatedValue(std::string_view sentence);

}  // namespace retort::verifiers
