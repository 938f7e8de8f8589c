// What begins with a backslash: commands, \text{…}, rows and environments.

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"
#include "verifiers/math/internal/lexer-inl.h"
#include "verifiers/math/internal/units.h"

namespace retort::verifiers {

namespace {

// "A, B", "(A) and (C)", "I or II": letters and Roman numerals, several of them.
bool IsLetters(std::string_view text) {
  int parts = 0;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && IsLetter(text[end])) ++end;
    const std::string_view word = text.substr(i, end - i);
    if (word.empty()) {
      if (std::string_view(" ,()").find(text[i]) == std::string_view::npos) return false;
      ++i;
      continue;
    }
    const bool roman = word.find_first_not_of("IVX") == std::string_view::npos;
    if (word != "and" && word != "or") {
      if (!(word.size() == 1 && word != "a") && !roman) return false;
      ++parts;
    }
    i = end;
  }
  return parts > 1;
}

// ", ", " and ", ", and ": what parts the items of a list.
bool IsSeparator(std::string_view lower) {
  constexpr std::array<std::string_view, 5> kSeparators{",", ";", ", and", ", or", "and,"};
  return std::ranges::find(kSeparators, lower) != kSeparators.end();
}

// "4pt", "1.5 ex": the space after a row.
bool IsLength(std::string_view text) {
  const size_t number = text.find_first_not_of("-+.0123456789 ");
  if (number == 0 || number == std::string_view::npos) return false;
  constexpr std::array<std::string_view, 7> kUnits{"pt", "em", "ex", "mm", "cm", "in", "mu"};
  return std::ranges::find(kUnits, text.substr(number)) != kUnits.end();
}

}  // namespace

// The text of a group that begins at i_, which moves behind it; nothing without one.
std::string_view Lexer::GroupText() {
  const size_t open = SkipGaps(i_);
  if (At(open) != '{') return {};
  const auto taken = [&](std::string_view text) {
    tree_.Spend(10 * static_cast<int64_t>(text.size()));  // groups stand in groups
    return text;
  };
  int depth = 0;
  for (size_t end = open; end < s_.size(); ++end) {
    if (s_[end] == '\\') {
      ++end;
    } else if (s_[end] == '{') {
      ++depth;
    } else if (s_[end] == '}' && --depth == 0) {
      i_ = end + 1;
      return taken(s_.substr(open + 1, end - open - 1));
    }
  }
  i_ = s_.size();
  return taken(s_.substr(open + 1));
}

// [r], [4pt] and the like.
void Lexer::SkipBracketed() {
  if (At(i_) != '[') return;
  const size_t close = s_.find(']', i_);
  if (close != std::string_view::npos) i_ = close + 1;
}

// A backslash and no letter behind it.
void Lexer::Mark(char mark) {
  i_ += 2;
  switch (mark) {
    case '{':
      if (OpensCases()) {
        as_cases_ = true;
        return;
      }
      return Push(Lexeme::kOpen, Bracket::kSet);
    case '}':
      return Push(Lexeme::kClose, Bracket::kSet);
    case '|':
      return Push(Lexeme::kBar);
    case '%':
      return Push(Lexeme::kPercent);
    case '&':
      return Push(Lexeme::kConjunction, Conjunction::kAnd);
    case '_':
      return Push(Lexeme::kText, {}, "_");
    case '$': {  // "\$ = 5" was to end a formula
      const size_t behind = s_.find_first_not_of(' ', i_);
      if (!tokens_.empty() && At(behind) == '=') return Push(Lexeme::kArrow);
      if (IsDigit(At(behind)) || At(behind) == '.' || After(Lexeme::kNumber)) {
        return Push(Lexeme::kWord, {}, "USD");
      }
      space_ = true;
      return;
    }
    default:
      space_ = space_ || mark != '!';
      return;  // \, \; \: \! \$ \( \[ …
  }
}

// \\: the end of a row or line, or a backslash too many, of an answer escaped twice.
void Lexer::DoubleBackslash() {
  if (rows_ > 0 && !(IsLetter(At(i_ + 2)) && doubled_)) {
    i_ += 2;
    if (At(i_) == '*') ++i_;
    if (At(i_) == '[') {
      const size_t close = std::min(s_.find(']', i_), s_.size() - 1);
      if (IsLength(s_.substr(i_ + 1, close - i_ - 1))) i_ = close + 1;
    }
    return Push(Lexeme::kNewRow);
  }
  const bool letter = IsLetter(At(i_ + 2)) && !IsLetter(At(i_ + 3));
  const bool command = IsLetter(At(i_ + 2)) || At(i_ + 2) == '{' || At(i_ + 2) == '}';
  if ((letter || !command) && SeparatesEquations(i_ + 2)) {
    i_ += 2;
    return Push(Lexeme::kNewRow);
  }
  i_ += command ? 1 : 2;
  space_ = true;
}

// A space at `at` has an equation before it and a name and "=" behind it.
bool Lexer::SeparatesEquations(size_t at) const {
  if (!relation_ || brackets_ > 0) return false;
  const bool joined = After(Lexeme::kComma) || After(Lexeme::kConjunction) ||
                      After(Lexeme::kRelation) || After(Lexeme::kSemicolon);
  at = SkipGaps(at);
  if (joined || !IsLetter(At(at))) return false;
  ++at;
  if (At(at) == '_') at += At(at + 1) == '{' ? std::min(s_.find('}', at), s_.size()) - at + 1 : 2;
  while (IsGap(At(at)) || At(at) == '~' || At(at) == '&' ||
         (At(at) == '\\' && std::string_view(",;:!").find(At(at + 1)) != std::string_view::npos)) {
    if (at >= s_.size()) break;
    at += At(at) == '\\' ? 2u : 1u;
  }
  return At(at) == '=';
}

// Behind "\{": an environment that only this brace encloses.
bool Lexer::OpensCases() const {
  const size_t begin = SkipGaps(i_);
  if (!s_.substr(std::min(begin, s_.size())).starts_with("\\begin{")) return false;
  const size_t name_end = s_.find('}', begin);
  if (name_end == std::string_view::npos) return false;
  const std::string finish = "\\end" + std::string(s_.substr(begin + 6, name_end - begin - 5));
  constexpr size_t kLongest = 4000;
  tree_.Spend(kLongest);
  size_t end = s_.substr(name_end, kLongest).find(finish);
  if (end == std::string_view::npos) return false;
  end += name_end;
  const std::string_view rest = s_.substr(SkipGaps(end + finish.size()));
  return rest.empty() || rest[0] == '.' || rest[0] == '$' || rest.starts_with("\\right.") ||
         rest.starts_with("\\right .") || rest == "\\right";
}

void Lexer::Backslash() {
  const char next = At(i_ + 1);
  if (next == '\\') return DoubleBackslash();
  if (!IsLetter(next)) return Mark(next);
  size_t end = i_ + 1;
  while (IsLetter(At(end))) ++end;
  const std::string_view name = s_.substr(i_ + 1, end - i_ - 1);
  i_ = end;
  if (name == "textcolor" || name == "color") {
    GroupText();
    return;
  }
  if (name.starts_with("text") && name != "textstyle") return Text();
  if (name == "mbox" || name == "hbox") return Text();
  if (name == "mathrm" || name == "operatorname" || name == "mathit" || name == "mathsf") {
    if (At(i_) == '*') ++i_;
    return Font();
  }
  if (name == "begin" || name == "end") return Environment(name == "begin");
  if (name == "hspace" || name == "vspace" || name == "tag" || name == "label" ||
      name == "phantom") {
    if (At(i_) == '*') ++i_;
    GroupText();
    return;
  }
  if (name == "not") {
    negated_ = true;
    return;
  }
  if ((name == "bigcup" || name == "bigcap") && At(SkipGaps(i_)) == '_') {  // of all k
    return Push(Lexeme::kBig, {}, name == "bigcup" ? "union" : "intersection");
  }
  if ((name == "min" || name == "max") && At(SkipGaps(i_)) == '.') {  // a local min.
    return Push(Lexeme::kText, {}, name);
  }
  if (name == "left" || name == "right") {
    i_ = SkipGaps(i_);
    if (At(i_) == '.') ++i_;
    if (At(i_) == '\\' && At(i_ + 1) == '\\') ++i_;
    return;
  }
  if ((name == "quad" || name == "qquad") && SeparatesEquations(i_)) return Push(Lexeme::kComma);
  if (const Command* command = FindCommand(name)) {
    if (command->lexeme == Lexeme::kOpen || command->lexeme == Lexeme::kClose) {
      brackets_ += command->lexeme == Lexeme::kOpen ? 1 : (brackets_ > 0 ? -1 : 0);
    }
    return Push(*command);
  }
  // "\quadx_{2}": a space and more.
  for (const std::string_view glued : {"qquad", "quad", "cdot", "times", "pi"}) {
    if (name.starts_with(glued)) {
      i_ -= name.size() - glued.size();
      return Push(*FindCommand(glued));
    }
  }
  Push(Lexeme::kSymbol, {}, name);
}

// \mathrm{cm}, \mathrm{m/s^2} behind a value: words; \mathrm{e}, \mathrm{P}_2: a formula like any
// other.
void Lexer::Font() {
  const size_t behind = i_;
  const std::string_view text = GroupText();
  const bool word =
      text.size() > 1 && std::ranges::all_of(text, [](char c) {
        return IsLetter(c) || IsGap(c) || c == '.' || c == '~' || c == '\\' || c == ',';
      });
  const bool per = After(Lexeme::kOver) && tokens_.size() > 1 &&
                   tokens_[tokens_.size() - 2].lexeme == Lexeme::kText;
  const bool unit = (text.size() > 1 && AfterValue()) || After(Lexeme::kText) || per;
  if (unit && IsUnitFormula(text)) {
    return Push(Lexeme::kText, {}, text.substr(text.find_first_not_of(" ~")));
  }
  i_ = behind;
  if (word || text == "%" || text == "\\%") Text();
}

// \text{…}: a conjunction, percent, a letter, a number, or words.
void Lexer::Text() {
  std::string_view text = GroupText();
  while (!text.empty() && (IsGap(text.front()) || text.front() == '~')) text.remove_prefix(1);
  while (!text.empty() &&
         (IsGap(text.back()) || text.back() == '~' || text.back() == '.' || text.back() == '\\')) {
    text.remove_suffix(1);
  }
  if (text.empty()) {
    space_ = true;
    return;
  }
  const bool plain = std::ranges::none_of(
      text, [](char c) { return IsLetter(c) || static_cast<signed char>(c) < 0; });
  const std::string lower = Lowered(text);
  const Command* word = FindWord(lower);
  const bool unit = AfterValue() && (lower == "min" || lower == "sec");
  if (word && !unit &&
      (word->lexeme == Lexeme::kConjunction || word->lexeme == Lexeme::kPercent ||
       word->lexeme == Lexeme::kDegree || word->lexeme == Lexeme::kFunction ||
       word->lexeme == Lexeme::kSetOp || word->lexeme == Lexeme::kModulo)) {
    return Push(*word);
  }
  if (lower == "per cent") return Push(Lexeme::kPercent);
  for (const std::string_view word : {" and", " or"}) {  // 7 \\text{ cm and } 4 \\text{ cm}
    if (!lower.ends_with(word) || !AfterValue()) continue;
    const std::string_view head = Trim(text.substr(0, text.size() - word.size()));
    if (!IsUnit(head, true) && !IsUnitFormula(head)) continue;
    Push(Lexeme::kText, {}, head);
    return Push(*FindWord(word.substr(1)));
  }
  if (IsSeparator(lower) || lower.starts_with("(mod ") || lower.starts_with("mod ")) {
    return Inside(text);
  }
  std::string_view letter = text;
  while (letter.size() > 2 && letter.front() == '(' && letter.back() == ')') {
    letter = letter.substr(1, letter.size() - 2);
  }
  // A letter behind a value is a unit, but for the imaginary one.
  const bool free = !AfterValue() && !After(Lexeme::kOver);
  if (letter == "i" || (letter.size() == 1 && IsLetter(letter[0]) && free)) return Letter(letter);
  if (plain) return Inside(text);  // digits and signs
  if (lower == "to") return Push(Lexeme::kColon);
  if (AfterValue() && (lower == "am" || lower == "a.m" || lower == "pm" || lower == "p.m")) {
    return Push(Lexeme::kHalfDay, lower[0] == 'a' ? HalfDay::kMorning : HalfDay::kAfternoon);
  }
  if (IsDigit(text[0]) || IsLetters(text)) return Inside(text);
  Push(Lexeme::kText, {}, text);
}

// The tokens of `text`, which stands for what began at begin_.
void Lexer::Inside(std::string_view text) {
  tree_.Spend(100 * static_cast<int64_t>(text.size()));
  Lexer inside(text, tree_);
  inside.brackets_ = brackets_;
  for (Token& token : inside.Run()) {
    token.begin = static_cast<uint32_t>(begin_);
    if (token.lexeme != Lexeme::kEnd) tokens_.push_back(token);
  }
}

void Lexer::Environment(bool begins) {
  std::string_view name = GroupText();
  const bool aligned = name == "array" || name.ends_with('*');  // [c] may follow
  if (name.ends_with('*')) name.remove_suffix(1);
  const bool cases = name.ends_with("cases");
  if (!(name.ends_with("matrix") || name == "array" || cases)) {  // align, equation, …: only lines
    as_cases_ = false;
    space_ = true;
    return;
  }
  if (begins) {
    if (aligned) SkipBracketed();
    if (name == "array") GroupText();
    ++rows_;
    ++brackets_;
    doubled_ = s_.find("\\\\frac") != std::string_view::npos &&
               s_.find("\\\\\\") != std::string_view::npos;
  } else {
    rows_ = std::max(0, rows_ - 1);
    brackets_ = std::max(0, brackets_ - 1);
  }
  if (begins && (cases || std::exchange(as_cases_, false))) name = "cases";
  Push(begins ? Lexeme::kBegin : Lexeme::kFinish, 0, name);
}

}  // namespace retort::verifiers
