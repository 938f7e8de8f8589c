#include "verifiers/normal_form.h"

#include <algorithm>
#include <cctype>

#include "base/strings.h"
#include "verifiers/clean.h"

namespace retort::verifiers {

namespace {

constexpr int kMaxNesting = 8;

bool IsOpen(char c) { return c == '(' || c == '[' || c == '{'; }
bool IsClose(char c) { return c == ')' || c == ']' || c == '}'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Calls visit(i) for every character outside all brackets; false when brackets do not balance.
template <class Visit>
bool ForEachAtTopLevel(std::string_view text, const Visit& visit) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsOpen(text[i])) ++depth;
    if (depth == 0) visit(i);
    if (IsClose(text[i]) && --depth < 0) return false;
  }
  return depth == 0;
}

// True when the first character is a bracket that the last one closes.
bool IsBracketed(std::string_view text) {
  if (text.size() < 2 || !IsOpen(text.front()) || !IsClose(text.back())) return false;
  bool outside = false;
  return ForEachAtTopLevel(text, [&](size_t) { outside = true; }) && !outside;
}

// "1, 2 and 3" -> "1, 2, 3": joining words between spaces become commas.
std::string JoinWordsToCommas(std::string text) {
  for (const std::string_view word : {", and ", ", or ", " and ", " or ", ";"}) {
    text = ReplaceAll(std::move(text), word, ", ");
  }
  return text;
}

// A comma inside 1,234: a digit before it, exactly three after.
bool IsThousandsComma(std::string_view text, size_t comma) {
  size_t end = comma + 1;
  while (end < text.size() && IsDigit(text[end])) ++end;
  return end == comma + 4 && comma > 0 && IsDigit(text[comma - 1]);
}

// Parts between top-level commas; empty when there is none, or an empty part, or broken brackets.
// "1,234, 5" is two numbers because its list comma has a space; "1,234,5" is three.
std::vector<std::string_view> SplitList(std::string_view text) {
  std::vector<size_t> commas;
  bool spaced = false;
  const bool balanced = ForEachAtTopLevel(text, [&](size_t i) {
    if (text[i] != ',') return;
    commas.push_back(i);
    spaced = spaced || (i + 1 < text.size() && text[i + 1] == ' ');
  });
  if (!balanced) return {};
  if (spaced) std::erase_if(commas, [&](size_t comma) { return IsThousandsComma(text, comma); });
  if (commas.empty()) return {};
  commas.push_back(text.size());
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (const size_t comma : commas) {
    parts.push_back(Trim(text.substr(begin, comma - begin)));
    if (parts.back().empty()) return {};
    begin = comma + 1;
  }
  return parts;
}

// The name in "name = value": letters first, no operators. Sets `value` to what follows.
std::string TakeVariable(std::string_view& value) {
  const size_t equals = value.find('=');
  if (equals == std::string_view::npos || equals == 0) return "";
  const std::string_view name = Trim(value.substr(0, equals));
  const std::string_view rest = Trim(value.substr(equals + 1));
  const auto begins_name = [](char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '\\' || c == '(' || c == '|';
  };
  const bool plain = name.find_first_of("+-*/^<>!") == std::string_view::npos;
  const bool relation = rest.find_first_of("=<>") != std::string_view::npos;
  if (name.empty() || rest.empty() || !begins_name(name[0]) || !plain || relation) return "";
  value = rest;
  return CanonicalText(name);
}

NormalForm ReadCleaned(std::string_view text, int nesting);

NormalForm ReadList(const std::vector<std::string_view>& parts, int nesting) {
  NormalForm form;
  form.kind = FormKind::kList;
  for (const std::string_view part : parts) {
    form.items.push_back(ReadCleaned(part, nesting + 1));
    if (form.items.back().kind == FormKind::kTooLarge) form.kind = FormKind::kTooLarge;
  }
  return form;
}

NormalForm ReadCleaned(std::string_view text, int nesting) {
  std::string variable = TakeVariable(text);
  NormalForm form;
  NumberReading reading = ReadNumber(text);
  if (reading.status == NumberStatus::kNumber) {
    form.kind = FormKind::kNumber;
    form.number = std::move(reading.number);
  } else if (reading.status == NumberStatus::kTooLarge) {
    form.kind = FormKind::kTooLarge;
  } else if (nesting < kMaxNesting) {
    const bool bracketed = IsBracketed(text);
    const std::string_view inner = bracketed ? Trim(text.substr(1, text.size() - 2)) : text;
    const std::string joined = JoinWordsToCommas(std::string(inner));
    if (const auto parts = SplitList(joined); !parts.empty()) {
      form = ReadList(parts, nesting);
      if (bracketed) form.brackets = {text.front(), text.back()};
    } else if (bracketed && !inner.empty()) {
      form = ReadCleaned(inner, nesting + 1);  // "(5)" is 5, "(C)" is C
      text = {};
    }
  }
  if (form.text.empty()) form.text = CanonicalText(text);
  if (!variable.empty()) form.variable = std::move(variable);
  return form;
}

}  // namespace

NormalForm ReadNormalForm(std::string_view answer) {
  if (answer.size() > kMaxAnswerBytes) {
    NormalForm form;
    form.kind = FormKind::kTooLarge;
    return form;
  }
  return ReadCleaned(CleanAnswer(answer), 0);
}

bool SameAnswer(const NormalForm& a, const NormalForm& b, const Equality& equality) {
  if (!a.variable.empty() && !b.variable.empty() && a.variable != b.variable) return false;
  if (a.kind == FormKind::kNumber && b.kind == FormKind::kNumber) {
    if (SameValue(a.number, b.number)) return true;
    if (!equality.percent_as_number || a.number.is_percent == b.number.is_percent) return false;
    Number plain = a.number;
    Number percent = b.number;
    if (plain.is_percent) std::swap(plain, percent);
    percent.numerator = percent.numerator * Natural("100");
    return SameValue(plain, percent);
  }
  if (a.kind == FormKind::kList && b.kind == FormKind::kList) {
    const bool brackets = a.brackets.empty() || b.brackets.empty() || a.brackets == b.brackets;
    return brackets && std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                                  [&](const NormalForm& left, const NormalForm& right) {
                                    return SameAnswer(left, right, equality);
                                  });
  }
  return a.kind == FormKind::kText && b.kind == FormKind::kText && a.text == b.text;
}

}  // namespace retort::verifiers
