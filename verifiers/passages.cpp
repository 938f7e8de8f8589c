#include "verifiers/passages.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "verifiers/ascii.h"

namespace retort::verifiers {

namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kRunWords = 64;        // of one expression in plain text
constexpr size_t kSentenceBytes = 100;  // longer texts with words in them are no bare answers
constexpr int kAnswerWords = 4;

bool IsOneOf(char c, std::string_view set) { return set.find(c) != kNone; }

size_t LettersEnd(std::string_view text, size_t at) {
  while (at < text.size() && IsLetter(text[at])) ++at;
  return at;
}

bool IsKnownName(std::string_view name) {
  static constexpr std::array<std::string_view, 28> kNames{
      "sin",  "cos",  "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh",
      "cosh", "tanh", "log", "ln",  "lg",  "exp", "sqrt",   "cbrt",   "pi",     "min",
      "max",  "gcd",  "lcm", "mod", "det", "abs", "inf",    "infty"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool IsConnectorName(std::string_view name) { return name == "and" || name == "or"; }

// A run of two letters or more that is part of mathematics: a function, an identifier such as AB,
// or whatever stands right before a bracket, an equals sign or an index.
bool IsName(std::string_view run, char next) {
  if (IsKnownName(run) || IsOneOf(next, "(=_^")) return true;
  return run.size() <= 4 && std::all_of(run.begin(), run.end(), IsUpper);
}

struct WordCount {
  int words = 0;       // English words: no commands, nothing inside \text{…}, no connectors
  int connectors = 0;  // "and", "or"
  bool at_start = false;
};

// Stops after `enough` words.
WordCount CountWords(std::string_view text, int enough) {
  WordCount count;
  bool nothing_yet = true;
  for (size_t i = 0; i < text.size() && count.words < enough; ++i) {
    const char c = text[i];
    if (c == '\\') {
      if (text.substr(i, 2) == "\\\\") {  // escaped twice, or the end of a row
        if (++i + 1 < text.size() && text[i + 1] == '\\') continue;
      }
      const size_t end = LettersEnd(text, i + 1);
      const std::string_view name = text.substr(i + 1, end - i - 1);
      nothing_yet = false;
      i = std::max(end, i + 2) - 1;
      const bool holds_text = name.starts_with("text") || name.starts_with("math") ||
                              name == "mbox" || name == "operatorname" || name == "begin" ||
                              name == "end";
      if (!holds_text || end >= text.size() || text[end] != '{') continue;
      const size_t close = text.find('}', end);
      if (close == kNone) return count;
      i = close;
    } else if (IsLetter(c)) {
      const size_t end = LettersEnd(text, i);
      const std::string_view run = text.substr(i, end - i);
      const char next = end < text.size() ? text[end] : '\0';
      if (run == "I" && nothing_yet && next == ' ') continue;  // begins a sentence
      if (run.size() > 1 && IsConnectorName(run)) {
        ++count.connectors;
      } else if (run.size() > 1 && !IsName(run, next)) {
        ++count.words;
        if (nothing_yet) count.at_start = true;
      }
      nothing_yet = false;
      i = end - 1;
    } else if (!IsOneOf(c, " \t\r\n*_`\"'")) {
      nothing_yet = false;
    }
  }
  return count;
}

// --- formulas ---

struct Formula {
  size_t begin = 0, end = 0;  // with the marks
  size_t inner_begin = 0, inner_end = 0;
};

// Where a needle comes next; asked for growing places, the whole is linear.
class Next {
 public:
  Next(std::string_view text, std::string_view needle) : text_(text), needle_(needle) {}
  size_t From(size_t at) {
    if (at_ != kNone && (!searched_ || at_ < at)) {
      at_ = text_.find(needle_, at);
      searched_ = true;
    }
    return at_;
  }

 private:
  std::string_view text_, needle_;
  size_t at_ = 0;
  bool searched_ = false;
};

// The unescaped dollar that ends the single-line formula begun at `open`, or kNone. Sums of money
// ("$5 and $6") are no formula.
size_t ClosingDollar(std::string_view text, size_t open) {
  size_t close = open + 1;
  while (close < text.size() && text[close] != '$' && text[close] != '\n') {
    close += text[close] == '\\' ? 2u : 1u;
  }
  if (close >= text.size() || text[close] != '$' || close == open + 1) return kNone;
  if (close + 1 < text.size() && IsDigit(text[close + 1])) return kNone;
  const std::string_view inside = text.substr(open + 1, close - open - 1);
  const WordCount count = CountWords(inside, 2);
  const bool money = IsDigit(inside[0]) && IsBlank(inside.back());
  if (count.words > 1 || (money && count.words + count.connectors > 0)) return kNone;
  return close;
}

std::vector<Formula> FindFormulas(std::string_view text) {
  std::vector<Formula> formulas;
  Next round(text, "\\)"), square(text, "\\]"), dollars(text, "$$"), line(text, "\n");
  const auto add = [&](size_t begin, size_t close, size_t mark) {
    formulas.push_back({begin, close + mark, begin + mark, close});
    return close + mark;
  };
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    size_t close = kNone;
    if (c == '\\' && next == '(') {
      close = round.From(i + 2);
      if (close != kNone && line.From(i) > close) {
        i = add(i, close, 2);
        continue;
      }
    } else if (c == '\\' && next == '[') {
      if ((close = square.From(i + 2)) != kNone) {
        i = add(i, close, 2);
        continue;
      }
    } else if (c == '$' && next == '$') {
      if ((close = dollars.From(i + 2)) != kNone) {
        i = add(i, close, 2);
        continue;
      }
      ++i;
    } else if (c == '$') {
      if ((close = ClosingDollar(text, i)) != kNone) {
        i = add(i, close, 1);
        continue;
      }
    } else if (c == '\\') {
      ++i;
    }
    ++i;
  }
  return formulas;
}

std::string_view Inside(std::string_view text, const Formula& formula) {
  return Trim(text.substr(formula.inner_begin, formula.inner_end - formula.inner_begin));
}

bool IsOnlyName(std::string_view inside) {
  return !inside.empty() && std::all_of(inside.begin(), inside.end(), IsLetter);
}

// --- numbers and expressions in plain text ---

struct Span {
  size_t begin = 0, end = 0;
};

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
      belongs = run.size() == 1 || IsName(run, next) || (i > digit && IsDigit(text[i - 1]));
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

Span WordBefore(std::string_view text, size_t from, size_t end) {
  size_t begin = end;
  while (begin > from && !IsBlank(text[begin - 1])) --begin;
  return {begin, end};
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
      if (end - i > 1 && !IsName(word.substr(i, end - i), end < word.size() ? word[end] : '\0')) {
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

// The last number of text[from, end) with the expression around it.
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

// What joins two places when it ends at `end`: where it begins, and whether a word is part of it.
struct Connector {
  size_t begin = 0;
  bool word = false;
};

std::optional<Connector> ConnectorBefore(std::string_view text, size_t from, size_t end) {
  Connector connector{end, false};
  const auto skip_blanks = [&] {
    while (connector.begin > from && IsBlank(text[connector.begin - 1])) --connector.begin;
  };
  skip_blanks();
  for (const std::string_view word : {"and", "or"}) {
    if (connector.begin < from + word.size()) continue;
    const size_t begin = connector.begin - word.size();
    const bool apart = begin == from || !IsLetter(text[begin - 1]);
    if (text.substr(begin, word.size()) != word || !apart) continue;
    connector = {begin, true};
    skip_blanks();
    break;
  }
  const bool comma = connector.begin > from && IsOneOf(text[connector.begin - 1], ",;");
  if (comma) {
    --connector.begin;
    skip_blanks();
  }
  if (!comma && !connector.word) return std::nullopt;
  return connector;
}

}  // namespace

bool IsWordCharacter(char c) { return IsLetter(c) || IsDigit(c); }

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool StartsWithIgnoringCase(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(),
                                                   [](char a, char b) { return a == Lower(b); });
}

size_t SkipAny(std::string_view text, size_t at, std::string_view characters) {
  return std::min(text.find_first_not_of(characters, at), text.size());
}

std::string HalveBackslashes(std::string_view text) {
  size_t doubled = text.find("\\\\");
  while (doubled != kNone && !(doubled + 2 < text.size() && IsLetter(text[doubled + 2]))) {
    doubled = text.find("\\\\", doubled + 2);
  }
  // A single backslash anywhere says that the text was not escaped twice.
  for (size_t i = 0; i < text.size() && doubled != kNone; ++i) {
    if (text[i] != '\\') continue;
    if (i + 1 < text.size() && text[i + 1] == '\\') {
      ++i;
    } else {
      doubled = kNone;
    }
  }
  if (doubled == kNone) return std::string(text);
  return ReplaceAll(std::string(text), "\\\\", "\\");
}

size_t PercentSize(std::string_view text) {
  size_t at = SkipAny(text, 0, " $*");
  while (text.substr(at).starts_with("\\)") || text.substr(at).starts_with("\\]")) {
    at = SkipAny(text, at + 2, " $*");
  }
  const std::string_view rest = text.substr(at);
  for (const std::string_view word : {"%", "\\%", "percentage", "percent", "pct"}) {
    if (!StartsWithIgnoringCase(rest, word)) continue;
    const size_t end = word.size();
    if (word.back() != '%' && end < rest.size() && IsWordCharacter(rest[end])) continue;
    if (StartsWithIgnoringCase(rest.substr(end), " point")) return 0;
    return at + end;
  }
  return 0;
}

std::string_view FirstSentence(std::string_view text) {
  const std::vector<Formula> formulas = FindFormulas(text);
  size_t next = 0;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (next < formulas.size() && formulas[next].begin == i) {
      i = formulas[next++].end - 1;
      continue;
    }
    const char c = text[i];
    if (c == '\\') ++i;
    if (IsOneOf(c, "([{")) ++depth;
    if (IsOneOf(c, ")]}")) depth = std::max(depth - 1, 0);
    if (c == '\n' && depth == 0) return text.substr(0, i);
    if (c == '.' && depth == 0 && (i + 1 == text.size() || IsBlank(text[i + 1]))) {
      return text.substr(0, i);
    }
  }
  // Brackets that are never closed hold nothing together.
  if (depth == 0) return text;
  return text.substr(0, std::min({text.find(". "), text.find('\n'), text.size()}));
}

std::optional<Passage> LastPassage(std::string_view text) {
  const std::vector<Formula> formulas = FindFormulas(text);
  // The last formula that says something, else the last one.
  size_t last = formulas.size();
  for (size_t i = formulas.size(); i-- > 0 && last == formulas.size();) {
    const std::string_view inside = Inside(text, formulas[i]);
    if (!inside.empty() && !IsOnlyName(inside)) last = i;
  }
  const bool named_only = last == formulas.size();
  size_t after = named_only ? 0 : formulas[last].end;
  std::optional<Span> number = LastExpression(text, after, text.size());
  if (!number && named_only) {
    if (formulas.empty()) return std::nullopt;
    last = formulas.size() - 1;
    if (Inside(text, formulas[last]).empty()) return std::nullopt;
  }

  Passage passage;
  std::vector<std::string> parts;  // last first
  size_t before = last;            // formulas in front of the chain
  const auto take = [&](std::optional<size_t> formula, Span span) {
    passage.begin = span.begin;
    if (formula) {
      before = *formula;
      passage.formula = true;
      parts.emplace_back(Inside(text, formulas[*formula]));
    } else {
      parts.emplace_back(text.substr(span.begin, span.end - span.begin));
    }
  };
  if (number) {
    before = named_only ? 0 : last + 1;
    take(std::nullopt, *number);
    passage.end = number->end;
  } else {
    take(last, {formulas[last].begin, formulas[last].end});
    passage.end = formulas[last].end;
  }
  bool by_word = false;
  constexpr size_t kMostPlain = 100;
  while (parts.size() < kMostPlain || by_word || passage.formula) {
    while (before > 0 && formulas[before - 1].begin >= passage.begin) --before;
    const size_t from = before > 0 ? formulas[before - 1].end : 0;
    const auto connector = ConnectorBefore(text, from, passage.begin);
    if (!connector) break;
    by_word = by_word || connector->word;
    if (before > 0 && from == connector->begin) {
      take(before - 1, {formulas[before - 1].begin, from});
      continue;
    }
    // Plain numbers are joined by words, or many: "In 2019, 5" is no list.
    if (!by_word && passage.formula) break;
    const Span word = WordBefore(text, from, connector->begin);
    const std::string_view shown = text.substr(word.begin, word.end - word.begin);
    if (std::none_of(shown.begin(), shown.end(), IsDigit)) break;
    const auto plain = LastExpression(text, from, connector->begin);
    if (!plain || plain->end != connector->begin) break;
    take(std::nullopt, *plain);
  }
  if (parts.size() == 2 && !by_word && !passage.formula) {
    parts.pop_back();
    passage.begin = number->begin;
  }
  passage.joined = parts.size() > 1;
  std::reverse(parts.begin(), parts.end());
  passage.text = HalveBackslashes(Join(parts, ", "));
  const size_t percent = PercentSize(text.substr(passage.end));
  if (percent > 0 && !passage.joined && passage.text.back() != '%') {
    passage.text += '%';
    passage.end += percent;
    passage.percent = passage.formula;
  }
  return passage;
}

namespace {

// "June 20"
bool BeginsWithDate(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths{
      "january", "february", "march",     "april",   "may",      "june",
      "july",    "august",   "september", "october", "november", "december"};
  const std::string word = Lowered(text.substr(0, LettersEnd(text, 0)));
  return std::ranges::find(kMonths, word) != kMonths.end() && word.size() + 1 < text.size() &&
         IsDigit(text[word.size() + 1]);
}

// "5, since 3 + 2 = 5": a word behind a comma that joins no list.
bool Explains(std::string_view text) {
  const size_t comma = text.find(", ");
  for (const std::string_view reason : {" because ", " since ", " as we ", " so that ", " which "}) {
    if (text.find(reason) != kNone) return true;
  }
  if (comma == kNone) return false;
  const std::string_view rest = text.substr(comma + 2);
  size_t end = 0;
  while (end < rest.size() && rest[end] >= 'a' && rest[end] <= 'z') ++end;
  const std::string_view word = rest.substr(0, end);
  return end > 1 && word != "and" && word != "or" && end < rest.size() && rest[end] == ' ';
}

}  // namespace

std::optional<Passage> WholeAnswer(std::string_view text) {
  text = Trim(text);
  if (text.size() > 1 && IsOneOf(text.back(), ".,;") && text[text.size() - 2] != '.') {
    text = Trim(text.substr(0, text.size() - 1));
  }
  for (const std::string_view mark : {"**", "`", "*", "\\\"", "\""}) {
    if (text.size() > 2 * mark.size() && text.starts_with(mark) && text.ends_with(mark)) {
      text = Trim(text.substr(mark.size(), text.size() - 2 * mark.size()));
    }
  }
  if (text.empty()) return std::nullopt;
  const WordCount count = CountWords(text, kAnswerWords + 1);
  const bool sentence =
      count.words > kAnswerWords || (count.words > 0 && text.size() > kSentenceBytes);
  // Sparing most texts the search for formulas.
  if (sentence && text[0] != '$' && text[0] != '\\') return std::nullopt;
  const std::vector<Formula> formulas = FindFormulas(text);
  const bool one_formula =
      formulas.size() == 1 && formulas[0].begin == 0 && formulas[0].end == text.size();
  Passage passage{"", 0, text.size(), one_formula, false, false};
  if (!one_formula) {
    if (sentence) return std::nullopt;
    const bool rows = text.find("\\begin{") != kNone;
    if (text.find('\n') != kNone && !rows) return std::nullopt;
    const bool value = !formulas.empty() || std::any_of(text.begin(), text.end(), IsDigit);
    const bool identifier = text.find(' ') == kNone;
    if (value && Explains(text)) return std::nullopt;
    if (value && count.at_start && !identifier && !BeginsWithDate(text)) return std::nullopt;
    if (FirstSentence(text).size() != text.size()) return std::nullopt;
  }
  if (!formulas.empty()) {
    const auto place = LastPassage(text);
    if (place && place->formula && place->begin == 0 && place->end == text.size()) return place;
  }
  size_t at = 0;
  for (const Formula& formula : formulas) {
    passage.text += text.substr(at, formula.begin - at);
    passage.text += Inside(text, formula);
    at = formula.end;
  }
  passage.text += text.substr(at);
  passage.text = HalveBackslashes(Trim(passage.text));
  if (passage.text.empty()) return std::nullopt;
  return passage;
}

std::string_view AnswerAtStart(std::string_view text) {
  const std::vector<Formula> formulas = FindFormulas(text);
  size_t next = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (next < formulas.size() && formulas[next].begin == i) {
      i = formulas[next++].end - 1;
    } else if (text[i] == '\\') {
      i = std::max(LettersEnd(text, i + 1), i + 2) - 1;
    } else if (IsLetter(text[i])) {
      const size_t end = LettersEnd(text, i);
      const std::string_view run = text.substr(i, end - i);
      const char after = end < text.size() ? text[end] : '\0';
      const bool unit = i > 0 && IsDigit(text[i - 1]);
      const bool article = run == "a" || run == "I";
      if (article || (run.size() > 1 && !unit && !IsConnectorName(run) && !IsName(run, after))) {
        text = Trim(text.substr(0, i));
        while (!text.empty() && IsOneOf(text.back(), ",;:"))
          text = Trim(text.substr(0, text.size() - 1));
        return text;
      }
      i = end - 1;
    }
  }
  return Trim(text);
}

}  // namespace retort::verifiers
