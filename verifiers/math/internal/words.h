#pragma once
// Answers that are words.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace retort::verifiers {

/// A key for comparing texts: letters in lower case, other signs as they are, no spaces but between
/// digits; without the commands that only dress a text, outer brackets and a final period.
std::string TextKey(std::string_view text);

/// Without what only sets a text: \\dfrac is \\frac, \\left and spaces are nothing, and signs
/// beyond ASCII are LaTeX.
std::string Respelled(std::string_view text);

/// TextKey() without what only leads to an answer ("it is", "the") and, behind "yes" and "no", all
/// that explains it.
std::string AnswerKey(std::string_view text);
/// Lower case, one space between words, no final period.
std::string Words(std::string_view text);

/// "zero", "twenty-one", "one hundred and five", "3 million": the whole number that a text names.
std::optional<int64_t> NumberInWords(std::string_view text);
/// "all real numbers except 2": a set in words.
bool ExceptsNumbers(std::string_view text);
/// Nothing but words and their punctuation: two or more, one of four letters or more.
bool IsProse(std::string_view answer);

}  // namespace retort::verifiers
