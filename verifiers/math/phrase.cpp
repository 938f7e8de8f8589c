#include "verifiers/math/internal/phrase.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "verifiers/math/internal/parse.h"
#include "verifiers/math/internal/words.h"
#include "verifiers/text/ascii.h"
#include "verifiers/text/formulas.h"

namespace retort::verifiers {

namespace {

struct Piece {
  bool words = false;
  std::string text;
};

// The end of the group that opens at `open`.
size_t GroupEnd(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return i;
    }
  }
  return text.size();
}

std::vector<Piece> Pieces(std::string_view text) {
  std::vector<Piece> pieces;
  const auto add = [&](bool words, std::string_view part) {
    if (pieces.empty() || pieces.back().words != words) pieces.push_back({words, {}});
    pieces.back().text += part;
  };
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '$') {
      add(!pieces.empty() && pieces.back().words, " ");
      ++i;
      continue;
    }
    if (text[i] == '\\') {
      const size_t end = LettersEnd(text, i + 1);
      const std::string_view name = text.substr(i + 1, end - i - 1);
      const bool words = name.starts_with("text") || name == "mbox";
      if (words && end < text.size() && text[end] == '{') {
        const size_t close = GroupEnd(text, end);
        for (const char& c : text.substr(end + 1, close - end - 1)) {
          add(!IsDigit(c), std::string_view(&c, 1));
        }
        i = std::min(close + 1, text.size());
        continue;
      }
      const size_t next = std::max(end, std::min(i + 2, text.size()));
      if (name == "displaystyle") {
        i = next;
        continue;
      }
      add(false, text.substr(i, next - i));
      i = next;
      continue;
    }
    if (IsLetter(text[i])) {
      const size_t end = LettersEnd(text, i);
      const std::string_view run = text.substr(i, end - i);
      const char next = end < text.size() ? text[end] : '\0';
      const bool ordinal = i > 0 && IsDigit(text[i - 1]) &&
                           (run == "st" || run == "nd" || run == "rd" || run == "th");
      if (ordinal) {
        i = end;
        continue;
      }
      const bool extremum = (run == "min" || run == "max" || run == "inf") && next != '(';
      const bool words = run.size() > 1 && (extremum || !IsMathName(run, next));
      add(words, run);
      i = end;
      continue;
    }
    // Spaces and marks belong to what stands before them.
    const bool mark = IsSpace(text[i]) || text[i] == ',' || text[i] == '.' || text[i] == ';' ||
                      text[i] == ':' || text[i] == '\'';
    add(mark && !pieces.empty() && pieces.back().words, text.substr(i, 1));
    ++i;
  }
  return pieces;
}

}  // namespace

std::optional<NodeId> ReadPhrase(std::string_view answer, Tree& tree) {
  const std::vector<Piece> pieces = Pieces(Respelled(answer));
  if (pieces.size() < 2) return std::nullopt;  // words or a value, not both
  Nodes parts;
  bool words = false, values = false;
  for (const Piece& piece : pieces) {
    if (!piece.words) {
      std::string_view formula = piece.text;
      const auto loose = [](char c) {
        return IsSpace(c) || std::string_view(",.;:").find(c) != std::string_view::npos;
      };
      while (!formula.empty() && loose(formula.front()) && formula.front() != '.')
        formula.remove_prefix(1);
      while (!formula.empty() && loose(formula.back())) formula.remove_suffix(1);
      if (formula.empty()) continue;
      if (const auto value = ParseFormula(tree.Keep(std::string(formula)), tree)) {
        parts.push_back(*value);
        values = true;
        continue;
      }
    }
    if (TextKey(piece.text).empty()) continue;
    parts.push_back(tree.Add(Op::kText, Words(piece.text)));
    words = true;
  }
  if (!words || !values) return std::nullopt;
  return tree.Add(Op::kOpaque, "phrase", parts);
}

namespace {

constexpr std::array<std::string_view, 9> kVerbs{" is ",          " are ",        " equals ",
                                                 " is equal to ", " has length ", " has area ",
                                                 " has volume ",  " has value ",  " is given by "};

}  // namespace

bool StatesValue(std::string_view before) {
  const std::string lower = StrCat(" ", Lowered(Trim(before)), " ");
  constexpr std::array kRestricting = std::to_array<std::string_view>(
      {" not ",        " if ",      " when ",   " where ", " unless ",   " than ",
       " only ",       " for all ", " every ",  "n't ",    " doubt ",    " false ",
       " whether ",    " never ",   " could ",  " might ", " wrong ",    " opposite ",
       " twice ",      " half ",    " plus ",   " minus ", " unlikely ", " negative ",
       " reciprocal ", " inverse ", " square ", " root ",  " double ",   " to the axis ",
       " except ",     " but "});
  return std::ranges::any_of(kVerbs,
                             [&](std::string_view verb) { return lower.ends_with(verb); }) &&
         std::ranges::none_of(kRestricting, [&](std::string_view word) {
           return lower.find(word) != std::string::npos;
         });
}

std::string_view StatedValue(std::string_view sentence) {
  sentence = Trim(sentence);
  size_t begin = 0;  // behind the last verb
  for (size_t at = sentence.size(); at-- > 0 && begin == 0;) {
    if (sentence[at] != ' ') continue;
    for (const std::string_view verb : kVerbs) {
      if (sentence.substr(at).starts_with(verb)) begin = std::max(begin, at + verb.size());
    }
  }
  if (begin == 0) return {};
  const std::string_view before = sentence.substr(0, begin);
  if (before.find_first_of("0123456789=<>") != std::string_view::npos) return {};
  if (before.find(". ") != std::string_view::npos || before.find('\n') != std::string_view::npos) {
    return {};  // one sentence, and nothing besides
  }
  if (!StatesValue(before)) return {};
  std::string_view value = Trim(sentence.substr(begin));
  for (const std::string_view word : {"about ", "approximately ", "only about "}) {
    if (value.starts_with(word)) value.remove_prefix(word.size());
  }
  return value;
}

}  // namespace retort::verifiers
