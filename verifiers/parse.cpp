#include "verifiers/parse.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "verifiers/lexer.h"
#include "verifiers/units.h"

namespace retort::verifiers {

namespace {

constexpr NodeId kNone = -1;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct Scale {
  std::string_view word;
  int zeros;
};
constexpr std::array kScales{Scale{"hundred", 2}, Scale{"thousand", 3}, Scale{"million", 6},
                             Scale{"billion", 9}, Scale{"trillion", 12}};

// Names of functions when a parenthesis follows, whatever stands in it.
bool NamesFunction(std::string_view name) {
  constexpr std::array<std::string_view, 13> kNames{
      "f", "g", "h", "F", "G", "H", "phi", "psi", "Phi", "Psi", "varphi", "P_n", "T"};
  return std::ranges::find(kNames, name.substr(0, name.find_first_of("_'^"))) != kNames.end();
}

std::string Words(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r') || c == '~' || c == '\0';
    if (!space) {
      words += Lower(c);
    } else if (!words.empty() && words.back() != ' ') {
      words += ' ';
    }
  }
  while (!words.empty() && (words.back() == ' ' || words.back() == '.')) words.pop_back();
  return words;
}

// Precedence climbing over the tokens. A failure leaves failed_ set; the caller sees no tree then.
class Parser {
 public:
  Parser(std::string_view answer, std::vector<Token> tokens, Tree& tree)
      : answer_(answer), tokens_(std::move(tokens)), tree_(tree) {}

  NodeId Run() {
    Trim();
    NodeId whole = List(Lexeme::kEnd);
    while (!failed_ && Is(Lexeme::kArrow)) {  // what follows from it is the answer
      ++i_;
      whole = List(Lexeme::kEnd);
    }
    if (!Is(Lexeme::kEnd)) Fail();
    return failed_ ? kNone : whole;
  }

 private:
  const Token& Now() const { return tokens_[i_]; }
  const Token& Next(size_t n = 1) const { return tokens_[std::min(i_ + n, tokens_.size() - 1)]; }
  bool Is(Lexeme lexeme) const { return Now().lexeme == lexeme; }
  bool Is(Lexeme lexeme, int value) const { return Is(lexeme) && Now().value == value; }
  bool Take(Lexeme lexeme) {
    if (!Is(lexeme)) return false;
    ++i_;
    return true;
  }
  NodeId Fail() {
    failed_ = true;
    i_ = tokens_.size() - 1;
    return kNone;
  }
  static bool Closes(const Token& token, int open) {
    return token.lexeme == Lexeme::kClose && token.value == open;
  }

  struct Level {
    explicit Level(Parser& parser) : parser(parser) {
      if (++parser.depth_ > kMaxAnswerDepth || parser.tree_.size() > kMaxAnswerNodes) {
        parser.Fail();
      }
    }
    ~Level() { --parser.depth_; }
    Parser& parser;
  };

  // Punctuation around the answer, and a closing brace too many.
  void Trim() {
    while (Is(Lexeme::kComma) || Is(Lexeme::kColon) || Is(Lexeme::kSemicolon) ||
           Is(Lexeme::kArrow) || Is(Lexeme::kNewRow)) {
      ++i_;
    }
    const auto trailing = [](const Token& token) {
      return token.lexeme == Lexeme::kComma || token.lexeme == Lexeme::kSemicolon ||
             token.lexeme == Lexeme::kColon || token.lexeme == Lexeme::kDots ||
             token.lexeme == Lexeme::kNewRow;
    };
    size_t end = tokens_.size() - 1;
    while (end > i_ && trailing(tokens_[end - 1])) --end;
    tokens_[end].lexeme = Lexeme::kEnd;
    tokens_.resize(end + 1);
  }

  // Separated by ',' and "and"/"or", and more loosely by ';'.
  NodeId List(Lexeme until) {
    const Level level(*this);
    std::vector<NodeId> groups, items;
    bool semicolons = false, only_and = true;
    int detail = 1;  // a decimal comma, perhaps: two numbers with nothing but a comma between
    while (!failed_) {
      const NodeId item = Relation();
      if (failed_) return kNone;
      items.push_back(item);
      bool comma = false;
      while (true) {
        if (Is(Lexeme::kComma)) {
          if (comma) return Fail();  // 1,, 2
          only_and = only_and && Next().lexeme == Lexeme::kConjunction;
          if (Next().space || Now().space) detail = 0;
          comma = true;
          ++i_;
        } else if (Is(Lexeme::kConjunction)) {
          only_and = only_and && Now().value == 'a';
          detail = 0;
          comma = true;
          ++i_;
        } else if (Is(Lexeme::kSemicolon) || (Is(Lexeme::kNewRow) && until == Lexeme::kEnd)) {
          semicolons = comma = true;
          detail = 0;
          ++i_;
          groups.push_back(Grouped(std::move(items), 0));
          items.clear();
        } else if (comma && Is(Lexeme::kDots)) {
          ++i_;
          items.push_back(tree_.Add(Op::kText, "..."));
        } else {
          break;
        }
      }
      if (!comma || Is(Lexeme::kEnd) || Is(Lexeme::kClose)) break;
    }
    if (failed_) return kNone;
    if (!semicolons) return Grouped(std::move(items), only_and ? 2 : detail);
    if (!items.empty()) groups.push_back(Grouped(std::move(items), 0));
    return Grouped(std::move(groups), 0);
  }

  NodeId Grouped(std::vector<NodeId> items, int detail) {
    if (items.size() == 1) return items[0];
    const auto digits = [&](NodeId item) {
      return tree_[item].op == Op::kNumber && tree_[item].text.find('.') == std::string_view::npos;
    };
    if (detail == 1) {
      const bool number = items.size() == 2 && digits(items[1]) &&
                          (digits(items[0]) ||
                           (tree_[items[0]].op == Op::kNegate && digits(tree_.Child(items[0], 0))));
      if (!number) detail = 0;
    }
    return tree_.Add(Op::kList, {}, items, detail);
  }

  NodeId Relation() {
    const Level level(*this);
    std::vector<NodeId> sides;
    std::string relations;
    if (Is(Lexeme::kRelation)) {  // "= 5", "≈ 5", "> 3"
      const int relation = Now().value;
      ++i_;
      const NodeId side = SetExpression();
      if (failed_ || relation == kEqualTo || relation == kApproximately) return side;
      const std::array ends{tree_.Add(Op::kSymbol, "?"), side};
      return tree_.Add(Op::kRelation, std::string(1, static_cast<char>(relation)), ends);
    }
    sides.push_back(SetExpression());
    while (!failed_ && Is(Lexeme::kRelation)) {
      relations += static_cast<char>(Now().value);
      ++i_;
      if (Is(Lexeme::kEnd) && relations.size() == 1 && relations[0] == kEqualTo) return sides[0];
      sides.push_back(SetExpression());
    }
    if (failed_) return kNone;
    if (Is(Lexeme::kModulo) && Now().value == 'p') Skip();  // "(mod 11)"
    return sides.size() == 1 ? sides[0] : tree_.Add(Op::kRelation, relations, sides);
  }

  // \pmod{11}
  void Skip() {
    ++i_;
    Argument();
  }

  NodeId SetExpression() {
    const Level level(*this);
    NodeId left = Ratio();
    while (!failed_) {
      int op = -1;
      if (Is(Lexeme::kSetOp)) {
        op = Now().value;
      } else if (UnionLetter(left)) {
        op = static_cast<int>(Op::kUnion);
      }
      if (op < 0) break;
      ++i_;
      const NodeId right = Ratio();
      if (failed_) return kNone;
      const Op kind = static_cast<Op>(op);
      std::vector<NodeId> parts;
      if (kind != Op::kSetMinus && tree_[left].op == kind) {
        const auto children = tree_.Children(left);
        parts.assign(children.begin(), children.end());
      } else {
        parts.push_back(left);
      }
      parts.push_back(right);
      left = tree_.Add(kind, {}, parts);
    }
    return left;
  }

  // (1, 2) U (3, 4)
  bool UnionLetter(NodeId left) const {
    return Is(Lexeme::kSymbol) && (Now().text == "U" || Now().text == "u") && IsSet(left) &&
           Next().lexeme == Lexeme::kOpen;
  }

  bool IsSet(NodeId node) const {
    const Op op = tree_[node].op;
    return op == Op::kTuple || op == Op::kInterval || op == Op::kSet || op == Op::kUnion ||
           op == Op::kEmptySet;
  }

  NodeId Ratio() {
    std::vector<NodeId> parts{Sum()};
    while (!failed_ && Is(Lexeme::kColon) && !in_set_) {
      ++i_;
      parts.push_back(Sum());
    }
    if (failed_) return kNone;
    if (Is(Lexeme::kHalfDay)) {  // 3 p.m., 10:30 a.m.
      if (parts.size() == 1) parts.push_back(tree_.Number(0));
      return tree_.Add(Op::kRatio, {}, parts, tokens_[i_++].value);
    }
    return parts.size() == 1 ? parts[0] : tree_.Add(Op::kRatio, {}, parts);
  }

  NodeId Signed(int sign, NodeId node) {
    if (failed_) return kNone;
    if (sign == '-') return tree_.Add(Op::kNegate, {node});
    if (sign == 'p') return tree_.Add(Op::kPlusMinus, {node});
    if (sign == 'm') return tree_.Add(Op::kPlusMinus, {node}, 1);
    return node;
  }

  NodeId Sum() {
    const Level level(*this);
    std::vector<NodeId> terms;
    while (!failed_) {
      int sign = '+';
      bool any = false;
      while (Is(Lexeme::kSign)) {
        const int now = Now().value;
        if (now == '-' && sign == '-' && terms.empty()) return Fail();  // --18
        sign = now == '-' && sign == '-' ? '+' : now == '+' ? sign : now;
        any = true;
        ++i_;
      }
      if (!any && !terms.empty()) break;
      terms.push_back(Signed(sign, Product()));
    }
    if (failed_) return kNone;
    const NodeId sum = terms.size() == 1 ? terms[0] : tree_.Add(Op::kAdd, {}, terms);
    if (Is(Lexeme::kOverBar) || Is(Lexeme::kChoose)) {
      const bool fraction = Is(Lexeme::kOverBar);
      ++i_;
      const NodeId below = Sum();
      if (failed_) return kNone;
      return fraction ? tree_.Add(Op::kDivide, {sum, below})
                      : tree_.Add(Function::kBinomial, {sum, below});
    }
    return sum;
  }

  bool StartsFactor() const {
    switch (Now().lexeme) {
      case Lexeme::kNumber:
      case Lexeme::kSymbol:
      case Lexeme::kFunction:
      case Lexeme::kConstant:
      case Lexeme::kFraction:
      case Lexeme::kSqrt:
      case Lexeme::kBinomial:
      case Lexeme::kBig:
      case Lexeme::kAccent:
      case Lexeme::kBegin:
      case Lexeme::kOpen:
      case Lexeme::kWord:
      case Lexeme::kText:
        return true;
      case Lexeme::kBar:
        return bars_ == 0 && !in_set_;  // in a set it may begin the condition
      default:
        return false;
    }
  }

  void Multiply(NodeId& left, NodeId right) {
    if (failed_) return;
    std::vector<NodeId> factors;
    if (tree_[left].op == Op::kMul) {
      const auto children = tree_.Children(left);
      factors.assign(children.begin(), children.end());
    } else {
      factors.push_back(left);
    }
    factors.push_back(right);
    left = tree_.Add(Op::kMul, {}, factors);
  }

  NodeId SignedFactor() {
    int sign = '+';
    while (Is(Lexeme::kSign)) {
      if (Now().value == '-') sign = sign == '-' ? '+' : '-';
      if (Now().value == 'p' || Now().value == 'm') sign = Now().value;
      ++i_;
    }
    return Signed(sign, Factor());
  }

  NodeId Product() {
    const Level level(*this);
    NodeId left = Factor();
    // In "2 1/2" and 2\frac12 what stands together is added.
    bool whole = !failed_ && tree_[left].op == Op::kNumber && after_number_;
    std::vector<NodeId> factors;  // not multiplied yet
    const auto fold = [&] {
      if (factors.empty()) return;
      factors.insert(factors.begin(), left);
      left = tree_.Add(Op::kMul, {}, factors);
      factors.clear();
    };
    while (!failed_) {
      if (Take(Lexeme::kTimes)) {
        factors.push_back(SignedFactor());
        if (failed_) return kNone;
      } else if (Take(Lexeme::kOver)) {
        fold();
        // "km/h", "5/hour"
        if (Is(Lexeme::kText) || (Is(Lexeme::kWord) && IsUnit(Now().text, true))) {
          ++i_;
          continue;
        }
        const NodeId right = SignedFactor();
        if (failed_) return kNone;
        left = tree_.Add(Op::kDivide, {left, right});
      } else if (Is(Lexeme::kModulo) && Now().value != 'p') {
        fold();
        ++i_;
        const NodeId right = SignedFactor();
        if (failed_) return kNone;
        left = tree_.Add(Function::kMod, {left, right});
      } else if (UnionLetter(left)) {
        break;
      } else if (StartsFactor()) {
        if (tree_[left].op == Op::kText) return Fail();
        if (factors.empty() && Unit(left)) {
          whole = false;
          continue;
        }
        if (failed_) return kNone;
        if (Is(Lexeme::kWord) || Is(Lexeme::kText)) {
          if (SkipUnit()) continue;
          if (Is(Lexeme::kText)) return Fail();
        }
        const bool fraction = Is(Lexeme::kFraction);
        if (Is(Lexeme::kNumber)) {
          // "2 1/2"; any other number behind a value is no product.
          const bool mixed = whole && factors.empty() && Now().space &&
                             Next().lexeme == Lexeme::kOver && Next(2).lexeme == Lexeme::kNumber;
          if (!mixed) {
            const bool number = factors.empty() && tree_[left].op == Op::kNumber;
            if (number || Now().space) return Fail();
            factors.push_back(Factor());
            if (failed_) return kNone;
            continue;
          }
          const NodeId above = Factor();
          ++i_;
          const NodeId below = Factor();
          if (failed_) return kNone;
          left = tree_.Add(Op::kAdd, {left, tree_.Add(Op::kDivide, {above, below})});
          whole = false;
          continue;
        }
        const NodeId right = Factor();
        if (failed_) return kNone;
        if (tree_[right].op == Op::kText) return Fail();  // words are no factor
        const bool percent = tree_[right].op == Op::kPercent;
        const NodeId part = percent ? tree_.Child(right, 0) : right;
        if (fraction && whole && factors.empty() && tree_[part].op == Op::kDivide &&
            tree_[tree_.Child(part, 0)].op == Op::kNumber &&
            tree_[tree_.Child(part, 1)].op == Op::kNumber) {
          left = tree_.Add(Op::kAdd, {left, part});
          if (percent) left = tree_.Add(Op::kPercent, {left});
        } else {
          factors.push_back(right);
        }
      } else {
        break;
      }
      whole = false;
    }
    if (failed_) return kNone;
    fold();
    return left;
  }

  // The number of zeros of "million", 0 for other words.
  static int Zeros(std::string_view text) {
    const std::string word = FirstWord(text);
    for (const Scale& scale : kScales) {
      if (word == scale.word && text.size() == word.size()) return scale.zeros;
    }
    return 0;
  }

  // Words behind a value: a unit is left out, "million" multiplies. False when it is neither.
  bool Unit(NodeId& value) {
    if (Is(Lexeme::kSymbol) && Now().text == "m" && !Now().space && after_decimal_ &&
        Next().lexeme == Lexeme::kCaret) {  // 10.5m²
      i_ += 2;
      Argument();
      return true;
    }
    if (Is(Lexeme::kSymbol) && Now().text == "m" && after_number_ &&
        Next().lexeme == Lexeme::kOver && Next(2).lexeme == Lexeme::kSymbol &&
        (Next(2).text == "s" || Next(2).text == "h")) {  // 30 m/s
      i_ += 3;
      if (Take(Lexeme::kCaret)) Argument();
      return true;
    }
    if (Is(Lexeme::kSymbol) && Now().space && open_ == 0 && after_number_ &&
        IsUnit(answer_.substr(Now().begin), true)) {  // 18 m
      i_ = tokens_.size() - 1;
      return true;
    }
    if (!Is(Lexeme::kWord) && !Is(Lexeme::kText)) return false;
    // All that follows only says what is counted: "18 dollars every day".
    if (open_ == 0 && IsUnit(answer_.substr(Now().begin), Now().space)) {
      i_ = tokens_.size() - 1;
      return true;
    }
    if (const int zeros = Zeros(Now().text); zeros > 0) {
      ++i_;
      Multiply(value, tree_.Add(Op::kNumber, "1" + std::string(static_cast<size_t>(zeros), '0')));
      return true;
    }
    if (FirstWord(Now().text) == "dozen") {
      ++i_;
      Multiply(value, tree_.Number(12));
      return true;
    }
    return SkipUnit();
  }

  bool SkipUnit() {
    const Token& token = Now();
    if (token.lexeme == Lexeme::kWord && !token.space && !IsUnit(token.text, false)) return false;
    if (!IsUnit(token.text, true)) return false;
    // A word of three letters or less may be a product of variables unless it is a known unit.
    if (token.lexeme == Lexeme::kWord && token.text.size() <= 3 && !IsUnit(token.text, false)) {
      return false;
    }
    ++i_;
    while (Is(Lexeme::kWord) || Is(Lexeme::kText) || Is(Lexeme::kCaret) || Is(Lexeme::kOver)) {
      if (Is(Lexeme::kCaret)) {
        ++i_;
        Argument();
      } else if (Is(Lexeme::kOver)) {
        if (Next().lexeme != Lexeme::kWord && Next().lexeme != Lexeme::kText &&
            Next().lexeme != Lexeme::kSymbol) {
          break;
        }
        i_ += 2;
      } else if (IsUnit(Now().text, true)) {
        ++i_;
      } else {
        break;
      }
    }
    return true;
  }

  // A primary with what is attached to it: exponents, subscripts, factorials, percent, degrees.
  NodeId Factor() {
    const Level level(*this);
    after_number_ = Is(Lexeme::kNumber);
    NodeId node = Primary();
    while (!failed_) {
      if (Is(Lexeme::kCaret)) {
        if (Degree()) {
          node = Radians(node);
          continue;
        }
        ++i_;
        if (Is(Lexeme::kPrime) || Is(Lexeme::kDegree)) {
          ++i_;
          continue;
        }
        const NodeId exponent = Exponent();
        if (failed_) return kNone;
        if (tree_[node].op == Op::kSymbol && NamesFunction(tree_[node].text) &&
            IsMinusOne(exponent)) {  // the inverse function
          node = Applied(tree_.Add(Op::kSymbol, std::string(tree_[node].text) + "^-1"));
        } else {
          node = Raised(node, exponent);
        }
      } else if (Is(Lexeme::kUnderscore)) {
        node = Subscript(node);
      } else if (Take(Lexeme::kBang)) {
        node = tree_.Add(Function::kFactorial, {node});
      } else if (Take(Lexeme::kPercent)) {
        node = tree_.Add(Op::kPercent, {node});
      } else if (Is(Lexeme::kDegree)) {
        ++i_;
        node = Radians(node);
        if (Is(Lexeme::kSymbol) && (Now().text == "C" || Now().text == "F") &&
            Next().lexeme == Lexeme::kEnd) {
          ++i_;
        }
      } else if (Is(Lexeme::kPrime) && tree_[node].op == Op::kSymbol) {
        ++i_;
        node = Named(std::string(tree_[node].text) + "'");
        if (!failed_) node = Applied(node);
      } else {
        break;
      }
      after_number_ = false;
    }
    return node;
  }

  bool IsMinusOne(NodeId node) const {
    return tree_[node].op == Op::kNegate && tree_[tree_.Child(node, 0)].text == "1";
  }

  // Degrees are a unit, but for what the sine of them is.
  NodeId Radians(NodeId degrees) {
    if (angles_ == 0) return degrees;
    return tree_.Add(
        Op::kMul, {degrees, tree_.Add(Op::kDivide, {tree_.Add(Op::kPi, {}), tree_.Number(180)})});
  }

  // Names grow by a piece at a time; no name is longer than people write.
  NodeId Named(std::string name) {
    return name.size() > 200 ? Fail() : tree_.Add(Op::kSymbol, name);
  }

  // Powers of matrices: the transpose and the inverse.
  NodeId Raised(NodeId base, NodeId exponent) {
    if (failed_) return kNone;
    if (tree_[base].op == Op::kMatrix && tree_[exponent].op == Op::kSymbol &&
        (tree_[exponent].text == "T" || tree_[exponent].text == "top")) {
      return tree_.Add(Function::kTranspose, {base});
    }
    return tree_.Add(Op::kPower, {base, exponent});
  }

  // ^\circ, ^{\circ}
  bool Degree() {
    size_t n = 1;
    const bool group = Next(n).lexeme == Lexeme::kOpen && Next(n).value == '{';
    if (group) ++n;
    if (Next(n).lexeme != Lexeme::kDegree) return false;
    if (group && !Closes(Next(n + 1), '{')) return false;
    i_ += n + 1 + (group ? 1 : 0);
    if (Is(Lexeme::kSymbol) && (Now().text == "C" || Now().text == "F")) ++i_;
    return true;
  }

  // ^2, ^{…}, ^-1, ^(…), ^\frac12, ^x, ^2^3 from the right.
  NodeId Exponent() {
    const Level level(*this);
    if (failed_) return kNone;
    if (Is(Lexeme::kSign)) {
      const int sign = Now().value;
      ++i_;
      return Signed(sign, Exponent());
    }
    NodeId exponent = Primary();
    if (!failed_ && Is(Lexeme::kCaret) && !Degree()) {
      ++i_;
      exponent = Raised(exponent, Exponent());
    } else if (!failed_ && Take(Lexeme::kBang)) {
      exponent = tree_.Add(Function::kFactorial, {exponent});
    }
    return exponent;
  }

  // The text of a subscript without spaces, braces and commands' backslashes.
  std::string SubscriptText() {
    const size_t first = i_;
    if (Is(Lexeme::kOpen, '{')) {
      int depth = 0;
      do {
        if (Is(Lexeme::kOpen, '{')) ++depth;
        if (Closes(Now(), '{')) --depth;
        if (Is(Lexeme::kEnd)) break;
        ++i_;
      } while (depth > 0);
    } else if (!Is(Lexeme::kEnd)) {
      ++i_;
    }
    std::string text;
    for (size_t t = first; t < i_; ++t) {
      const Token& token = tokens_[t];
      if (token.lexeme == Lexeme::kSign) {
        text += static_cast<char>(token.value);
      } else if (token.lexeme == Lexeme::kOpen || token.lexeme == Lexeme::kClose) {
        if (token.value == '(') text += '.';
      } else if (!token.text.empty()) {
        text += token.text;
      } else if (token.lexeme == Lexeme::kComma) {
        text += ',';
      } else {
        text += static_cast<char>('A' + static_cast<int>(token.lexeme) % 26);
      }
    }
    return text;
  }

  NodeId Subscript(NodeId node) {
    ++i_;
    const std::string text = SubscriptText();
    const Node& of = tree_[node];
    if (of.op == Op::kNumber && !text.empty() && text.size() <= 2 &&
        std::ranges::all_of(text, IsDigit)) {
      const int base = std::stoi(text);
      const bool digits =
          std::ranges::all_of(of.text, [&](char c) { return IsDigit(c) && c - '0' < base; });
      if (base < 2 || base > 36 || !digits) return Fail();
      return tree_.Add(Op::kNumber, of.text, {}, base == 10 ? 0 : base);
    }
    const bool named = of.op == Op::kSymbol || of.op == Op::kI || of.op == Op::kE;
    if (!named) return Fail();
    const std::string_view name = of.op == Op::kSymbol ? of.text : of.op == Op::kI ? "i" : "e";
    const NodeId symbol = Named(std::string(name) + "_" + text);
    return failed_ ? kNone : Applied(symbol);
  }

  // f(x), when the name or the argument says that it is no product.
  NodeId Applied(NodeId symbol) {
    if (!Is(Lexeme::kOpen, '(') || tree_[symbol].op != Op::kSymbol) return symbol;
    const std::string_view name = tree_[symbol].text;
    const Token& argument = Next();
    const bool single = Closes(Next(2), '(') &&
                        (argument.lexeme == Lexeme::kSymbol || argument.lexeme == Lexeme::kNumber);
    const bool capital = name[0] >= 'A' && name[0] <= 'Z';
    const bool defined =
        single && Next(3).lexeme == Lexeme::kRelation && argument.lexeme == Lexeme::kSymbol;
    const bool primed = name.ends_with('\'');
    if (!NamesFunction(name) && !primed && !(single && (capital || defined))) return symbol;
    ++i_;
    std::vector<NodeId> arguments;
    do {
      arguments.push_back(Relation());
    } while (!failed_ && Take(Lexeme::kComma));
    if (failed_ || !Closes(Now(), '(')) return Fail();
    ++i_;
    return tree_.Add(Op::kApply, std::string(name), arguments);
  }

  // What \frac and \sqrt take: a group, or one digit or letter.
  NodeId Argument() {
    const Level level(*this);
    if (failed_) return kNone;
    if (Is(Lexeme::kNumber) && !Now().space && Now().text.size() > 1 && IsDigit(Now().text[0])) {
      Token& token = tokens_[i_];
      const NodeId digit = tree_.Add(Op::kNumber, token.text.substr(0, 1));
      token.text.remove_prefix(1);
      return digit;
    }
    if (Is(Lexeme::kSign)) {
      const int sign = Now().value;
      ++i_;
      return Signed(sign, Argument());
    }
    if (!StartsFactor()) return Fail();
    return Primary();
  }

  NodeId Primary() {
    const Level level(*this);
    if (failed_) return kNone;
    const Token token = Now();
    switch (token.lexeme) {
      case Lexeme::kNumber:
        return Number();
      case Lexeme::kSymbol:
        ++i_;
        return Applied(tree_.Add(Op::kSymbol, token.text));
      case Lexeme::kConstant:
        ++i_;
        return tree_.Add(static_cast<Op>(token.value));
      case Lexeme::kWord:
        return Word();
      case Lexeme::kText:
        ++i_;
        return Text(Words(token.text));
      case Lexeme::kOpen:
        return Bracketed();
      case Lexeme::kClose:
        if (token.value == '[') return Bracketed();  // ]0, 1[
        return Fail();
      case Lexeme::kBar:
        return Absolute();
      case Lexeme::kFraction: {
        ++i_;
        const NodeId above = Argument();
        const NodeId below = Argument();
        return failed_ ? kNone : tree_.Add(Op::kDivide, {above, below});
      }
      case Lexeme::kBinomial: {
        ++i_;
        if (Is(Lexeme::kOpen, '(')) {
          const NodeId both = Bracketed();
          if (failed_ || tree_[both].op != Op::kTuple || tree_[both].count != 2) return Fail();
          return tree_.Add(Function::kBinomial, {tree_.Child(both, 0), tree_.Child(both, 1)});
        }
        const NodeId above = Argument();
        const NodeId below = Argument();
        return failed_ ? kNone : tree_.Add(Function::kBinomial, {above, below});
      }
      case Lexeme::kSqrt:
        return Root(token.value);
      case Lexeme::kFunction:
        return FunctionCall();
      case Lexeme::kBig:
        return Big();
      case Lexeme::kAccent: {
        ++i_;
        const NodeId under = Argument();
        if (failed_) return kNone;
        const Op op = tree_[under].op;
        if (op == Op::kSymbol) {
          return tree_.Add(Op::kSymbol,
                           std::string(token.text) + " " + std::string(tree_[under].text));
        }
        if (token.text == "bar" && op != Op::kText && op != Op::kMul) {
          return tree_.Add(Function::kConjugate, {under});
        }
        return tree_.Add(Op::kSymbol, std::string(token.text) + " " + NormalForm(tree_, under));
      }
      case Lexeme::kBegin:
        return Environment();
      default:
        return Fail();
    }
  }

  NodeId Number() {
    const Token token = Now();
    ++i_;
    after_decimal_ = token.text.find('.') != std::string_view::npos;
    if (!Is(Lexeme::kRepetend)) return tree_.Add(Op::kNumber, token.text);
    // 0.1666… = 1/10 + 6/90
    const std::string_view repetend = Now().text;
    ++i_;
    const size_t point = token.text.find('.');
    const size_t places = point == std::string_view::npos ? 0 : token.text.size() - point - 1;
    std::string digits(token.text.substr(0, point));
    if (places > 0) digits += token.text.substr(point + 1);
    const std::string zeros(places, '0'), nines(repetend.size(), '9');
    const NodeId fixed = tree_.Add(
        Op::kDivide, {tree_.Add(Op::kNumber, digits), tree_.Add(Op::kNumber, "1" + zeros)});
    const NodeId rest = tree_.Add(
        Op::kDivide, {tree_.Add(Op::kNumber, repetend), tree_.Add(Op::kNumber, nines + zeros)});
    return tree_.Add(Op::kAdd, {fixed, rest});
  }

  NodeId Text(std::string words) {
    while (Is(Lexeme::kText)) {
      words += " " + Words(Now().text);
      ++i_;
    }
    return tree_.Add(Op::kText, words);
  }

  // A run of letters: a product of variables when it is short, else words.
  NodeId Word() {
    const std::string_view word = Now().text;
    ++i_;
    const bool capitals = std::ranges::all_of(word, [](char c) { return c >= 'A' && c <= 'Z'; });
    constexpr std::array<std::string_view, 12> kShort{"yes", "no",  "odd", "one", "two",  "six",
                                                      "ten", "all", "any", "not", "none", "even"};
    const bool known = word.size() <= 4 && std::ranges::find(kShort, Words(word)) != kShort.end();
    if (word.size() > 4 || (word.size() == 4 && !capitals) || known) {
      std::string words = Words(word);
      while (Is(Lexeme::kWord) || Is(Lexeme::kText)) {
        words += " " + Words(Now().text);
        ++i_;
      }
      return tree_.Add(Op::kText, words);
    }
    if (capitals) {  // the segment AB, the triangle ABC
      std::string name(word);
      return Applied(tree_.Add(Op::kSymbol, name));
    }
    std::vector<NodeId> letters;
    for (const char& c : word) {
      if (c == 'e' || c == 'i') {
        letters.push_back(tree_.Add(c == 'e' ? Op::kE : Op::kI));
      } else {
        letters.push_back(tree_.Add(Op::kSymbol, std::string_view(&c, 1)));
      }
    }
    // An exponent or subscript belongs to the last letter.
    if (Is(Lexeme::kCaret) && !Degree()) {
      ++i_;
      letters.back() = Raised(letters.back(), Exponent());
    } else if (Is(Lexeme::kUnderscore)) {
      letters.back() = Subscript(letters.back());
    } else if (Is(Lexeme::kOpen, '(')) {
      letters.back() = Applied(letters.back());
    }
    return failed_ ? kNone : tree_.Add(Op::kMul, {}, letters);
  }

  NodeId Bracketed() {
    const int open = Now().value;
    const bool outward = Is(Lexeme::kClose);  // ]0, 1[
    ++i_;
    ++open_;
    const int outer = bars_;
    const bool set = std::exchange(in_set_, open == 's');
    bars_ = 0;
    const NodeId inside = BracketContent(outward ? 'o' : open);
    bars_ = outer;
    in_set_ = set;
    --open_;
    return inside;
  }

  NodeId BracketContent(int open) {
    if (Is(Lexeme::kClose)) {
      const int close = Now().value;
      ++i_;
      if (open == 's' && close == 's') return tree_.Add(Op::kEmptySet);
      return Fail();
    }
    const NodeId inside = List(Lexeme::kClose);
    if (failed_) return kNone;
    if (open == 's' && (Is(Lexeme::kBar) || Is(Lexeme::kColon))) {  // { x : condition }
      ++i_;
      const NodeId condition = List(Lexeme::kClose);
      if (failed_ || !Closes(Now(), 's')) return Fail();
      ++i_;
      return tree_[inside].op == Op::kSymbol || tree_[inside].op == Op::kRelation
                 ? condition
                 : tree_.Add(Op::kOpaque, "such that", std::array{inside, condition});
    }
    int close = 0;
    if (open == 'o' && Is(Lexeme::kOpen, '[')) {
      close = 'o';
    } else if (Is(Lexeme::kClose)) {
      close = Now().value;
    } else if (Is(Lexeme::kOpen, '[') && open == '[') {
      close = 'o';
    } else {
      return Fail();
    }
    ++i_;
    if (open == 'f' || open == 'c') {
      if (close != open) return Fail();
      return tree_.Add(open == 'f' ? Function::kFloor : Function::kCeil, {inside});
    }
    if (open == '{' || open == 's' || open == 'a') {
      if (close != open) return Fail();
      if (open == '{') return inside;
      const bool list = tree_[inside].op == Op::kList;
      const NodeId one[] = {inside};
      const std::span<const NodeId> items = list ? tree_.Children(inside) : one;
      const std::vector<NodeId> copy(items.begin(), items.end());
      return tree_.Add(open == 's' ? Op::kSet : Op::kTuple, {}, copy);
    }
    const bool left = open == '[', right = close == '[';
    if (close == '{' || close == 's') return Fail();
    if (tree_[inside].op != Op::kList) {
      if (left != right) return Fail();
      // [x = 5] is as good as (x = 5).
      return inside;
    }
    const auto span = tree_.Children(inside);
    const std::vector<NodeId> items(span.begin(), span.end());
    if (items.size() == 2 && (left || right)) {
      return tree_.Add(Op::kInterval, {}, items, (left ? 1 : 0) + (right ? 2 : 0));
    }
    return tree_.Add(Op::kTuple, {}, items);
  }

  NodeId Absolute() {
    ++i_;
    ++bars_;
    const NodeId inside = Sum();
    --bars_;
    if (failed_ || !Take(Lexeme::kBar)) return Fail();
    if (tree_[inside].op == Op::kMatrix) return tree_.Add(Function::kDeterminant, {inside});
    return tree_.Add(Function::kAbs, {inside});
  }

  NodeId Root(int degree) {
    ++i_;
    NodeId n = kNone;
    if (Is(Lexeme::kOpen, '[')) {
      const size_t back = i_;
      n = Bracketed();
      if (failed_) return kNone;
      // "sqrt[5]" has no radicand behind it.
      if (!StartsFactor()) {
        i_ = back;
        n = kNone;
      }
    }
    const NodeId radicand = Argument();
    if (failed_) return kNone;
    return tree_.Add(Op::kRoot, {radicand, n == kNone ? tree_.Number(degree) : n});
  }

  // \sin^2 x, \log_2 8, \max(a, b), \sin 2x \cos x
  NodeId FunctionCall() {
    Function function = static_cast<Function>(Now().value);
    ++i_;
    NodeId power = kNone, base = kNone;
    for (int n = 0; n < 2; ++n) {
      if (Is(Lexeme::kCaret)) {
        ++i_;
        power = Exponent();
      } else if (Is(Lexeme::kUnderscore)) {
        ++i_;
        base = Argument();
      }
    }
    if (failed_) return kNone;
    std::vector<NodeId> arguments;
    if (function <= Function::kCsc) ++angles_;
    if (Is(Lexeme::kOpen) && (Now().value == '(' || Now().value == '{' || Now().value == '[')) {
      const NodeId inside = Bracketed();
      if (failed_) return kNone;
      const Op op = tree_[inside].op;
      if (op == Op::kTuple || op == Op::kList || op == Op::kInterval) {
        const auto items = tree_.Children(inside);
        arguments.assign(items.begin(), items.end());
      } else {
        arguments.push_back(inside);
      }
    } else {
      // All factors up to the next function or sign.
      NodeId argument = kNone;
      while (!failed_ && StartsFactor() && !(argument != kNone && Is(Lexeme::kFunction)) &&
             !(argument != kNone && (Is(Lexeme::kWord) || Is(Lexeme::kText)))) {
        const NodeId factor = Factor();
        if (failed_) return kNone;
        if (argument == kNone) {
          argument = factor;
        } else {
          Multiply(argument, factor);
        }
      }
      if (failed_ || argument == kNone) return Fail();
      arguments.push_back(argument);
    }
    if (function <= Function::kCsc) --angles_;
    if (power != kNone && IsMinusOne(power) && function <= Function::kCsc) {
      constexpr std::array kInverses{Function::kAsin, Function::kAcos, Function::kAtan,
                                     Function::kAcot, Function::kAsec, Function::kAcsc};
      function = kInverses[static_cast<size_t>(function)];
      power = kNone;
    }
    if (function == Function::kLog && (base != kNone || arguments.size() == 2)) {
      if (base != kNone) arguments.push_back(base);
      function = Function::kLogBase;
    }
    const bool several = function == Function::kMax || function == Function::kMin ||
                         function == Function::kGcd || function == Function::kLcm;
    const bool two = function == Function::kLogBase || function == Function::kBinomial ||
                     function == Function::kMod;
    if (!several && arguments.size() != (two ? 2u : 1u)) return Fail();
    const NodeId call = tree_.Add(Op::kFunction, {}, arguments, static_cast<int>(function));
    return power == kNone ? call : tree_.Add(Op::kPower, {call, power});
  }

  // Sums, products, integrals and limits: the parts, to be compared only.
  NodeId Big() {
    const std::string name(Now().text);
    ++i_;
    std::vector<NodeId> parts;
    for (int n = 0; n < 2; ++n) {
      if (Is(Lexeme::kUnderscore) || Is(Lexeme::kCaret)) {
        ++i_;
        if (name == "limit" && Is(Lexeme::kOpen, '{')) {
          parts.push_back(tree_.Add(Op::kText, SubscriptText()));
        } else {
          parts.push_back(Is(Lexeme::kOpen, '{') ? Bracketed() : Argument());
        }
      }
    }
    if (failed_) return kNone;
    parts.push_back(Product());
    if (failed_) return kNone;
    return tree_.Add(Op::kOpaque, name, parts);
  }

  NodeId Environment() {
    const std::string_view name = Now().text;
    ++i_;
    const int outer = std::exchange(bars_, 0);
    std::vector<NodeId> entries;
    size_t columns = 0, row = 0;
    bool even = true;
    while (!failed_) {
      if (Take(Lexeme::kNewRow)) {
        if (row == 0) continue;  // an empty line
        if (columns == 0) columns = row;
        even = even && row == columns;
        row = 0;
        continue;
      }
      if (Is(Lexeme::kFinish) || Is(Lexeme::kEnd)) break;
      if (Take(Lexeme::kAlign)) {
        if (row == 0) return Fail();
        continue;
      }
      entries.push_back(name.starts_with("cases") ? List(Lexeme::kAlign) : Relation());
      ++row;
      if (!failed_ && !Is(Lexeme::kAlign) && !Is(Lexeme::kNewRow) && !Is(Lexeme::kFinish)) {
        return Fail();
      }
    }
    bars_ = outer;
    if (failed_ || entries.empty() || !Take(Lexeme::kFinish)) return Fail();
    if (row > 0) {
      if (columns == 0) columns = row;
      even = even && row == columns;
    }
    if (!even || columns > 255) return Fail();
    if (name.starts_with("cases")) {
      if (columns == 1) return Grouped(std::move(entries), 0);
      return tree_.Add(Op::kOpaque, "cases", entries);
    }
    const NodeId matrix = tree_.Add(Op::kMatrix, {}, entries, static_cast<int>(columns));
    return name == "vmatrix" ? tree_.Add(Function::kDeterminant, {matrix}) : matrix;
  }

  std::string_view answer_;
  std::vector<Token> tokens_;
  Tree& tree_;
  size_t i_ = 0;
  int depth_ = 0;
  int open_ = 0;    // brackets
  int bars_ = 0;    // |
  int angles_ = 0;  // arguments of sines and the like
  bool in_set_ = false;
  bool failed_ = false;
  bool after_number_ = false;
  bool after_decimal_ = false;
};

// Words only: letters, spaces, hyphens; of four letters or more, or several.
bool IsProse(std::string_view answer) {
  size_t words = 0, longest = 0, run = 0;
  for (const char c : answer) {
    if (IsLetter(c)) {
      if (run++ == 0) ++words;
      longest = std::max(longest, run);
    } else if (c == ' ' || c == '-' || c == '\'' || c == '.' || c == '\n' || c == ',') {
      run = 0;
    } else {
      return false;
    }
  }
  return longest >= 4 && words >= 2;
}

}  // namespace

std::string TextKey(std::string_view text) {
  std::string key;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {  // a command that only dresses its argument, or a space
      size_t end = i + 1;
      while (end < text.size() && IsLetter(text[end])) ++end;
      const std::string_view name = text.substr(i + 1, end - i - 1);
      const bool dress = name.starts_with("text") || name.starts_with("math") || name == "mbox" ||
                         name == "left" || name == "right" || name == "quad" || name == "rm" ||
                         name == "boxed" || name.empty();
      if (dress) {
        i = name.empty() ? i + 1 : end - 1;
        continue;
      }
      key += c;
    } else if (IsLetter(c)) {
      key += Lower(c);
    } else if (c == '.' && !(i + 1 < text.size() && IsDigit(text[i + 1]))) {
      continue;
    } else if (c == ' ' && i > 0 && IsDigit(text[i - 1]) && i + 1 < text.size() &&
               IsDigit(text[i + 1])) {
      key += c;
    } else if (static_cast<unsigned char>(c) > ' ' && c != '{' && c != '}' && c != '$' &&
               c != '~') {
      key += c;
    }
  }
  while (key.ends_with('.') || key.ends_with(',')) key.pop_back();
  while (key.size() > 2 && key.front() == '(' && key.back() == ')' && IsLetter(key[1])) {
    key = key.substr(1, key.size() - 2);
  }
  return key;
}

std::optional<NodeId> ParseAnswer(std::string_view answer, Tree& tree) {
  if (answer.size() > kMaxAnswerBytes) return std::nullopt;
  const int64_t bound = tree.size();
  if (!IsProse(answer)) {
    std::vector<Token> tokens = Lex(answer, tree);
    if (tokens.size() <= 1) {
      const std::string key = TextKey(answer);
      if (key.empty()) return std::nullopt;
      return tree.Add(Op::kText, key);
    }
    const NodeId whole = Parser(answer, std::move(tokens), tree).Run();
    if (whole != kNone) return whole;
    if (tree.size() - bound > kMaxAnswerNodes) return std::nullopt;
  }
  const std::string key = Words(answer);
  if (key.empty()) return std::nullopt;
  return tree.Add(Op::kText, key);
}

}  // namespace retort::verifiers
