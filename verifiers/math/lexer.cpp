#include "verifiers/math/internal/lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "verifiers/math/internal/lexer-inl.h"

namespace retort::verifiers {

namespace {

Bracket BracketOf(char c) {
  if (c == '(' || c == ')') return Bracket::kRound;
  return c == '[' || c == ']' ? Bracket::kSquare : Bracket::kGroup;
}

}  // namespace

std::vector<Token> Lexer::Run() {
  tokens_.reserve(s_.size() / 2 + 2);
  while (true) {
    const size_t before = i_;
    i_ = SkipGaps(i_);
    if (i_ > before) space_ = true;
    if (i_ >= s_.size()) break;
    // An empty line ends what stands before it.
    const std::string_view gap = s_.substr(before, i_ - before);
    const bool line = std::ranges::count(gap, '\n') > 1 && rows_ == 0 && brackets_ == 0;
    if (line && !tokens_.empty() && !After(Lexeme::kSemicolon) && !After(Lexeme::kComma)) {
      Push(Lexeme::kSemicolon);
    }
    One();
  }
  begin_ = s_.size();
  Push(Lexeme::kEnd);
  return std::move(tokens_);
}

void Lexer::Push(Lexeme lexeme, Meaning meaning, std::string_view text) {
  if (lexeme == Lexeme::kRelation) {
    relation_ = true;
    if (negated_) {
      const auto relation = std::get<enum Relation>(meaning);
      constexpr std::array<std::pair<enum Relation, enum Relation>, 5> kOpposite{
          {{kEqualTo, kNotEqual},
           {kLess, kGreaterEqual},
           {kLessEqual, kGreater},
           {kGreater, kLessEqual},
           {kGreaterEqual, kLess}}};
      for (const auto& [said, meant] : kOpposite) {
        if (relation != said) continue;
        meaning = meant;
        negated_ = false;
        break;
      }
    }
  }
  if (std::exchange(negated_, false)) {  // \\not3 is no 3
    tokens_.push_back({Lexeme::kText, {}, "not", space_, static_cast<uint32_t>(begin_)});
  }
  tokens_.push_back({lexeme, meaning, text, space_, static_cast<uint32_t>(begin_)});
  space_ = false;
}

// What a command or word stands for.
void Lexer::Push(const Command& command) {
  if (command.lexeme != Lexeme::kEnd) return Push(command.lexeme, command.meaning, command.text);
  space_ = true;
}

void Lexer::One() {
  begin_ = i_;
  const char c = s_[i_];
  if (IsDigit(c) || (c == '.' && IsDigit(At(i_ + 1)))) return Number();
  if (c == '.' && !RepetendAt(i_ + 1, true).digits.empty()) return Number();  // .\\overline{3}
  if (IsLetter(c)) return Letters();
  if (c == '\\') return Backslash();
  ++i_;
  switch (c) {
    case '+':
      if (At(i_) == '/' && At(i_ + 1) == '-') {
        i_ += 2;
        return Push(Lexeme::kSign, Sign::kPlusMinus);
      }
      if (At(i_) == '-') {
        ++i_;
        return Push(Lexeme::kSign, Sign::kPlusMinus);
      }
      return Push(Lexeme::kSign, Sign::kPlus);
    case '-':
      return Push(Lexeme::kSign, Sign::kMinus);
    case '*':
      if (At(i_) == '*') {
        ++i_;
        // **7** is bold, also behind "=".
        const bool opens = tokens_.empty() || After(Lexeme::kRelation) || After(Lexeme::kComma) ||
                           After(Lexeme::kConjunction);
        if (std::exchange(bold_, opens && !bold_)) return;
        if (bold_ || Rest().find_first_not_of(" .") == std::string_view::npos) return;
        return Push(Lexeme::kCaret);
      }
      return Push(Lexeme::kTimes);
    case '/':
      return Push(Lexeme::kOver);
    case '^':
      return Push(Lexeme::kCaret);
    case '_':
      return Push(Lexeme::kUnderscore);
    case '(':
    case '[':
    case '{':
      if (c == '{' && At(i_) == '}') {  // an empty group
        ++i_;
        return;
      }
      if (c == '{' && At(i_ + 1) == '}' && (At(i_) == '-' || At(i_) == '+')) {  // {-}3
        i_ += 2;
        return Push(Lexeme::kSign, At(i_ - 2) == '-' ? Sign::kMinus : Sign::kPlus);
      }
      if (c == '{' && At(i_ + 1) == '}' && (At(i_) == ':' || At(i_) == ',')) {  // 12{:}00
        i_ += 2;
        return Push(At(i_ - 2) == ':' ? Lexeme::kColon : Lexeme::kComma);
      }
      if (c != '{') ++brackets_;
      return Push(Lexeme::kOpen, BracketOf(c));
    case ')':
    case ']':
    case '}':
      if (c != '}' && brackets_ > 0) --brackets_;
      return Push(Lexeme::kClose, BracketOf(c));
    case '|':
      if (At(i_) == '|') ++i_;
      return Push(Lexeme::kBar);
    case ',':
      return Push(Lexeme::kComma);
    case ';':
      return Push(Lexeme::kSemicolon);
    case ':':
      if (At(i_) == '=') {
        ++i_;
        return Push(Lexeme::kRelation, kEqualTo);
      }
      return Push(Lexeme::kColon);
    case '!':
      if (At(i_) == '=') {
        ++i_;
        return Push(Lexeme::kRelation, kNotEqual);
      }
      return Push(Lexeme::kBang);
    case '\'':
      return Push(Lexeme::kPrime);
    case '%':
      return Push(Lexeme::kPercent);
    case '=':
      if (At(i_) == '>') {
        ++i_;
        return Push(Lexeme::kArrow);
      }
      if (At(i_) == '=') ++i_;
      return Push(Lexeme::kRelation, kEqualTo);
    case '<':
    case '>': {
      const bool equal = At(i_) == '=';
      if (equal) ++i_;
      return Push(Lexeme::kRelation,
                  c == '<' ? (equal ? kLessEqual : kLess) : (equal ? kGreaterEqual : kGreater));
    }
    case '$':
      if (IsDigit(At(i_)) && s_.find('$') == s_.rfind('$')) {  // closes nothing
        return Push(Lexeme::kWord, {}, "USD");
      }
      // "$x = 1$ $y = 2$" are two.
      if (brackets_ == 0 && rows_ == 0 && i_ > 1 && IsGap(At(i_)) && At(SkipGaps(i_)) == '$' &&
          At(SkipGaps(i_) + 1) != '$' && !tokens_.empty() && relation_) {
        i_ = SkipGaps(i_) + 1;
        return Push(Lexeme::kSemicolon);
      }
      [[fallthrough]];
    case '~':
      space_ = true;
      return;
    case '&':
      if (rows_ > 0) return Push(Lexeme::kAlign);
      if (space_ && AfterValue() && IsSpace(At(i_)) && At(SkipGaps(i_)) != '=') {  // 8 & 9
        return Push(Lexeme::kConjunction, Conjunction::kAnd);
      }
      return;
    case '.':
      if (Rest().starts_with("..")) {
        i_ += 2;
        return Push(Lexeme::kDots);
      }
      return;
    case '?':
      return Push(Lexeme::kText, {}, "?");
    default:
      return;
  }
}

void Lexer::Letters() {
  size_t end = i_;
  while (IsLetter(At(end))) ++end;
  std::string_view run = s_.substr(i_, end - i_);
  // "W(x)=1orW(x)=-1", "(11,7)or(7,11)".
  if (AfterValue() && !space_) {
    for (const std::string_view word : {"or", "and"}) {
      if (run.starts_with(word) && run.size() <= word.size() + 1) {
        i_ += word.size();
        return Push(Lexeme::kConjunction, word == "and" ? Conjunction::kAnd : Conjunction::kOr);
      }
    }
  }
  if (HalfDay(Lower(run[0]))) return;
  if (run.size() == 1) {
    ++i_;
    return Letter(run);
  }
  // Function names may be glued to what follows: "sinx", "lnx", "sqrt2" is no problem.
  const std::string lower = Lowered(run.substr(0, std::min<size_t>(run.size(), 12)));
  const bool whole = run.size() <= 12;
  if (After(Lexeme::kNumber) && IsShortUnit(lower, SkipGaps(end))) {
    i_ = end;
    return Push(Lexeme::kWord, {}, run);
  }
  const bool extremum = (lower == "min" || lower == "max") && At(end) == '.';  // a local min.
  if (const Command* word = whole && !extremum ? FindWord(lower) : nullptr) {
    i_ = end;
    return Push(*word);
  }
  if (run.size() <= 5 && run.size() >= 3) {
    for (const size_t size : {size_t{4}, size_t{3}, size_t{2}}) {
      if (size >= run.size()) continue;
      const Command* word = FindWord(run.substr(0, size));
      if (word && (word->lexeme == Lexeme::kFunction || word->lexeme == Lexeme::kSqrt) &&
          run.size() == size + 1) {
        i_ += size;
        return Push(*word);
      }
    }
  }
  i_ = end;
  if (run == "to" && AfterValue()) return Push(Lexeme::kColon);  // 3 to 5
  if (lower == "per" && Lowered(s_.substr(i_, 5)) == " cent") {
    i_ += 5;
    return Push(Lexeme::kPercent);
  }
  Push(Lexeme::kWord, {}, run);
}

// "36 min", "5 in.": units where nothing follows that "min" or "in" could be said of.
bool Lexer::IsShortUnit(std::string_view lower, size_t behind) const {
  if (lower == "mins" || lower == "secs") return true;
  return (lower == "min" || lower == "sec" || lower == "in") &&
         (behind == s_.size() || At(behind) == '.');
}

// A letter on its own.
void Lexer::Letter(std::string_view letter) {
  // 2.98 x 10^8: no variable stands before a number.
  const bool between = After(Lexeme::kNumber) && IsDigit(At(SkipGaps(i_)));
  if (between && (letter == "x" || letter == "X")) return Push(Lexeme::kTimes);
  // x1 is x_1; of \frac x2 and \sqrt x2 both are arguments.
  size_t end = i_;
  while (IsDigit(At(end)) && end < i_ + 4) ++end;
  const bool index = end > i_ && !IsDigit(At(end)) && At(end) != '.' && !After(Lexeme::kNumber) &&
                     !After(Lexeme::kFraction) && !After(Lexeme::kSqrt) &&
                     !After(Lexeme::kBinomial) && !After(Lexeme::kCaret) &&
                     !After(Lexeme::kUnderscore) && letter != "e" && letter != "i" && letter != "C";
  if (index && letter.data() + 1 == s_.data() + i_) {
    std::string name(letter);
    name += '_';
    name += s_.substr(i_, end - i_);
    i_ = end;
    return Push(Lexeme::kSymbol, {}, tree_.Keep(std::move(name)));
  }
  if (letter == "e") return Push(Lexeme::kConstant, Op::kE, letter);
  if (letter == "i") return Push(Lexeme::kConstant, Op::kI, letter);
  Push(Lexeme::kSymbol, {}, letter);
}

// a.m. or p.m. behind a time, whose first letter is `first`.
bool Lexer::HalfDay(char first) {
  const bool time = space_ || After(Lexeme::kNumber) ||
                    (tokens_.size() > 1 && tokens_[tokens_.size() - 2].lexeme == Lexeme::kColon);
  if (!time || !AfterValue() || (first != 'a' && first != 'p')) return false;
  for (const std::string_view mark : {"am", "a.m.", "a.m", "pm", "p.m.", "p.m"}) {
    if (Lowered(s_.substr(i_, mark.size())) != mark || IsLetter(At(i_ + mark.size()))) continue;
    i_ += mark.size();
    Push(Lexeme::kHalfDay, mark[0] == 'a' ? HalfDay::kMorning : HalfDay::kAfternoon);
    return true;
  }
  return false;
}

std::vector<Token> Lex(std::string_view& answer, Tree& tree) {
  const bool ascii =
      std::ranges::all_of(answer, [](char c) { return static_cast<signed char>(c) >= 0; });
  if (!ascii) answer = tree.Keep(ToLatex(answer));
  return Lexer(answer, tree).Run();
}

}  // namespace retort::verifiers
