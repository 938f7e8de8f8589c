#pragma once
// Cuts an answer as people and models write it (LaTeX, plain text, Unicode mathematics) into
// tokens.

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

enum class Lexeme : uint8_t {
  kEnd,
  kNumber,    ///< text: digits, at most one '.', separators gone; its base, 0 for ten
  kRepetend,  ///< text: the digits that a number before it repeats for ever
  kSymbol,    ///< text: one letter, or the name of a command ("alpha")
  kWord,      ///< text: two or more letters that are no function
  kText,      ///< text: the inside of \text{…} and the like
  kFunction,  ///< a Function, or Cis
  kConstant,  ///< an Op
  kRelation,  ///< a Relation
  kSetOp,     ///< an Op
  kSign,      ///< a Sign
  kTimes,
  kOver,    ///< "/", ":" of division signs
  kModulo,  ///< a Modulo
  kCaret,
  kUnderscore,
  kOpen,   ///< a Bracket
  kClose,  ///< a Bracket
  kBar,    ///< |
  kComma,
  kSemicolon,
  kConjunction,  ///< a Conjunction
  kColon,
  kBang,
  kPrime,
  kPercent,
  kDegree,
  kFraction,  ///< \frac
  kOverBar,   ///< \over: a fraction of all before and all behind
  kChoose,    ///< \choose
  kSqrt,      ///< its degree, 2 or 3
  kBinomial,
  kBig,     ///< text: "sum", "product", "integral", "limit"
  kAccent,  ///< text: "vec", "bar", …
  kBegin,   ///< text: environment
  kFinish,  ///< text: environment
  kAlign,   ///< & of matrices
  kNewRow,  ///< \\ of matrices
  kArrow,   ///< implies
  kDots,
  kHalfDay,  ///< a HalfDay
};

enum class Sign : uint8_t { kPlus, kMinus, kPlusMinus, kMinusPlus };
enum class Bracket : uint8_t { kRound, kSquare, kGroup, kSet, kAngle, kFloor, kCeil };
enum class Conjunction : uint8_t { kOr, kAnd };
enum class Modulo : uint8_t {
  kBetween,  ///< operands: 7 mod 5
  kBehind,   ///< a congruence: \pmod 5
};
enum class HalfDay : uint8_t { kMorning = 1, kAfternoon = 2 };  // as a kRatio's detail
struct Cis {                                                    ///< cos x + i sin x
  constexpr bool operator==(const Cis&) const = default;
};

/// What a token is beyond its lexeme.
using Meaning = std::variant<std::monostate, int, Sign, Bracket, Conjunction, Modulo, HalfDay, Cis,
                             Relation, Op, Function>;

struct Token {
  Lexeme lexeme = Lexeme::kEnd;
  Meaning meaning = {};
  std::string_view text = {};
  bool space = false;  ///< white space stood before it
  uint32_t begin = 0;  ///< in the answer

  template <class T>
  T As() const {
    return std::get<T>(meaning);
  }
  bool Is(Lexeme wanted, Meaning what) const { return lexeme == wanted && meaning == what; }
};

/// The tokens of `answer`, ended by kEnd; `answer` becomes what they point into, without characters
/// beyond ASCII. Texts are parts of it, of static storage or of `tree`. Linear; never fails: what
/// it does not know becomes a symbol.
std::vector<Token> Lex(std::string_view& answer, Tree& tree);

}  // namespace retort::verifiers
