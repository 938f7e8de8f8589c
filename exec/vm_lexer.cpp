#include "exec/internal/vm_lexer.h"

#include "base/error.h"
#include "base/strings.h"

namespace retort::exec {
namespace {

using Kind = VmToken::Kind;

constexpr size_t kMaxDigits = 15;  // VmLimits::integer may not be more

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

class LineLexer {
 public:
  LineLexer(std::string_view line, int number, std::vector<VmToken>& tokens)
      : line_(line), number_(number), tokens_(tokens) {}

  void Run(size_t at) {
    at_ = at;
    while (at_ < line_.size() && line_[at_] != '#') {
      const char c = line_[at_];
      if (c == ' ') {
        ++at_;
      } else if (IsNameStart(c)) {
        Add(Kind::kName, Take([](char d) { return IsNameStart(d) || IsDigit(d); }));
      } else if (IsDigit(c)) {
        TakeNumber();
      } else if (c == '"' || c == '\'') {
        TakeText(c);
      } else {
        TakeSymbol();
      }
    }
    Add(Kind::kNewline, "end of line");
  }

 private:
  void Add(Kind kind, std::string text, int64_t number = 0) {
    tokens_.push_back({kind, number_, std::move(text), number});
  }

  template <class Accept>
  std::string Take(Accept accept) {
    const size_t begin = at_;
    while (at_ < line_.size() && accept(line_[at_])) ++at_;
    return std::string(line_.substr(begin, at_ - begin));
  }

  void TakeNumber() {
    std::string digits = Take(IsDigit);
    RETORT_CHECK(digits.size() <= kMaxDigits, "line ", number_, ": the number ", digits,
                 " has more than ", kMaxDigits, " digits");
    RETORT_CHECK(at_ == line_.size() || (line_[at_] != '.' && !IsNameStart(line_[at_])), "line ",
                 number_, ": whole numbers only, got '", digits, line_[at_], "'");
    RETORT_CHECK(digits.size() == 1 || digits[0] != '0', "line ", number_, ": the number ", digits,
                 " begins with 0");
    const int64_t value = std::stoll(digits);
    Add(Kind::kNumber, std::move(digits), value);
  }

  void TakeText(char quote) {
    std::string text;
    for (++at_; at_ < line_.size() && line_[at_] != quote; ++at_) {
      char c = line_[at_];
      if (c == '\\') {
        const char next = ++at_ < line_.size() ? line_[at_] : '\0';
        c = next == 'n' ? '\n' : next == 't' ? '\t' : next;
        RETORT_CHECK(c == '\n' || c == '\t' || c == '\\' || c == '"' || c == '\'', "line ", number_,
                     ": known escapes in text are \\n \\t \\\\ \\\" \\'");
      }
      text += c;
    }
    RETORT_CHECK(at_ < line_.size(), "line ", number_, ": the text has no closing ", quote);
    ++at_;
    Add(Kind::kText, std::move(text));
  }

  void TakeSymbol() {
    const std::string_view rest = line_.substr(at_);
    for (const std::string_view symbol :
         {"//=", "//", "==", "!=", "<=", ">=", "+=", "-=", "*=", "%=", "+", "-", "*",
          "%",   "<",  ">",  "=",  "(",  ")",  "[",  "]",  ",",  ":",  ";", "."}) {
      if (!rest.starts_with(symbol)) continue;
      at_ += symbol.size();
      return Add(Kind::kSymbol, std::string(symbol));
    }
    Fail("line ", number_, ": '", rest[0], "' means nothing here");
  }

  std::string_view line_;
  int number_;
  size_t at_ = 0;
  std::vector<VmToken>& tokens_;
};

}  // namespace

std::vector<VmToken> LexVm(std::string_view text) {
  std::vector<VmToken> tokens;
  std::vector<size_t> indents{0};
  int number = 0;
  for (const std::string& line : Split(text, '\n')) {
    ++number;
    for (const char c : line) {
      RETORT_CHECK(c >= ' ' && c <= '~', "line ", number,
                   ": expected printable ASCII, and spaces for indentation");
    }
    const size_t indent = line.find_first_not_of(' ');
    if (indent == std::string::npos || line[indent] == '#') continue;
    if (indent > indents.back()) {
      indents.push_back(indent);
      tokens.push_back({Kind::kIndent, number, "indentation", 0});
    }
    for (; indent < indents.back(); indents.pop_back()) {
      tokens.push_back({Kind::kDedent, number, "end of block", 0});
    }
    RETORT_CHECK(indent == indents.back(), "line ", number, ": indented by ", indent,
                 ", which fits no block around it");
    LineLexer(line, number, tokens).Run(indent);
  }
  for (; indents.size() > 1; indents.pop_back()) {
    tokens.push_back({Kind::kDedent, number, "end of block", 0});
  }
  tokens.push_back({Kind::kEnd, number, "end of program", 0});
  return tokens;
}

}  // namespace retort::exec
