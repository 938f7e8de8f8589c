#pragma once
// Formulas, numbers and words in running text: what looks like an answer where nothing says so.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace retort::verifiers {

bool IsWordCharacter(char c);  ///< an ASCII letter or digit
bool IsBlank(char c);
bool StartsWithIgnoringCase(std::string_view text, std::string_view lower);
/// The first place at or after `at` that is not one of `characters`, at most the size of `text`.
size_t SkipAny(std::string_view text, size_t at, std::string_view characters);
/// `text` without the backslashes that a second escaping added ("\\frac" for "\frac"); unchanged
/// where it may hold rows of a matrix.
std::string HalveBackslashes(std::string_view text);
/// The size of "%", "\%", "percent", "pct" or "percentage" (not "percentage points") at the start
/// of `text` after blanks and marks that end a formula; 0 without one.
size_t PercentSize(std::string_view text);
/// `text` up to its first sentence's end: a full stop before a blank or the end, or the end of the
/// line, neither inside brackets or a formula.
std::string_view FirstSentence(std::string_view text);

struct Passage {
  std::string text;
  size_t begin = 0;  ///< of the place in the text, marks included
  size_t end = 0;
  bool formula = false;  ///< between marks
  bool joined = false;
  bool percent = false;  ///< a percent word was outside the marks
};

/// The last formula or number with the neighbours it is joined to by "and", "or" or, between
/// formulas, a comma. Formulas that are only a name ("$n$", "$ABC$") count when nothing else does.
std::optional<Passage> LastPassage(std::string_view text);

/// What `text` says when it is nothing but an answer: a formula, numbers and a few words ("5 cm",
/// "x = 2 or x = 3"), or a few words without a number. The marks around formulas are removed.
std::optional<Passage> WholeAnswer(std::string_view text);

/// The start of a text that begins with a formula or number, up to the first word after it; empty
/// when it begins with a word.
std::string_view AnswerAtStart(std::string_view text);

}  // namespace retort::verifiers
