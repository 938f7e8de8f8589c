#pragma once
// Cuts an answer as people and models write it (LaTeX, plain text, Unicode mathematics) into
// tokens.

#include <cstdint>
#include <string_view>
#include <vector>

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

enum class Lexeme : uint8_t {
  kEnd,
  kNumber,    ///< text: digits, at most one '.', separators gone; value: its base, 0 for ten
  kRepetend,  ///< text: the digits that a number before it repeats for ever
  kSymbol,    ///< text: one letter, or the name of a command ("alpha")
  kWord,      ///< text: two or more letters that are no function
  kText,      ///< text: the inside of \text{…} and the like
  kFunction,  ///< value: a Function
  kConstant,  ///< value: an Op
  kRelation,  ///< value: a Relation
  kSetOp,     ///< value: an Op
  kSign,      ///< value: '+', '-', 'p' plus or minus, 'm' minus or plus
  kTimes,
  kOver,    ///< "/", ":" of division signs
  kModulo,  ///< between operands
  kCaret,
  kUnderscore,
  kOpen,  ///< value: '(', '[', '{' (of LaTeX), 's' (of a set), 'a' (angle), 'f' (floor), 'c' (ceil)
  kClose,  ///< value: as kOpen
  kBar,    ///< |
  kComma,
  kSemicolon,
  kConjunction,  ///< value: 'a' for and; or
  kColon,
  kBang,
  kPrime,
  kPercent,
  kDegree,
  kFraction,  ///< \frac
  kOverBar,   ///< \over: a fraction of all before and all behind
  kChoose,    ///< \choose
  kSqrt,      ///< value: degree, 2 or 3
  kBinomial,
  kBig,     ///< text: "sum", "product", "integral", "limit"
  kAccent,  ///< text: "vec", "bar", …
  kBegin,   ///< text: environment
  kFinish,  ///< text: environment
  kAlign,   ///< & of matrices
  kNewRow,  ///< \\ of matrices
  kArrow,   ///< implies
  kDots,
  kHalfDay,  ///< value: 1 a.m., 2 p.m.
};

/// The value of a kFunction beyond Function's: cos x + i sin x.
inline constexpr int kCis = 255;

struct Token {
  Lexeme lexeme = Lexeme::kEnd;
  int value = 0;
  std::string_view text;
  bool space = false;  ///< white space stood before it
  uint32_t begin = 0;  ///< in the answer
};

/// The tokens of `answer`, ended by kEnd; `answer` becomes what they point into, without characters
/// beyond ASCII. Texts are parts of it, of static storage or of `tree`. Linear; never fails: what
/// it does not know becomes a symbol.
std::vector<Token> Lex(std::string_view& answer, Tree& tree);

}  // namespace retort::verifiers
