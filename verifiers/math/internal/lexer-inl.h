#pragma once
// The lexer behind lexer.h. Every step moves i_ behind what it took.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/math/internal/latex_tables.h"
#include "verifiers/math/internal/lexer.h"
#include "verifiers/math/internal/syntax.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

class Lexer {
 public:
  Lexer(std::string_view answer, Tree& tree) : s_(answer), tree_(tree) {}

  std::vector<Token> Run();

 private:
  static bool IsGap(char c) { return IsSpace(c) || c == '\0'; }
  char At(size_t i) const { return i < s_.size() ? s_[i] : '\0'; }
  std::string_view Rest() const { return s_.substr(i_); }
  size_t SkipGaps(size_t i) const {
    while (i < s_.size() && IsGap(s_[i])) ++i;
    return i;
  }
  void Push(Lexeme lexeme, Meaning meaning = {}, std::string_view text = {});
  void Push(const Command& command);
  // The last token may end a value.
  bool AfterValue() const {
    if (tokens_.empty()) return false;
    const Lexeme last = tokens_.back().lexeme;
    return last == Lexeme::kNumber || last == Lexeme::kClose || last == Lexeme::kSymbol;
  }
  bool After(Lexeme lexeme) const { return !tokens_.empty() && tokens_.back().lexeme == lexeme; }

  // lexer.cpp: marks and letters.
  void One();
  void Letters();
  void Letter(std::string_view letter);
  bool HalfDay(char first);
  bool IsShortUnit(std::string_view lower, size_t behind) const;

  // lexer_number.cpp
  struct Repetend {
    std::string_view digits;  // none: there is no such thing
    size_t end = 0;
  };
  size_t Separator(size_t at, bool plain) const;
  bool IsGroup(size_t at) const;
  void Number();
  bool Hexadecimal();
  size_t JoinGroups(size_t end, std::string& joined);
  size_t Period(std::string_view digits);
  Repetend RepetendAt(size_t at, bool decimal);
  void Exponent();

  // lexer_latex.cpp: what begins with a backslash.
  std::string_view GroupText();
  void Backslash();
  void DoubleBackslash();
  void Mark(char mark);
  bool OpensCases() const;
  bool SeparatesEquations(size_t at) const;
  void SkipBracketed();
  void Font();
  void Text();
  void Inside(std::string_view text);
  void Environment(bool begins);

  std::string_view s_;
  Tree& tree_;
  std::vector<Token> tokens_;
  size_t i_ = 0, begin_ = 0;
  size_t list_end_ = 0;  // of "100,200,3"
  bool space_ = false;
  bool bold_ = false;      // within ** of markdown
  bool negated_ = false;   // behind \not
  bool doubled_ = false;   // every backslash of a matrix is doubled
  bool relation_ = false;  // there was one
  bool as_cases_ = false;  // the next environment has a brace before it
  int brackets_ = 0;       // in which a comma parts elements
  int rows_ = 0;           // environments in which & and \\ mean something
};

}  // namespace retort::verifiers
