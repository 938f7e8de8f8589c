#pragma once
// Finds the final answer in what a model said. The first rule that finds something decides; within
// a rule the last place in the text counts:
//
//   answer tag · "final answer is …" · box · "#### n" · a phrase ("the answer is", "Answer:",
//   "A: n", "the correct option is") · and, when nothing announces an answer and kAny allows it,
//   the whole text where it is an answer, else the last formula or number.
//
// A think block is never searched: the search starts after the last </think>, and an unfinished
// think block leaves nothing. What a chat template left behind (<|im_end|> and the like) ends the
// text. Of what is longer than kSearchedBytes only the end is searched.

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace retort::verifiers {

inline constexpr size_t kSearchedBytes = 1 << 17;
/// No verifier reads a longer answer.
inline constexpr size_t kMaxAnswerBytes = 20'000;

/// Where an answer may stand.
enum class Extraction {
  kAny,        ///< all rules in order; announced sentences and unclosed boxes are read into as well
  kAnnounced,  ///< only where something announces an answer, and then all that is announced
  kAnswerTag,  ///< only <answer>…</answer>
  kBoxed,      ///< only a closed \boxed{…} or \fbox{…}
  kUnboxed,    ///< as kAny, but a box announces nothing
  kLetter,     ///< the letter of an option: "(A)", "The answer is B.", "Because C is …"
};
constexpr auto EnumNames(Extraction) {
  return std::array{std::pair{Extraction::kAny, "any"},
                    std::pair{Extraction::kAnnounced, "announced"},
                    std::pair{Extraction::kAnswerTag, "answer_tag"},
                    std::pair{Extraction::kBoxed, "boxed"},
                    std::pair{Extraction::kUnboxed, "unboxed"},
                    std::pair{Extraction::kLetter, "letter"}};
}

enum class ExtractionRule {
  kAnswerTag,
  kFinalAnswer,  ///< "final answer is …"
  kBoxed,
  kHashes,
  kPhrase,
  kWhole,       ///< the text is nothing but an answer
  kFormula,     ///< the last formula between $…$, \(…\), $$…$$ or \[…\]
  kLastNumber,  ///< the last number or expression in plain text
  kLetter,      ///< a letter that nothing announces
};
constexpr auto EnumNames(ExtractionRule) {
  return std::array{std::pair{ExtractionRule::kAnswerTag, "answer-tag"},
                    std::pair{ExtractionRule::kFinalAnswer, "final-answer"},
                    std::pair{ExtractionRule::kBoxed, "boxed"},
                    std::pair{ExtractionRule::kHashes, "hashes"},
                    std::pair{ExtractionRule::kPhrase, "phrase"},
                    std::pair{ExtractionRule::kWhole, "whole"},
                    std::pair{ExtractionRule::kFormula, "formula"},
                    std::pair{ExtractionRule::kLastNumber, "last-number"},
                    std::pair{ExtractionRule::kLetter, "letter"}};
}

struct ExtractedAnswer {
  std::string text;  ///< trimmed, not empty, as written but for the marks around a formula
  ExtractionRule rule = ExtractionRule::kAnswerTag;
  bool joined = false;           ///< several places, joined by ", "
  bool outside_percent = false;  ///< the % at its end was written after the box or formula
};

/// Linear in the size of `text`. Neighbouring places ("\boxed{1} or \boxed{2}", "$1$ and $2$") are
/// one answer: a second guess cannot hide the first. Gold answers are read with kAny; one that is
/// nothing but an answer comes back whole.
std::optional<ExtractedAnswer> ExtractAnswer(std::string_view text, Extraction extraction);

/// The parts of the search, for verifiers whose answers are no formulas. All point into `text`.
/// What follows the last </think>; "" while a think block is open.
std::string_view AfterThinking(std::string_view text);
/// Up to the first mark of a chat template.
std::string_view WithinTurn(std::string_view text);
/// What the last closed <answer>…</answer> holds.
std::optional<std::string_view> LastAnswerTag(std::string_view text);

}  // namespace retort::verifiers
