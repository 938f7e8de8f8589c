#include "verifiers/math/internal/units.h"

#include <algorithm>
#include <array>

#include "verifiers/math/internal/quantity.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

constexpr std::array<std::string_view, 30> kAbbreviations{
    "cm",   "mm",  "km",  "m",   "kg",  "g",  "ft", "in", "yd",  "mi",
    "lb",   "lbs", "oz",  "mph", "kph", "ml", "l",  "hr", "hrs", "min",
    "mins", "s",   "sec", "h",   "st",  "nd", "rd", "th", "kwh", "usd"};

// Words that change, question or continue the number before them.
constexpr std::array kNotUnits = std::to_array<std::string_view>(
    {"or",        "and",       "to",         "not",       "no",        "is",         "isn",
     "are",       "was",       "but",        "if",        "unless",    "maybe",      "either",
     "neither",   "nor",       "wrong",      "incorrect", "plus",      "minus",      "times",
     "over",      "divided",   "multiplied", "mod",       "modulo",    "pi",         "sqrt",
     "root",      "sin",       "cos",        "tan",       "log",       "ln",         "exp",
     "infinity",  "inf",       "half",       "halves",    "third",     "thirds",     "fourth",
     "fourths",   "fifths",    "sixths",     "sevenths",  "eighths",   "ninths",     "tenths",
     "hundred",   "hundreds",  "thousand",   "million",   "billion",   "trillion",   "dozen",
     "dozens",    "lakh",      "crore",      "squared",   "cubed",     "factorial",  "percent",
     "remainder", "least",     "most",       "more",      "less",      "below",      "above",
     "under",     "excluded",  "excluding",  "exclusive", "except",    "false",      "nope",
     "negative",  "imaginary", "reciprocal", "inverse",   "doubled",   "tripled",    "minimum",
     "maximum",   "odd",       "even",       "prime",     "composite", "otherwise",  "else",
     "millones",  "millions",  "thousands",  "billions",  "trillions", "hundredths", "thousandths",
     "quarters",  "quarter",   "possibly",   "perhaps",   "never",     "base",       "rounded",
     "incl"});

// Words that begin a condition or a reason, not a unit.
constexpr std::array<std::string_view, 10> kConditions{
    "for", "if", "when", "where", "whenever", "with", "such", "because", "since", "except"};

template <size_t n>
bool Contains(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Length of an exponent of a unit (^2, ^{3}) at the front of `text`, 0 when there is none.
size_t ExponentLength(std::string_view text) {
  for (const std::string_view exponent :
       {"^2", "^3", "^4", "^{2}", "^{3}", "^{4}", "^-1", "^-2", "^{-1}", "^{-2}", "^{-3}"}) {
    if (text.starts_with(exponent)) return exponent.size();
  }
  return 0;
}

}  // namespace

std::string FirstWord(std::string_view text) {
  std::string word;
  for (const char c : text) {
    if (!IsLetter(c)) break;
    word += Lower(c);
  }
  return word;
}

bool IsUnit(std::string_view text, bool spaced) {
  size_t looked_at = 0;
  return IsUnit(text, spaced, looked_at);
}

bool IsUnit(std::string_view text, bool spaced, size_t& looked_at) {
  const size_t whole = text.size();
  bool first = true;
  for (; !text.empty(); looked_at = whole - text.size()) {
    if (const std::string word = FirstWord(text); !word.empty()) {
      const bool known = Contains(kAbbreviations, word);
      if (Contains(kNotUnits, word) || (first && Contains(kConditions, word))) return false;
      if (first && !spaced && !known && word.size() < 5) return false;         // 12dollars
      if (word.size() == 1 && !known && (first || word != "a")) return false;  // a variable
      text.remove_prefix(word.size());
      first = false;
    } else if (const size_t exponent = ExponentLength(text); exponent > 0 && !first) {
      text.remove_prefix(exponent);
    } else if (IsSpace(text[0]) || text[0] == '.' || text[0] == '\'' || text[0] == '$' ||
               (!first && (text[0] == '/' || text[0] == '-' || text[0] == '*'))) {
      text.remove_prefix(1);
    } else if (!first && text.starts_with("\\cdot")) {
      text.remove_prefix(5);
    } else {
      return false;
    }
  }
  return !first;
}

bool IsUnitFormula(std::string_view latex) {
  const auto read = ReadUnit(latex, true);
  return read && latex.find_first_not_of(" ~.(){}", read->size) == std::string_view::npos;
}

}  // namespace retort::verifiers
