#include "verifiers/math/internal/words.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "verifiers/math/internal/latex_tables.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

// What is no formula, without what only sets it: \\dfrac, \\left, spaces, signs beyond ASCII.
std::string Respelled(std::string_view text) {
  std::string plain = ToValidUtf8(text);
  if (std::ranges::any_of(plain, [](char c) { return static_cast<signed char>(c) < 0; })) {
    plain = ToLatex(plain);
  }
  for (const auto& [from, to] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{{"\\dfrac", "\\frac"},
                                                                            {"\\tfrac", "\\frac"},
                                                                            {"\\displaystyle", ""},
                                                                            {"\\left", ""},
                                                                            {"\\right", ""},
                                                                            {"\\quad", " "},
                                                                            {"{}", ""}}) {
    if (plain.find(from) != std::string::npos) plain = ReplaceAll(std::move(plain), from, to);
  }
  return plain;
}

std::string TextKey(std::string_view text) {
  std::string key;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {  // a command that only dresses its argument, or a space
      size_t end = i + 1;
      while (end < text.size() && IsLetter(text[end])) ++end;
      const std::string_view name = text.substr(i + 1, end - i - 1);
      const bool dress = name.starts_with("text") || name.starts_with("math") || name == "mbox" ||
                         name == "left" || name == "right" || name == "quad" || name == "rm" ||
                         name == "boxed" || name == "displaystyle" || name.empty();
      if (dress) {
        i = name.empty() ? i + 1 : end - 1;
        continue;
      }
      key += c;
    } else if (IsLetter(c)) {
      key += Lower(c);
    } else if (c == '.' && !(i + 1 < text.size() && IsDigit(text[i + 1]))) {
      continue;
    } else if (c == ' ' && i > 0 && IsDigit(text[i - 1]) && i + 1 < text.size() &&
               IsDigit(text[i + 1])) {
      key += c;
    } else if (static_cast<unsigned char>(c) > ' ' && c != '{' && c != '}' && c != '$' &&
               c != '~') {
      key += c;
    }
  }
  while (key.ends_with('.') || key.ends_with(',')) key.pop_back();
  while (key.size() > 2 && key.front() == '(' && key.back() == ')' && IsLetter(key[1])) {
    key = key.substr(1, key.size() - 2);
  }
  return key;
}

std::string AnswerKey(std::string_view text) {
  std::string words = Words(text);
  std::erase_if(words, [](char c) { return c == '"' || c == '\'' || c == '`'; });
  std::string_view rest = words;
  constexpr std::array<std::string_view, 10> kLeading{
      "it is ", "it's ", "its ", "they are ", "a ", "an ", "the ", "on ", "this is ", "in "};
  for (bool changed = true; changed;) {
    changed = false;
    for (const std::string_view leading : kLeading) {
      if (rest.size() <= leading.size() || !rest.starts_with(leading)) continue;
      rest.remove_prefix(leading.size());
      changed = true;
    }
  }
  std::string without_ordinals;  // June 20th
  for (size_t i = 0; i < rest.size(); ++i) {
    without_ordinals += rest[i];
    if (!IsDigit(rest[i]) || (i + 3 < rest.size() && IsLetter(rest[i + 3]))) continue;
    const std::string_view suffix = rest.substr(i + 1, 2);
    if (suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th") i += 2;
  }
  rest = without_ordinals;
  for (const std::string_view word : {"yes", "no"}) {
    const std::string_view opposite = word[0] == 'y' ? "no" : "yes";
    const bool both = TextKey(rest).find(opposite) != std::string::npos && rest.size() < 40;
    if (!both && rest.starts_with(word) && rest.size() > word.size() && rest[word.size()] == ',') {
      return std::string(word);
    }
  }
  return TextKey(rest);
}

std::string Words(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool space = IsSpace(c) || c == '~' || c == '\0';
    if (!space) {
      words += Lower(c);
    } else if (!words.empty() && words.back() != ' ') {
      words += ' ';
    }
  }
  while (!words.empty() && (words.back() == ' ' || words.back() == '.')) words.pop_back();
  return words;
}

bool ExceptsNumbers(std::string_view text) {
  constexpr size_t kLongest = 300;
  const std::string key = TextKey(text.substr(0, kLongest));
  return key.starts_with("allrealnumbersexcept") || key.starts_with("allrealsexcept");
}

bool IsProse(std::string_view answer) {
  size_t words = 0, longest = 0, run = 0;
  for (const char c : answer) {
    if (IsLetter(c)) {
      if (run++ == 0) ++words;
      longest = std::max(longest, run);
    } else if (c == ' ' || c == '-' || c == '\'' || c == '.' || c == '\n' || c == ',') {
      run = 0;
    } else {
      return false;
    }
  }
  return longest >= 4 && words >= 2;
}

namespace {

struct NumberWord {
  std::string_view word;
  int64_t value;
};
constexpr std::array kNumberWords{
    NumberWord{"zero", 0},          NumberWord{"one", 1},
    NumberWord{"two", 2},           NumberWord{"three", 3},
    NumberWord{"four", 4},          NumberWord{"five", 5},
    NumberWord{"six", 6},           NumberWord{"seven", 7},
    NumberWord{"eight", 8},         NumberWord{"nine", 9},
    NumberWord{"ten", 10},          NumberWord{"eleven", 11},
    NumberWord{"twelve", 12},       NumberWord{"thirteen", 13},
    NumberWord{"fourteen", 14},     NumberWord{"fifteen", 15},
    NumberWord{"sixteen", 16},      NumberWord{"seventeen", 17},
    NumberWord{"eighteen", 18},     NumberWord{"nineteen", 19},
    NumberWord{"twenty", 20},       NumberWord{"thirty", 30},
    NumberWord{"forty", 40},        NumberWord{"fifty", 50},
    NumberWord{"sixty", 60},        NumberWord{"seventy", 70},
    NumberWord{"eighty", 80},       NumberWord{"ninety", 90},
    NumberWord{"hundred", 100},     NumberWord{"thousand", 1000},
    NumberWord{"million", 1000000}, NumberWord{"billion", 1000000000}};

}  // namespace

// 一百二十三, 3万; nothing for other texts.
std::optional<int64_t> ChineseNumber(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 17> kSigns{{{"零", 0},
                                                                         {"〇", 0},
                                                                         {"一", 1},
                                                                         {"二", 2},
                                                                         {"两", 2},
                                                                         {"三", 3},
                                                                         {"四", 4},
                                                                         {"五", 5},
                                                                         {"六", 6},
                                                                         {"七", 7},
                                                                         {"八", 8},
                                                                         {"九", 9},
                                                                         {"十", 10},
                                                                         {"百", 100},
                                                                         {"千", 1000},
                                                                         {"万", 10'000},
                                                                         {"亿", 100'000'000}}};
  constexpr size_t kMostSigns = 30;
  int64_t whole = 0, part = 0, digit = -1;  // digit: -1 none
  for (size_t i = 0, signs = 0; i < text.size(); i += 3, ++signs) {
    const auto sign =
        std::ranges::find(kSigns, text.substr(i, 3), &decltype(kSigns)::value_type::first);
    if (sign == kSigns.end() || signs > kMostSigns) return std::nullopt;
    const int64_t value = sign->second;
    if (value < 10) {
      if (digit > 0) return std::nullopt;  // 一二: no number
      digit = value;
    } else if (value < 10'000) {
      part += (digit < 0 ? 1 : digit) * value;
      digit = -1;
    } else {
      whole = (whole + part + std::max<int64_t>(digit, 0)) * value;
      part = 0;
      digit = -1;
      if (whole > int64_t{1} << 52) return std::nullopt;
    }
  }
  return text.empty() ? std::nullopt : std::optional(whole + part + std::max<int64_t>(digit, 0));
}

std::optional<int64_t> NumberInWords(std::string_view text) {
  if (!text.empty() && static_cast<unsigned char>(text[0]) >= 0xE0) return ChineseNumber(text);
  int64_t whole = 0, part = 0, last = -1;  // last: the word before; -1 none
  size_t words = 0;
  for (size_t i = 0; i < text.size();) {
    if (!IsLetter(text[i])) {
      if (text[i] != ' ' && text[i] != '-') return std::nullopt;
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && IsLetter(text[end])) ++end;
    const std::string word = Lowered(text.substr(i, end - i));
    i = end;
    if (word == "and" && last >= 100 && i < text.size()) continue;
    const auto known = std::ranges::find(kNumberWords, word, &NumberWord::word);
    if (known == kNumberWords.end() || ++words > 12) return std::nullopt;
    const int64_t value = known->value;
    if (value >= 1000) {
      if (part == 0 || (whole != 0 && whole % (value * 1000) != 0)) return std::nullopt;
      whole += part * value;
      part = 0;
    } else if (value == 100) {
      if (part < 1 || part > 9) return std::nullopt;
      part *= 100;
    } else {
      const bool follows = last < 0 || last >= 100 || (last >= 20 && value >= 1 && value <= 9);
      if (!follows) return std::nullopt;
      part += value;
    }
    last = value;
  }
  if (last < 0) return std::nullopt;
  return whole + part;
}

}  // namespace retort::verifiers
