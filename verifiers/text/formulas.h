#pragma once
// Formulas and English words in running text.

#include <cstddef>
#include <string_view>
#include <vector>

namespace retort::verifiers {

bool IsOneOf(char c, std::string_view set);
/// The first place at or after `at` without an ASCII letter.
size_t LettersEnd(std::string_view text, size_t at);
/// "and", "or"
bool IsConnectorName(std::string_view name);
/// A run of two letters or more that is part of mathematics: a function, an identifier such as AB,
/// or whatever stands right before a bracket, an equals sign or an index (`next`).
bool IsMathName(std::string_view run, char next);

struct WordCount {
  int words = 0;       ///< English words: no commands, nothing inside \text{…}, no connectors
  int connectors = 0;  ///< "and", "or"
  bool at_start = false;
};
/// Stops after `enough` words.
WordCount CountWords(std::string_view text, int enough);

struct Formula {
  size_t begin = 0, end = 0;  ///< with the marks
  size_t inner_begin = 0, inner_end = 0;
};
/// Between $…$, \(…\) on one line, $$…$$ and \[…\]; sums of money are none. Linear.
std::vector<Formula> FindFormulas(std::string_view text);
/// What is between the marks, trimmed.
std::string_view Inside(std::string_view text, const Formula& formula);

}  // namespace retort::verifiers
