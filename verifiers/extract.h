#pragma once
// Finds the final answer in what a model said. The first rule that finds something decides:
// answer tag, box, "#### n", a phrase ("the answer is", "Answer:", a line "A: n"), and, only when
// asked, the last number. Within a rule the last place in the text counts. A think block is never
// searched: the search starts after the last </think>, and an unfinished think block leaves
// nothing.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace retort::verifiers {

/// Where an answer may stand.
enum class Extraction {
  kAny,        ///< all rules in order
  kAnswerTag,  ///< only <answer>…</answer>
  kBoxed,      ///< only \boxed{…} or \fbox{…}
};
constexpr auto EnumNames(Extraction) {
  return std::array{std::pair{Extraction::kAny, "any"},
                    std::pair{Extraction::kAnswerTag, "answer_tag"},
                    std::pair{Extraction::kBoxed, "boxed"}};
}

enum class ExtractionRule { kAnswerTag, kBoxed, kHashes, kPhrase, kLastNumber };
constexpr auto EnumNames(ExtractionRule) {
  return std::array{std::pair{ExtractionRule::kAnswerTag, "answer-tag"},
                    std::pair{ExtractionRule::kBoxed, "boxed"},
                    std::pair{ExtractionRule::kHashes, "hashes"},
                    std::pair{ExtractionRule::kPhrase, "phrase"},
                    std::pair{ExtractionRule::kLastNumber, "last-number"}};
}

struct ExtractedAnswer {
  std::string text;  ///< trimmed, not empty, still as written
  ExtractionRule rule = ExtractionRule::kAnswerTag;
  bool joined = false;  ///< several boxes, joined by ", "
};

/// Linear in the size of `text`. Neighbouring boxes with nothing but connectors between them
/// ("and", commas) are one answer, joined by ", ": a second guess cannot hide the first.
std::optional<ExtractedAnswer> ExtractAnswer(std::string_view text, Extraction extraction,
                                             bool last_number);

/// The last box of `text` with its neighbours, in order, equal ones once; empty without a closed
/// box.
std::vector<std::string> LastBoxes(std::string_view text);

}  // namespace retort::verifiers
