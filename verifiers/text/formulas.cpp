#include "verifiers/text/formulas.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "verifiers/text/ascii.h"
#include "verifiers/text/internal/passages.h"

namespace retort::verifiers {

namespace {

constexpr size_t kNone = std::string_view::npos;

bool IsKnownName(std::string_view name) {
  static constexpr std::array<std::string_view, 28> kNames{
      "sin",  "cos",  "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh",
      "cosh", "tanh", "log", "ln",  "lg",  "exp", "sqrt",   "cbrt",   "pi",     "min",
      "max",  "gcd",  "lcm", "mod", "det", "abs", "inf",    "infty"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

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

}  // namespace

bool IsOneOf(char c, std::string_view set) { return set.find(c) != kNone; }

size_t LettersEnd(std::string_view text, size_t at) {
  while (at < text.size() && IsLetter(text[at])) ++at;
  return at;
}

bool IsConnectorName(std::string_view name) { return name == "and" || name == "or"; }

bool IsMathName(std::string_view run, char next) {
  if (IsKnownName(run) || IsOneOf(next, "(=_^")) return true;
  return run.size() <= 4 && std::all_of(run.begin(), run.end(), IsUpper);
}

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
      } else if (run.size() > 1 && !IsMathName(run, next)) {
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

}  // namespace retort::verifiers
