#include "verifiers/words.h"

#include <algorithm>

#include "verifiers/ascii.h"

namespace retort::verifiers {

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
                         name == "boxed" || name.empty();
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

}  // namespace retort::verifiers
