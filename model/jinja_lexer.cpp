#include "model/internal/jinja_lexer.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/error.h"
#include "base/excerpt.h"
#include "model/internal/jinja_text.h"

namespace retort::model::jinja {
namespace {

constexpr size_t kNowhere = std::string_view::npos;

// Line ends as "\n", and without the last one.
std::string Normalized(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    const bool pair = source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
    if (!pair) text += source[i] == '\r' ? '\n' : source[i];
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  Lexer(std::string_view source, const std::string& where) : s_(source), where_(where) {}

  std::vector<Token> Run() {
    while (i_ < s_.size()) One();
    Push(Token::kEnd, "");
    return std::move(tokens_);
  }

 private:
  template <class... Args>
  [[noreturn]] void Fail(const Args&... what) const {
    retort::Fail(where_, ": line ", line_, ": ", what...);
  }

  char At(size_t i) const { return i < s_.size() ? s_[i] : '\0'; }
  bool Here(std::string_view text) const { return s_.substr(i_).starts_with(text); }

  // Steps over `bytes`, counting lines.
  void Step(size_t bytes) {
    line_ += static_cast<int>(std::ranges::count(s_.substr(i_, bytes), '\n'));
    i_ += bytes;
    fresh_line_ = i_ > 0 && s_[i_ - 1] == '\n';
  }
  void SkipSpace() { Step(s_.size() - i_ - StripLeft(s_.substr(i_)).size()); }

  void Push(Token::Kind kind, std::string_view text, Value value = {}) {
    tokens_.push_back({kind, line_, std::string(text), std::move(value)});
  }

  // The text up to the next tag, and the tag.
  void One() {
    size_t tag = i_;
    while (tag < s_.size() &&
           (s_[tag] != '{' || (At(tag + 1) != '{' && At(tag + 1) != '%' && At(tag + 1) != '#'))) {
      ++tag;
    }
    const std::string_view text = s_.substr(i_, tag - i_);
    if (tag == s_.size()) {
      Push(Token::kData, text);
      return Step(text.size());
    }
    const char sign = At(tag + 2), kind = At(tag + 1);
    PushData(text, sign, kind == '{');
    Step(text.size() + (sign == '-' || sign == '+' ? 3 : 2));
    if (kind == '#') return Comment();
    if (kind == '{') return Expression("}}", Token::kPrint, Token::kPrintEnd);
    if (const size_t end = FindRawEnd(i_, "raw", "-"); end != kNowhere) return Raw(end);
    Expression("%}", Token::kBlock, Token::kBlockEnd);
  }

  // The text before a tag with `sign`.
  void PushData(std::string_view text, char sign, bool print) {
    if (sign == '-') {
      text = StripRight(text);
    } else if (sign != '+' && !print) {
      const size_t begin = text.rfind('\n') + 1;  // npos + 1 is 0
      const bool line_start = begin > 0 || fresh_line_;
      if (line_start && StripLeft(text.substr(begin)).empty()) text = text.substr(0, begin);
    }
    if (!text.empty()) Push(Token::kData, text);
  }

  // Behind `end` with its sign, which is here; a block takes a line's end along.
  void Close(bool block) {
    const bool strip = At(i_) == '-', keep = At(i_) == '+';
    Step(strip || keep ? 3 : 2);
    if (strip) {
      SkipSpace();
    } else if (block && !keep && At(i_) == '\n') {
      Step(1);
    }
  }

  void Comment() {
    const size_t end = s_.find("#}", i_);
    if (end == kNowhere) Fail("a comment without its end");
    const bool sign = end > i_ && (s_[end - 1] == '-' || s_[end - 1] == '+');
    Step(end - i_ - (sign ? 1 : 0));
    Close(true);
  }

  // Where the end of a tag that says `name` and no more begins, with its sign, when there is one at
  // `at`, behind "{%" and its sign.
  size_t FindRawEnd(size_t at, std::string_view name, std::string_view signs) const {
    const std::string_view rest = StripLeft(s_.substr(at));
    if (!rest.starts_with(name)) return kNowhere;
    const std::string_view end = StripLeft(rest.substr(name.size()));
    const bool sign = !end.empty() && signs.find(end[0]) != kNowhere;
    return end.substr(sign ? 1 : 0).starts_with("%}") ? s_.size() - end.size() : kNowhere;
  }

  void Raw(size_t end) {
    Step(end - i_);
    Close(false);
    for (size_t tag = s_.find("{%", i_); tag != kNowhere; tag = s_.find("{%", tag + 1)) {
      const char sign = At(tag + 2);
      end = FindRawEnd(tag + (sign == '-' || sign == '+' ? 3 : 2), "endraw", "-+");
      if (end == kNowhere) continue;
      PushData(s_.substr(i_, tag - i_), sign, false);
      Step(end - i_);
      return Close(true);
    }
    Fail("a raw block without its end");
  }

  void Expression(std::string_view end, Token::Kind opening, Token::Kind closing) {
    const bool block = closing == Token::kBlockEnd;
    Push(opening, "");
    std::string open;  // brackets
    while (true) {
      const bool sign = At(i_) == '-' || (block && At(i_) == '+');
      if (open.empty() && s_.substr(std::min(i_ + (sign ? 1 : 0), s_.size())).starts_with(end)) {
        Push(closing, "");
        return Close(block);
      }
      if (i_ >= s_.size()) Fail("the end of the template inside of a tag");
      const char c = s_[i_];
      if (IsSpace(CodePointAt(s_, i_).value)) {
        SkipSpace();
      } else if (IsAsciiDigit(c)) {
        Number();
      } else if (IsAsciiLetter(c) || c == '_') {
        Name();
      } else if (c == '\'' || c == '"') {
        String();
      } else {
        Operator(open);
      }
    }
  }

  void Name() {
    size_t end = i_;
    while (IsAsciiLetter(At(end)) || IsAsciiDigit(At(end)) || At(end) == '_') ++end;
    Push(Token::kName, s_.substr(i_, end - i_));
    Step(end - i_);
  }

  void Operator(std::string& open) {
    constexpr std::string_view kTwo[] = {"//", "**", "==", "!=", ">=", "<="};
    const auto two = std::ranges::find_if(kTwo, [&](std::string_view text) { return Here(text); });
    const std::string_view op = two != std::end(kTwo) ? *two : s_.substr(i_, 1);
    const size_t closes = std::string_view(")]}").find(op[0]);
    if (op.size() == 1 && std::string_view("+-/*%~[](){}><=.:|,;").find(op[0]) == kNowhere) {
      Fail("got '", Excerpt(s_.substr(i_, CodePointAt(s_, i_).bytes)), "' in a tag");
    }
    if (op[0] == '(' || op[0] == '[' || op[0] == '{') open += op[0];
    if (closes != kNowhere) {
      if (open.empty() || open.back() != "([{"[closes]) Fail("an unexpected '", op, "'");
      open.pop_back();
    }
    Push(Token::kOperator, op);
    Step(op.size());
  }

  // The end of digits, '_' between them, from `at`.
  size_t Digits(size_t at, std::string_view set = "0123456789") const {
    const auto is_digit = [&](size_t i) { return i < s_.size() && set.find(s_[i]) != kNowhere; };
    while (is_digit(at) || (at > i_ && At(at) == '_' && is_digit(at + 1))) ++at;
    return at;
  }

  void Number() {
    const bool member = i_ > 0 && s_[i_ - 1] == '.';  // items.0.1 has no 0.1
    size_t end = Digits(i_);
    bool fraction = false, exponent = false;
    if (!member) {
      if (At(end) == '.' && IsAsciiDigit(At(end + 1))) {
        fraction = true;
        end = Digits(end + 1);
      }
      const bool e = At(end) == 'e' || At(end) == 'E';
      const size_t digits = end + (At(end + 1) == '+' || At(end + 1) == '-' ? 2 : 1);
      if (e && IsAsciiDigit(At(digits))) {
        exponent = true;
        end = Digits(digits);
      }
    }
    if (fraction || exponent) return Float(end);
    int base = 10;
    size_t begin = i_;
    if (s_[i_] == '0') {
      const char letter = static_cast<char>(At(i_ + 1) | 0x20);
      const int named = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
      const std::string_view set = std::string_view("0123456789abcdefABCDEF")
                                       .substr(0, named == 16 ? 22 : static_cast<size_t>(named));
      const size_t first = i_ + (At(i_ + 2) == '_' ? 3 : 2);
      if (named != 0 && first < s_.size() && set.find(s_[first]) != kNowhere) {
        base = named;
        begin = i_ + 2;
        end = Digits(begin, set);
      } else {
        end = Digits(i_, "0");
      }
    }
    std::string digits(s_.substr(begin, end - begin));
    std::erase(digits, '_');
    int64_t value = 0;
    const auto [last, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc()) Fail("the integer ", Excerpt(digits), " is beyond 64 bits");
    Push(Token::kConstant, "", value);
    Step(end - i_);
  }

  void Float(size_t end) {
    std::string digits(s_.substr(i_, end - i_));
    std::erase(digits, '_');
    double value = 0;
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc()) Fail("the number ", Excerpt(digits), " is out of range");
    Push(Token::kConstant, "", value);
    Step(end - i_);
  }

  void String() {
    const char quote = s_[i_];
    std::string value;
    size_t at = i_ + 1;
    for (; at < s_.size() && s_[at] != quote; ++at) {
      if (s_[at] != '\\') {
        value += s_[at];
      } else {
        at = Escape(at + 1, value);
      }
    }
    if (at >= s_.size()) Fail("a string without its end");
    Push(Token::kConstant, "", Value(std::move(value)));
    Step(at + 1 - i_);
  }

  // What stands at `at` behind a backslash; returns where it ends.
  size_t Escape(size_t at, std::string& value) {
    constexpr std::string_view kPlain = "\n\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
    const char c = At(at);
    if (c == '\n') return at;
    if (const size_t plain = kPlain.find(c, 1); plain != kNowhere && plain % 2 == 1) {
      value += kPlain[plain + 1];
      return at;
    }
    if (c >= '0' && c <= '7') {
      size_t end = at;
      while (end < at + 3 && At(end) >= '0' && At(end) <= '7') ++end;
      AppendNumber(at, end, 8, value);
      return end - 1;
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      for (size_t i = at + 1; i <= at + digits; ++i) {
        if (!IsAsciiDigit(At(i)) && std::string_view("abcdefABCDEF").find(At(i)) == kNowhere) {
          Fail("an escape \\", c, " without ", digits, " hexadecimal digits");
        }
      }
      AppendNumber(at + 1, at + 1 + digits, 16, value);
      return at + digits;
    }
    if (c == 'N' || static_cast<signed char>(c) < 0) {
      Fail("a backslash before '", Excerpt(s_.substr(at, CodePointAt(s_, at).bytes)),
           "' is not implemented");
    }
    value += '\\';
    return at - 1;
  }

  void AppendNumber(size_t begin, size_t end, int base, std::string& value) {
    uint32_t point = 0;
    std::from_chars(s_.data() + begin, s_.data() + end, point, base);
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
      Fail("the escape '\\", s_.substr(begin, end - begin), "' is no character");
    }
    AppendCodePoint(value, point);
  }

  std::string_view s_;
  const std::string& where_;
  size_t i_ = 0;
  int line_ = 1;
  bool fresh_line_ = true;  // nothing stands before this on its line
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> Lex(std::string_view source, const std::string& where) {
  const std::string text = Normalized(source);
  return Lexer(text, where).Run();
}

}  // namespace retort::model::jinja
