#include "verifiers/text/internal/passages.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "verifiers/text/ascii.h"
#include "verifiers/text/formulas.h"
#include "verifiers/text/internal/plain_expression.h"

namespace retort::verifiers {

namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kSentenceBytes = 100;  // longer texts with words in them are no bare answers
constexpr int kAnswerWords = 4;

bool IsOnlyName(std::string_view inside) {
  return !inside.empty() && std::all_of(inside.begin(), inside.end(), IsLetter);
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
      i = formulas[next].end - 1;
      const bool stop = Inside(text, formulas[next++]).ends_with('.');  // "$5.$ I hope so."
      if (stop && depth == 0 && i + 1 < text.size() && IsBlank(text[i + 1])) {
        return text.substr(0, i + 1);
      }
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
    if (depth == 0 && text.substr(i).starts_with("。")) return text.substr(0, i);
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

// "June 20", "negative 3": a word that is part of the answer, and its number.
bool BeginsInWords(std::string_view text) {
  constexpr std::array<std::string_view, 14> kWords{
      "january", "february",  "march",   "april",    "may",      "june",     "july",
      "august",  "september", "october", "november", "december", "negative", "minus"};
  const std::string word = Lowered(text.substr(0, LettersEnd(text, 0)));
  return std::ranges::find(kWords, word) != kWords.end() && word.size() + 1 < text.size() &&
         IsDigit(text[word.size() + 1]);
}

// "5, since 3 + 2 = 5": a word behind a comma that joins no list.
bool Explains(std::string_view text) {
  const size_t comma = text.find(", ");
  for (const std::string_view reason :
       {" because ", " since ", " as we ", " so that ", " which "}) {
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
    if (value && count.at_start && !identifier && !BeginsInWords(text)) return std::nullopt;
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
      if (article ||
          (run.size() > 1 && !unit && !IsConnectorName(run) && !IsMathName(run, after))) {
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
