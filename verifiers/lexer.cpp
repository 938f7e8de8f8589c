#include "verifiers/lexer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "verifiers/ascii.h"
#include "verifiers/latex_tables.h"

namespace retort::verifiers {

namespace {

bool IsGap(char c) { return IsSpace(c) || c == '\0'; }

class Lexer {
 public:
  Lexer(std::string_view answer, Tree& tree) : s_(answer), tree_(tree) {}

  std::vector<Token> Run() {
    tokens_.reserve(s_.size() / 2 + 2);
    while (true) {
      const size_t before = i_;
      while (i_ < s_.size() && IsGap(s_[i_])) ++i_;
      if (i_ > before) space_ = true;
      if (i_ >= s_.size()) break;
      One();
    }
    Push(Lexeme::kEnd);
    return std::move(tokens_);
  }

 private:
  char At(size_t i) const { return i < s_.size() ? s_[i] : '\0'; }
  std::string_view Rest() const { return s_.substr(i_); }

  void Push(Lexeme lexeme, int value = 0, std::string_view text = {}) {
    tokens_.push_back({lexeme, value, text, space_, static_cast<uint32_t>(begin_)});
    space_ = false;
  }

  // What a command or word stands for.
  void Push(const Command& command) {
    if (command.lexeme == Lexeme::kEnd) {
      space_ = true;
      return;
    }
    Push(command.lexeme, command.value, command.text);
  }

  void One() {
    begin_ = i_;
    const char c = s_[i_];
    if (IsDigit(c) || (c == '.' && IsDigit(At(i_ + 1)))) return Number();
    if (IsLetter(c)) return Letters();
    if (c == '\\') return Backslash();
    ++i_;
    switch (c) {
      case '+':
        if (At(i_) == '/' && At(i_ + 1) == '-') {
          i_ += 2;
          return Push(Lexeme::kSign, 'p');
        }
        if (At(i_) == '-') {
          ++i_;
          return Push(Lexeme::kSign, 'p');
        }
        return Push(Lexeme::kSign, '+');
      case '-':
        return Push(Lexeme::kSign, '-');
      case '*':
        if (At(i_) == '*') {
          ++i_;
          // **7** is bold.
          if (std::exchange(bold_, tokens_.empty() && !bold_)) return;
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
        if (c != '{') ++brackets_;
        return Push(Lexeme::kOpen, c);
      case ')':
      case ']':
      case '}':
        if (c != '}' && brackets_ > 0) --brackets_;
        return Push(Lexeme::kClose, c == ')' ? '(' : c == ']' ? '[' : '{');
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
      case '~':
      case '$':
        space_ = true;
        return;
      case '&':
        if (rows_ > 0) Push(Lexeme::kAlign);
        return;
      case '.':
        if (Rest().starts_with("..")) {
          i_ += 2;
          return Push(Lexeme::kDots);
        }
        return;
      default:
        return;
    }
  }

  // A separator of thousands at `at`, outside of brackets also a plain comma or space; 0 for none.
  size_t Separator(size_t at, bool plain) const {
    for (const std::string_view mark :
         {"{,}", "{, }", " {, }", " {,}", ",\\!", "{,\\!}", "\\,", "\\!", "\\ ", "\\;"}) {
      if (s_.substr(at).starts_with(mark)) {
        size_t end = at + mark.size();
        while (IsGap(At(end)) && end < s_.size()) ++end;
        return end - at;
      }
    }
    if (plain && (At(at) == ',' || At(at) == ' ')) return 1;
    return 0;
  }

  bool Group(size_t at) const {
    return IsDigit(At(at)) && IsDigit(At(at + 1)) && IsDigit(At(at + 2)) && !IsDigit(At(at + 3));
  }

  void Number() {
    size_t end = i_;
    while (IsDigit(At(end))) ++end;
    std::string_view digits = s_.substr(i_, end - i_);
    std::string joined;
    if (!digits.empty() && digits.size() <= 3 && At(end) != '.') {
      const bool plain = brackets_ == 0 && digits[0] != '0';
      const size_t first = Separator(end, plain);
      if (first > 0 && Group(end + first)) {
        joined = digits;
        const char kind = At(end);
        while (At(end) == kind) {
          const size_t skip = Separator(end, plain);
          if (skip == 0 || !Group(end + skip)) break;
          joined += s_.substr(end + skip, 3);
          end += skip + 3;
        }
        if (kind == ',' && At(end) == ',' && IsDigit(At(end + 1))) {  // 100,200,3 is a list
          end = i_ + digits.size();
          joined.clear();
        }
      }
    }
    const bool decimal = At(end) == '.' && IsDigit(At(end + 1));
    if (decimal) {
      const size_t point = end++;
      while (IsDigit(At(end))) ++end;
      if (!joined.empty()) joined += s_.substr(point, end - point);
    } else if (At(end) == '.' && (Repeats(end + 1) > 0)) {
      ++end;
    }
    if (joined.empty()) {
      digits = s_.substr(i_, end - i_);
      if (digits.ends_with('.')) digits.remove_suffix(1);
    } else {
      digits = tree_.Keep(std::move(joined));
    }
    i_ = end;
    if (const size_t period = Period(digits); period > 0) {
      Push(Lexeme::kNumber, 0, digits.substr(0, digits.size() - period));
      return Push(Lexeme::kRepetend, 0, digits.substr(digits.size() - period));
    }
    Push(Lexeme::kNumber, 0, digits);
    if (const size_t name = Repeats(i_); name > 0) {
      const size_t close = s_.find('}', i_ + name);
      if (close != std::string_view::npos) {
        const std::string_view repetend = s_.substr(i_ + name, close - i_ - name);
        if (!repetend.empty() && std::ranges::all_of(repetend, IsDigit)) {
          i_ = close + 1;
          return Push(Lexeme::kRepetend, 0, repetend);
        }
      }
    }
    Exponent();
  }

  // 0.333…, 0.1212…: how many digits go on for ever where dots follow; i_ moves behind the dots.
  size_t Period(std::string_view digits) {
    const size_t point = digits.find('.');
    if (point == std::string_view::npos) return 0;
    for (const std::string_view dots : {"...", "\\ldots", "\\dots", "\\cdots"}) {
      if (!Rest().starts_with(dots)) continue;
      const std::string_view places = digits.substr(point + 1);
      for (size_t period = 1; period <= 3; ++period) {
        const size_t seen = period == 1 ? 3 : 2 * period;
        if (places.size() < seen) break;
        const std::string_view last = places.substr(places.size() - seen);
        if (last.substr(period) != last.substr(0, seen - period)) continue;
        i_ += dots.size();
        return period;
      }
    }
    return 0;
  }

  // \overline{ or \bar{ at `at`: its length.
  size_t Repeats(size_t at) const {
    for (const std::string_view name : {"\\overline{", "\\bar{", "\\dot{"}) {
      if (s_.substr(std::min(at, s_.size())).starts_with(name)) return name.size();
    }
    return 0;
  }

  // 1.5e-3, 1e10; "2e" is twice Euler's number.
  void Exponent() {
    if (At(i_) != 'e' && At(i_) != 'E') return;
    size_t end = i_ + 1;
    const bool minus = At(end) == '-';
    if (minus || At(end) == '+') ++end;
    if (!IsDigit(At(end))) return;
    const size_t digits = end;
    while (IsDigit(At(end))) ++end;
    const std::string_view exponent = s_.substr(digits, end - digits);
    i_ = end;
    Push(Lexeme::kTimes);
    Push(Lexeme::kNumber, 0, "10");
    Push(Lexeme::kCaret);
    Push(Lexeme::kOpen, '{');
    if (minus) Push(Lexeme::kSign, '-');
    Push(Lexeme::kNumber, 0, exponent);
    Push(Lexeme::kClose, '{');
  }

  bool AfterValue() const {
    if (tokens_.empty()) return false;
    const Lexeme last = tokens_.back().lexeme;
    return last == Lexeme::kNumber || last == Lexeme::kClose || last == Lexeme::kSymbol;
  }

  void Letters() {
    size_t end = i_;
    while (IsLetter(At(end))) ++end;
    std::string_view run = s_.substr(i_, end - i_);
    // "W(x)=1orW(x)=-1", "(11,7)or(7,11)".
    if (AfterValue() && !space_) {
      for (const std::string_view word : {"or", "and"}) {
        if (run.starts_with(word) && run.size() <= word.size() + 1) {
          i_ += word.size();
          return Push(Lexeme::kConjunction, word == "and" ? 'a' : 0);
        }
      }
    }
    const bool time =
        space_ || (tokens_.size() > 1 && tokens_[tokens_.size() - 2].lexeme == Lexeme::kColon);
    if (time && AfterValue() && (Lower(run[0]) == 'a' || Lower(run[0]) == 'p')) {
      for (const std::string_view mark : {"am", "a.m.", "a.m", "pm", "p.m.", "p.m"}) {
        if (Lowered(s_.substr(i_, mark.size())) != mark || IsLetter(At(i_ + mark.size()))) continue;
        i_ += mark.size();
        return Push(Lexeme::kHalfDay, mark[0] == 'a' ? 1 : 2);
      }
    }
    if (run.size() == 1) {
      ++i_;
      return Letter(run);
    }
    // Function names may be glued to what follows: "sinx", "lnx", "sqrt2" is no problem.
    const std::string lower = Lowered(run.substr(0, std::min<size_t>(run.size(), 12)));
    const bool whole = run.size() <= 12;
    if (const Command* word = whole ? FindWord(lower) : nullptr) {
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
    Push(Lexeme::kWord, 0, run);
  }

  void Letter(std::string_view letter) {
    if (letter == "e") return Push(Lexeme::kConstant, static_cast<int>(Op::kE), letter);
    if (letter == "i") return Push(Lexeme::kConstant, static_cast<int>(Op::kI), letter);
    Push(Lexeme::kSymbol, 0, letter);
  }

  // The text of a group that begins at i_, which moves behind it; nothing without one.
  std::string_view GroupText() {
    size_t open = i_;
    while (IsGap(At(open)) && open < s_.size()) ++open;
    if (At(open) != '{') return {};
    int depth = 0;
    for (size_t end = open; end < s_.size(); ++end) {
      if (s_[end] == '\\') {
        ++end;
      } else if (s_[end] == '{') {
        ++depth;
      } else if (s_[end] == '}' && --depth == 0) {
        i_ = end + 1;
        return s_.substr(open + 1, end - open - 1);
      }
    }
    const std::string_view text = s_.substr(open + 1);
    i_ = s_.size();
    return text;
  }

  void Backslash() {
    const char next = At(i_ + 1);
    if (next == '\\') {
      if (rows_ > 0 && !(IsLetter(At(i_ + 2)) && doubled_)) {
        i_ += 2;
        return Push(Lexeme::kNewRow);
      }
      // A backslash too many, of an answer escaped twice; or the end of a line.
      i_ += IsLetter(At(i_ + 2)) || At(i_ + 2) == '{' || At(i_ + 2) == '}' ? 1 : 2;
      space_ = true;
      return;
    }
    if (!IsLetter(next)) {
      i_ += 2;
      switch (next) {
        case '{':
          return Push(Lexeme::kOpen, 's');
        case '}':
          return Push(Lexeme::kClose, 's');
        case '|':
          return Push(Lexeme::kBar);
        case '%':
          return Push(Lexeme::kPercent);
        case '_':
          return;
        case '$': {  // "\$ = 5" was to end a formula
          const size_t behind = s_.find_first_not_of(' ', i_);
          if (!tokens_.empty() && At(behind) == '=') return Push(Lexeme::kArrow);
          space_ = true;
          return;
        }
        default:
          space_ = space_ || next != '!';
          return;  // \, \; \: \! \$ \( \[ …
      }
    }
    size_t end = i_ + 1;
    while (IsLetter(At(end))) ++end;
    std::string_view name = s_.substr(i_ + 1, end - i_ - 1);
    i_ = end;
    if (name.starts_with("text") && name != "textstyle") return Text();
    if (name == "mbox" || name == "hbox") return Text();
    if (name == "mathrm" || name == "operatorname" || name == "mathit" || name == "mathsf") {
      return Font();
    }
    if (name == "begin" || name == "end") return Environment(name == "begin");
    if (name == "hspace" || name == "vspace" || name == "tag" || name == "label" ||
        name == "phantom") {
      GroupText();
      return;
    }
    if (name == "left" || name == "right") {
      while (IsGap(At(i_)) && i_ < s_.size()) ++i_;
      if (At(i_) == '.') ++i_;
      if (At(i_) == '\\' && At(i_ + 1) == '\\') ++i_;
      return;
    }
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
    Push(Lexeme::kSymbol, 0, name);
  }

  // \mathrm{cm}: words; \mathrm{e}, \mathrm{P}_2: a formula like any other.
  void Font() {
    const size_t behind = i_;
    const std::string_view text = GroupText();
    const bool word =
        text.size() > 1 && std::ranges::all_of(text, [](char c) {
          return IsLetter(c) || IsGap(c) || c == '.' || c == '~' || c == '\\' || c == ',';
        });
    i_ = behind;
    if (word) Text();
  }

  // \text{…}: a conjunction, percent, a letter, a number, or words.
  void Text() {
    std::string_view text = GroupText();
    while (!text.empty() && (IsGap(text.front()) || text.front() == '~')) text.remove_prefix(1);
    while (!text.empty() && (IsGap(text.back()) || text.back() == '~' || text.back() == '.' ||
                             text.back() == '\\')) {
      text.remove_suffix(1);
    }
    if (text.empty()) {
      space_ = true;
      return;
    }
    const bool plain = std::ranges::none_of(text, [](char c) { return IsLetter(c); });
    const std::string lower = Lowered(text);
    const Command* word = FindWord(lower);
    if (word && (word->lexeme == Lexeme::kConjunction || word->lexeme == Lexeme::kPercent ||
                 word->lexeme == Lexeme::kDegree || word->lexeme == Lexeme::kFunction)) {
      return Push(*word);
    }
    std::string_view letter = text;
    while (letter.size() > 2 && letter.front() == '(' && letter.back() == ')') {
      letter = letter.substr(1, letter.size() - 2);
    }
    // A letter behind a value is a unit.
    if (letter.size() == 1 && IsLetter(letter[0]) && !AfterValue()) return Letter(letter);
    if (plain) return Inside(text);  // digits and signs
    if (lower == "to") return Push(Lexeme::kColon);
    if (AfterValue() && (lower == "am" || lower == "a.m" || lower == "pm" || lower == "p.m")) {
      return Push(Lexeme::kHalfDay, lower[0] == 'a' ? 1 : 2);
    }
    if (IsDigit(text[0]) || IsLetters(text)) return Inside(text);
    Push(Lexeme::kText, 0, text);
  }

  // "A, B", "(A) and (C)", "I or II": letters and Roman numerals, several of them.
  static bool IsLetters(std::string_view text) {
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

  void Inside(std::string_view text) {
    Lexer inside(text, tree_);
    inside.brackets_ = brackets_;
    for (Token& token : inside.Run()) {
      token.begin = static_cast<uint32_t>(begin_);
      if (token.lexeme != Lexeme::kEnd) tokens_.push_back(token);
    }
  }

  void Environment(bool begins) {
    const std::string_view name = GroupText();
    const bool rows = name.ends_with("matrix") || name == "array" || name.starts_with("cases");
    if (!rows) {  // align, equation, …: only lines
      space_ = true;
      return;
    }
    if (begins) {
      if (name == "array") GroupText();
      ++rows_;
      ++brackets_;
      doubled_ = s_.find("\\\\frac") != std::string_view::npos &&
                 s_.find("\\\\\\") != std::string_view::npos;
    } else {
      rows_ = std::max(0, rows_ - 1);
      brackets_ = std::max(0, brackets_ - 1);
    }
    Push(begins ? Lexeme::kBegin : Lexeme::kFinish, 0, name);
  }

  std::string_view s_;
  Tree& tree_;
  std::vector<Token> tokens_;
  size_t i_ = 0, begin_ = 0;
  bool space_ = false;
  bool bold_ = false;     // within ** of markdown
  bool doubled_ = false;  // every backslash of a matrix is doubled
  int brackets_ = 0;      // in which a comma parts elements
  int rows_ = 0;          // environments in which & and \\ mean something
};

}  // namespace

std::vector<Token> Lex(std::string_view& answer, Tree& tree) {
  const bool ascii =
      std::ranges::all_of(answer, [](char c) { return static_cast<signed char>(c) >= 0; });
  if (!ascii) answer = tree.Keep(ToLatex(answer));
  return Lexer(answer, tree).Run();
}

}  // namespace retort::verifiers
