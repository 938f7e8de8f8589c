#pragma once
// The normal form of an answer: one number, a list, or text; and when two of them are the same.

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "verifiers/number.h"

namespace retort::verifiers {

/// Answers longer than this many bytes are not read.
inline constexpr size_t kMaxAnswerBytes = 10'000;

enum class FormKind { kNumber, kList, kText, kTooLarge };
constexpr auto EnumNames(FormKind) {
  return std::array{std::pair{FormKind::kNumber, "number"}, std::pair{FormKind::kList, "list"},
                    std::pair{FormKind::kText, "text"},
                    std::pair{FormKind::kTooLarge, "too-large"}};
}

struct NormalForm {
  FormKind kind = FormKind::kText;
  std::string variable;           ///< "x" of "x = 5", canonical; "" when the answer names none
  Number number;                  ///< of kNumber
  std::vector<NormalForm> items;  ///< of kList, in order, at least two
  std::string brackets;           ///< of kList: "()", "[)", …, "" when bare
  std::string text;               ///< canonical text of the value, whatever the kind
};

/// Never throws; work is bounded by kMaxAnswerBytes and a nesting bound, beyond which a list is
/// text.
NormalForm ReadNormalForm(std::string_view answer);

struct Equality {
  bool percent_as_number = false;  ///< 28% is 28 as well as 0.28
};

/// Numbers by exact value, lists item by item in order (a bare list equals a bracketed one),
/// anything else by canonical text. Answers that name different variables differ.
bool SameAnswer(const NormalForm& a, const NormalForm& b, const Equality& equality);

}  // namespace retort::verifiers
