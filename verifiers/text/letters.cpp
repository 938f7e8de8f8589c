#include "verifiers/text/internal/letters.h"

#include "base/strings.h"
#include "verifiers/text/ascii.h"
#include "verifiers/text/internal/passages.h"

namespace retort::verifiers {
namespace {

// A capital letter on its own at `at`.
bool IsLetterAt(std::string_view text, size_t at) {
  if (!IsUpper(text[at])) return false;
  if (at > 0 && (IsWordCharacter(text[at - 1]) || text[at - 1] == '\\')) return false;
  return at + 1 == text.size() || (!IsWordCharacter(text[at + 1]) && text[at + 1] != '\'');
}

// "A dog", "I think": words, not options; "A or B" and "A is right" name options.
bool IsArticle(std::string_view text, size_t at) {
  if (text[at] != 'A' && text[at] != 'I') return false;
  const std::string_view rest = text.substr(at + 1);
  if (rest.size() < 2 || rest[0] != ' ' || !IsLower(rest[1])) {
    return false;
  }
  for (const std::string_view word : {" or ", " and ", " is ", " because ", " since "}) {
    if (rest.starts_with(word)) return false;
  }
  return true;
}

}  // namespace

std::string LettersIn(std::string_view text) {
  std::string letters, article;
  size_t end = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsLetterAt(text, i)) continue;
    if (IsArticle(text, i)) {
      if (letters.empty()) article = text[i];
      continue;
    }
    if (!letters.empty()) {
      std::string gap(text.substr(end, i - end));
      for (const char* joins : {"and", "or"}) gap = ReplaceAll(std::move(gap), joins, "");
      if (gap.find_first_not_of(" ,;/&()$") != std::string::npos) break;
      letters += ", ";
    }
    letters += text[i];
    end = i + 1;
  }
  return letters.empty() ? article : letters;
}

std::optional<char> UnannouncedLetter(std::string_view text) {
  // The last thing said.
  constexpr std::string_view kMarks = " \t\r\n.*_)]}$`\"'!";
  const size_t last = text.find_last_not_of(kMarks);
  const auto is_option = [](char c) { return c >= 'A' && c <= 'J'; };
  if (last != std::string_view::npos && is_option(text[last]) && IsLetterAt(text, last))
    return text[last];
  // "B. …", "(B) …", "B) …" at the start of a line.
  std::optional<char> listed, alone, article;
  for (size_t begin = 0; begin < text.size();) {
    const size_t at = SkipAny(text, begin, " \t*_(");
    if (at + 1 < text.size() && is_option(text[at]) && IsLetterAt(text, at)) {
      const size_t after = SkipAny(text, at + 1, "*_");
      if (after < text.size() &&
          std::string_view(".):").find(text[after]) != std::string_view::npos) {
        listed = text[at];
      }
    }
    begin = text.find('\n', begin);
    begin = begin == std::string_view::npos ? text.size() : begin + 1;
  }
  if (listed) return listed;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_option(text[i]) || !IsLetterAt(text, i)) continue;
    (IsArticle(text, i) ? article : alone) = text[i];
  }
  return alone ? alone : article;
}

}  // namespace retort::verifiers
