#pragma once
// Words after a number, in the manner of GSM8K: "18 dollars per day", "5cm", "15 square feet".

#include <string>
#include <string_view>

namespace retort::verifiers {

/// The ASCII letters at the front of `text`, lower-cased.
std::string FirstWord(std::string_view text);

/// True when `text`, which follows a number, only says what is counted and does not change the
/// value. Words that do ("or", "dozen", "squared"), digits, variables and formulas make it false.
/// `spaced`: there was space between number and text; without it only well-known abbreviations are
/// units.
bool IsUnit(std::string_view text, bool spaced);
/// The same, and how much of the text was looked at.
bool IsUnit(std::string_view text, bool spaced, size_t& looked_at);
/// Well-known abbreviations, multiplied, divided and raised, with the LaTeX around them: "m/s^2",
/// "\text{km}\cdot\text{h}^{-1}".
bool IsUnitFormula(std::string_view latex);

}  // namespace retort::verifiers
