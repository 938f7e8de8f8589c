#pragma once
// Reads an answer, LaTeX or plain text, well or badly formed, into an expression tree.

#include <optional>
#include <string_view>

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

/// Answers with more nodes or levels, and those beyond kMaxAnswerBytes, are not read.
inline constexpr int64_t kMaxAnswerNodes = 20'000;
inline constexpr int kMaxAnswerDepth = 1400;  // seven or so for a pair of brackets

/// Words that stand for themselves, and whatever is no mathematics, become a kText, or a phrase
/// (phrase.h): no part of what cannot be read is taken for the whole. Units behind a value stay
/// with it (kQuantity), words for what is counted are left out. Nothing when the answer is empty or
/// beyond the bounds. Linear work.
std::optional<NodeId> ParseAnswer(std::string_view answer, Tree& tree);

/// The same of a formula: nothing where it is none.
std::optional<NodeId> ParseFormula(std::string_view formula, Tree& tree);

}  // namespace retort::verifiers
