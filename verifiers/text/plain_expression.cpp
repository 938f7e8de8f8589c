#include "verifiers/text/internal/plain_expression.h"

#include <algorithm>

#include "verifiers/text/ascii.h"
#include "verifiers/text/formulas.h"
#include "verifiers/text/internal/passages.h"

namespace retort::verifiers {

namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kRunWords = 64;  // of one expression

// The size of a character that may stand in an expression, 0 for any other: ASCII, Greek, and the
// blocks of operators, superscripts and currency signs.
size_t ExpressionByte(std::string_view text, size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0x80)
    return IsWordCharacter(text[at]) || IsOneOf(text[at], "+-*/=^_<>()[]{}|\\.,:!%$~&'");
  const auto second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0;
  if (c == 0xC2 || c == 0xCE || c == 0xCF) return 2;
  if (c == 0xC3) return second == 0x97 || second == 0xB7 ? 2 : 0;
  return c == 0xE2 && second != 0x80 && at + 2 < text.size() ? 3 : 0;
}

bool IsOperatorAt(std::string_view text, size_t at) {
  if (at >= text.size()) return false;
  if (text[at] == '\\') return at + 1 < text.size() && IsLetter(text[at + 1]);
  if (IsOneOf(text[at], "+-*/=^<>|~")) return true;
  const std::string_view rest = text.substr(at);
  return rest.starts_with("\xC3\x97") || rest.starts_with("\xC3\xB7") ||
         rest.starts_with("\xC2\xB7") || rest.starts_with("\xC2\xB1") ||
         rest.starts_with("\xE2\x88\x92") || rest.starts_with("\xE2\x89");
}

bool EndsWithOperator(std::string_view word) {
  if (word.empty()) return false;
  if (IsOneOf(word.back(), "+-*/=^<>|~([{")) return true;
  if (word.size() >= 2 && IsOperatorAt(word, word.size() - 2) && word[word.size() - 2] != '\\' &&
      static_cast<unsigned char>(word.back()) >= 0x80) {
    return true;
  }
  if (word.size() >= 3 && static_cast<unsigned char>(word[word.size() - 3]) == 0xE2) {
    return IsOperatorAt(word, word.size() - 3);
  }
  // A command without arguments: \cdot, \times, \le.
  const size_t command = word.rfind('\\');
  return command != kNone && LettersEnd(word, command + 1) == word.size();
}

// Brackets closed in `text` that are not opened in it, or (negative) the other way round.
int Unopened(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if (IsOneOf(c, ")]}")) ++depth;
    if (IsOneOf(c, "([{")) --depth;
  }
  return depth;
}

// What of the word [word.begin, word.end) belongs to the expression with the digit at `digit`;
// empty when the digit is part of an identifier.
Span ExpressionInWord(std::string_view text, Span word, size_t digit) {
  // Forward over the word: pieces that do not belong end a span before the digit, or end it after.
  Span span{word.begin, word.end};
  for (size_t i = word.begin; i < word.end;) {
    const size_t size = ExpressionByte(text, i);
    size_t end = i + std::max<size_t>(size, 1);
    bool belongs = size > 0;
    if (text[i] == '\\') {
      end = std::max(LettersEnd(text, i + 1), i + 1);
    } else if (IsLetter(text[i])) {
      end = std::min(LettersEnd(text, i), word.end);
      const std::string_view run = text.substr(i, end - i);
      const char next = end < word.end ? text[end] : '\0';
      belongs = run.size() == 1 || IsMathName(run, next) || (i > digit && IsDigit(text[i - 1]));
      if (!belongs && end <= digit && IsDigit(next)) return {digit, digit};
      if (run.size() > 4 && end <= digit && IsDigit(next)) return {digit, digit};
    } else if (i > digit && text[i] == '<' && i + 1 < word.end && IsOneOf(text[i + 1], "/|")) {
      belongs = false;  // a tag
    }
    if (!belongs) {
      if (i > digit) {
        span.end = i;
        break;
      }
      span.begin = end;
    }
    i = end;
  }
  return span;
}

// True when a word can be a part of an expression on its left or right.
bool IsExpressionWord(std::string_view word, bool inside_brackets) {
  if (word.empty() || word.size() > 60 || word == "a" || word == "I" || word == "A") return false;
  if (IsOneOf(word.back(), ".:;?!") || (word.back() == ',' && !inside_brackets)) return false;
  for (size_t i = 0; i < word.size();) {
    const size_t size = ExpressionByte(word, i);
    if (size == 0) return false;
    size_t end = i + size;
    if (word[i] == '\\') {
      end = std::max(LettersEnd(word, i + 1), i + 1);
    } else if (IsLetter(word[i])) {
      end = LettersEnd(word, i);
      if (end - i > 1 &&
          !IsMathName(word.substr(i, end - i), end < word.size() ? word[end] : '\0')) {
        return false;
      }
    }
    i = end;
  }
  return true;
}

// "1 000": a group of three digits after one of at most three.
bool AreDigitGroups(std::string_view left, std::string_view right) {
  while (!left.empty() && !IsDigit(left[0])) left.remove_prefix(1);
  const auto digits = [](std::string_view word) {
    size_t n = 0;
    while (n < word.size() && IsDigit(word[n])) ++n;
    return n;
  };
  return !left.empty() && left.size() <= 3 && digits(left) == left.size() && digits(right) == 3;
}

// Takes off what cannot begin or end an expression.
Span Trimmed(std::string_view text, Span span) {
  // Counted once: a text may be nothing but closing brackets.
  int unopened = Unopened(text.substr(span.begin, span.end - span.begin));
  for (bool changed = true; changed && span.begin < span.end;) {
    const std::string_view part = text.substr(span.begin, span.end - span.begin);
    changed = false;
    if (IsBlank(part[0]) || IsOneOf(part[0], "*_/=,:;.^>)]}&|'%!~")) {
      const bool point = part[0] == '.' && part.size() > 1 && IsDigit(part[1]);
      const bool bars = part[0] == '|' && part.find('|', 1) != kNone;
      if (!point && !bars) ++span.begin, changed = true;
    } else if (IsOneOf(part[0], "([{<") && (unopened < 0 || part[0] == '<')) {
      ++span.begin, changed = true;
    }
    if (changed) {
      unopened -= Unopened(part.substr(0, 1));
      continue;
    }
    const char last = part.back();
    const bool bars = last == '|' && part.find('|') + 1 < part.size();
    if (IsBlank(last) || (IsOneOf(last, "*_`/=,:;.^<>([{&|'+-~!?\\") && !bars) ||
        (IsOneOf(last, ")]}") && unopened > 0)) {
      const bool factorial = last == '!' && span.end < text.size() && part.size() > 1;
      if (!factorial) --span.end, changed = true;
    }
    if (changed) unopened -= Unopened(part.substr(part.size() - 1));
  }
  const std::string_view part = text.substr(span.begin, span.end - span.begin);
  if (part.size() > 2 && part[0] == '(' && part.find_first_of("()[]{},", 1) == part.size() - 1) {
    return {span.begin + 1, span.end - 1};  // a remark: "(1 000)"
  }
  return span;
}

}  // namespace

Span WordBefore(std::string_view text, size_t from, size_t end) {
  size_t begin = end;
  while (begin > from && !IsBlank(text[begin - 1])) --begin;
  return {begin, end};
}

std::optional<Span> LastExpression(std::string_view text, size_t from, size_t end) {
  for (size_t search = end; search > from;) {
    size_t digit = search;
    while (digit > from && !IsDigit(text[digit - 1])) --digit;
    if (digit == from) return std::nullopt;
    --digit;
    Span word = WordBefore(text, from, digit);
    word.end = digit;
    while (word.end < end && !IsBlank(text[word.end])) ++word.end;
    Span run = ExpressionInWord(text, word, digit);
    search = word.begin;
    if (run.begin >= run.end) continue;

    size_t words = 0;
    bool whole = run.begin == word.begin;
    while (whole && ++words < kRunWords) {  // to the left
      size_t gap = run.begin;
      while (gap > from && (text[gap - 1] == ' ' || text[gap - 1] == '\t')) --gap;
      const Span before = WordBefore(text, from, gap);
      const std::string_view left = text.substr(before.begin, before.end - before.begin);
      const std::string_view right = text.substr(run.begin, run.end - run.begin);
      const bool brackets = Unopened(right) > 0;
      if (!IsExpressionWord(left, brackets)) break;
      const bool connected = brackets || EndsWithOperator(left) || IsOperatorAt(text, run.begin) ||
                             AreDigitGroups(left, right);
      if (!connected) break;
      run.begin = before.begin;
    }
    whole = run.end == word.end;
    while (whole && run.end < end && ++words < kRunWords) {  // to the right
      const size_t next = SkipAny(text, run.end, " \t");
      size_t close = next;
      while (close < end && !IsBlank(text[close])) ++close;
      std::string_view right = text.substr(next, close - next);
      const std::string_view left = text.substr(run.begin, run.end - run.begin);
      if (next == run.end || left.empty() || IsOneOf(left.back(), ".,;:?!")) break;
      const bool last = !right.empty() && IsOneOf(right.back(), ".,;:?!");
      if (last) right.remove_suffix(1);
      const bool connected = EndsWithOperator(left) || IsOperatorAt(right, 0);
      if (!connected || !IsExpressionWord(right, false)) break;
      run.end = next + right.size();
      if (last) break;
    }
    run = Trimmed(text, run);
    // A bullet is no minus.
    if (run.begin + 1 < run.end && text[run.begin] == '-' && IsBlank(text[run.begin + 1]) &&
        (run.begin == 0 || text[run.begin - 1] == '\n')) {
      run.begin = SkipAny(text, run.begin + 1, " \t");
    }
    if (run.begin < run.end && digit >= run.begin && digit < run.end) return run;
  }
  return std::nullopt;
}

}  // namespace retort::verifiers
