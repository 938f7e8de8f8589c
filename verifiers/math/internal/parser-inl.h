#pragma once
// The parser behind parse.h: precedence climbing over the lexer's tokens, by a table of operators.
//
// Every step reads from the current token on, moves behind what it took and gives a node. After a
// failure the current token is the end and nodes are kNoNode: the caller sees no tree then.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "verifiers/math/internal/lexer.h"
#include "verifiers/math/internal/parse.h"
#include "verifiers/math/internal/quantity.h"
#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

/// How strongly operators bind, from the weakest.
enum class Power : uint8_t { kSet, kRatio, kFraction, kSum, kProduct };

class Parser {
 public:
  Parser(std::string_view answer, std::vector<Token> tokens, Tree& tree)
      : answer_(answer), tokens_(std::move(tokens)), tree_(tree) {}

  /// The whole answer, or kNoNode. Once.
  NodeId Run();

 private:
  const Token& Now() const { return tokens_[i_]; }
  const Token& Next(size_t n = 1) const { return tokens_[std::min(i_ + n, tokens_.size() - 1)]; }
  bool Is(Lexeme lexeme) const { return Now().lexeme == lexeme; }
  bool Is(Lexeme lexeme, Meaning what) const { return Now().Is(lexeme, what); }
  bool Take(Lexeme lexeme) {
    if (!Is(lexeme)) return false;
    ++i_;
    return true;
  }
  NodeId Fail() {
    if (!failed_ && tree_.notes) NoteUnread();
    failed_ = true;
    i_ = tokens_.size() - 1;
    return kNoNode;
  }
  static bool Closes(const Token& token, Bracket bracket) {
    return token.Is(Lexeme::kClose, bracket);
  }
  // The operands of an `op`; any other node is its only one.
  Nodes Parts(NodeId node, Op op) const {
    return tree_[node].op == op ? tree_.CopyOfChildren(node) : Nodes{node};
  }

  // Bounds recursion and the tree.
  struct Level {
    explicit Level(Parser& parser) : parser(parser) {
      if (++parser.depth_ > kMaxAnswerDepth || parser.tree_.size() > kMaxAnswerNodes) {
        parser.Fail();
      }
    }
    ~Level() { --parser.depth_; }
    Parser& parser;
  };

  void NoteUnread();

  // parse.cpp: operators, from those that bind least.
  void Trim();
  static bool StartsCondition(const Token& token);
  bool ExplainsVariables() const;
  NodeId UnderCondition(NodeId value);
  NodeId UnderWords(NodeId value);
  NodeId Under(NodeId value, NodeId condition);
  void JoinChoices(const Nodes& items, const std::vector<size_t>& choices, Nodes& groups);
  bool IsScalarValue(NodeId node) const;
  bool ClosesOutward() const;
  bool StatesModulus() const;
  NodeId Residue(NodeId value);
  NodeId List(Lexeme until);
  NodeId Grouped(Nodes items, int detail);
  NodeId Relation();
  NodeId RelationHere(bool& letter);
  NodeId Side(std::string_view& unit);
  void InOneUnit(Nodes& sides, const std::vector<std::string_view>& units);
  NodeId Expression(Power weakest);
  struct Operator;
  static const Operator kOperators[];
  const Operator* OperatorHere(NodeId left) const;
  // Each goes on from the operand before its operator.
  NodeId Sets(NodeId left);
  NodeId Ratio(NodeId left);
  NodeId Fraction(NodeId above);
  NodeId Sum(NodeId left);
  NodeId Product(NodeId left);
  bool UnionLetter(NodeId left) const;
  NodeId Term();
  Sign Signs(bool& twice_minus);
  NodeId Signed(Sign sign, NodeId node);
  bool StartsFactor() const;

  // parse_product.cpp
  struct Factors;
  void Times(Factors& product);
  void Over(Factors& product);
  void Modulus(Factors& product);
  void Juxtaposed(Factors& product);
  void NumberBehind(Factors& product);
  void FactorBehind(Factors& product);
  bool WordsBehind(const Factors& product);
  NodeId SignedFactor();
  void Multiply(NodeId& left, NodeId right);

  // parse_units.cpp: what stands behind a number and is no factor.
  bool EndsItem(const Token& token) const;
  struct UnitHere {
    Unit unit;
    std::string_view text;
    size_t next = 0;
  };
  std::optional<UnitHere> UnitAt(bool constant);
  bool Measured(bool constant);
  bool SeveralUnits(NodeId& value);
  void TakeMoney();
  bool OnlyUnits(bool spaced) const;
  bool Unit(NodeId& value);
  bool SkipUnit();
  bool UnitFraction();
  bool StatesBase(NodeId& value);

  // parse_factor.cpp: operands with what is attached to them.
  NodeId Factor();
  NodeId Exponent();
  NodeId Raised(NodeId base, NodeId exponent);
  bool Ordinal();
  bool Starred(NodeId& set);
  bool Degree();
  void DegreeOf(bool may);
  NodeId Radians(NodeId degrees);
  bool IsMinusOne(NodeId node) const;
  NodeId Subscript(NodeId node);
  std::string SubscriptText();
  static std::optional<int> BaseNamed(std::string_view text);
  NodeId InBase(NodeId number, int base);
  NodeId Named(std::string name);
  NodeId Applied(NodeId symbol);
  bool Holds(Lexeme lexeme) const;
  bool Combinations(NodeId& n);
  NodeId Quotient(NodeId above, NodeId below);
  NodeId Argument();
  NodeId Primary();
  NodeId Number();
  NodeId Text(std::string words);
  NodeId Word();

  // parse_group.cpp: what encloses or heads a part of a formula.
  NodeId Bracketed();
  NodeId BracketContent(Bracket open, bool outward);
  NodeId Absolute();
  NodeId Root(int degree);
  NodeId FunctionCall();
  NodeId Big();
  void NameIndex(Nodes& parts);
  NodeId Cases(Nodes entries, size_t columns);
  NodeId Environment();

  std::string_view answer_;
  std::vector<Token> tokens_;
  Tree& tree_;
  size_t i_ = 0;
  int depth_ = 0;
  int open_ = 0;    // brackets
  int bars_ = 0;    // |
  int angles_ = 0;  // arguments of sines and the like
  bool in_set_ = false;
  bool in_items_ = true;  // of no bracket, or of round, square and set ones alone
  int calls_ = 0;         // of functions
  bool failed_ = false;
  NodeId condition_ = kNoNode;  // in brackets behind what this item says
  std::string_view unit_;       // the last that was read,
  size_t unit_end_ = 0;         // and the token behind it
  bool letters_ = true;         // a lower-case letter behind a number may be a unit
  std::string_view money_;      // that stood before a number of this side
  bool after_number_ = false;  // the last factor began with a number and nothing was attached to it
};

}  // namespace retort::verifiers
