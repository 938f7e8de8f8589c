#pragma once
// The parser's tokens and its expressions; jinja_parser.cpp adds the statements.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/internal/jinja_lexer.h"
#include "model/internal/jinja_tree.h"

namespace retort::model::jinja {

class ExpressionParser {
 protected:
  using Names = std::vector<std::string_view>;
  /// Nesting of what is being read, and of the tree that is made.
  static constexpr int kDeepest = 200;

  ExpressionParser(std::vector<Token> tokens, const std::string& where)
      : tokens_(std::move(tokens)), where_(where) {}

  template <class... Args>
  [[noreturn]] void Fail(const Args&... what) const {
    retort::Fail(where_, ": line ", Now().line, ": ", what...);
  }

  // What is read and not yet closed.
  class Deeper {
   public:
    explicit Deeper(ExpressionParser& parser) : parser_(parser) {
      if (++parser_.depth_ > kDeepest) parser_.Fail("nested deeper than ", kDeepest, " levels");
    }
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    ExpressionParser& parser_;
  };

  const Token& Now() const { return tokens_[at_]; }
  const Token& Next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token Take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool Is(Token::Kind kind, std::string_view text) const {
    return Now().kind == kind && Now().text == text;
  }
  bool IsName(std::string_view text) const { return Is(Token::kName, text); }
  bool IsOperator(std::string_view text) const { return Is(Token::kOperator, text); }
  bool Skip(Token::Kind kind, std::string_view text) {
    const bool is = Is(kind, text);
    if (is) Take();
    return is;
  }
  bool SkipName(std::string_view text) { return Skip(Token::kName, text); }
  bool SkipOperator(std::string_view text) { return Skip(Token::kOperator, text); }

  std::string Described(const Token& token) const;
  void Expect(bool is, std::string_view wanted) {
    if (!is) Fail("got ", Described(Now()), ", expected ", wanted);
  }
  void ExpectOperator(std::string_view text) { Expect(SkipOperator(text), StrCat("'", text, "'")); }
  std::string ExpectName() {
    Expect(Now().kind == Token::kName, "a name");
    return Take().text;
  }

  template <class... Kids>
  NodePtr Make(Kind kind, int line, std::string text = "", Kids... kids) {
    auto node = std::make_unique<Node>(Node{kind, line, std::move(text)});
    (Add(*node, std::move(kids)), ...);
    return node;
  }
  void Add(Node& node, NodePtr kid) {
    if (kid) node.depth = std::max(node.depth, kid->depth + 1);
    if (node.depth > kDeepest) Fail("nested deeper than ", kDeepest, " levels");
    node.kids.push_back(std::move(kid));
  }

  NodePtr Constant(int line, Value value) {
    NodePtr node = Make(Kind::kConstant, line);
    node->value = std::move(value);
    return node;
  }

  // One, or a tuple where commas say so.
  template <class One>
  NodePtr ListOf(const One& one, const Names& ends, bool in_brackets) {
    const int line = Now().line;
    const auto at_end = [&] {
      return Now().kind == Token::kPrintEnd || Now().kind == Token::kBlockEnd || IsOperator(")") ||
             (Now().kind == Token::kName && std::ranges::find(ends, Now().text) != ends.end());
    };
    NodePtr tuple = Make(Kind::kTuple, line);
    bool comma = false;
    while (!at_end()) {
      Add(*tuple, one());
      if (!IsOperator(",")) break;
      comma = true;
      Take();
    }
    if (comma) return tuple;
    if (!tuple->kids.empty()) return std::move(tuple->kids[0]);
    Expect(in_brackets, "an expression");
    return tuple;
  }

  NodePtr Expression(bool conditional = true);
  NodePtr Condition();
  NodePtr Or();
  NodePtr And();
  NodePtr Binary(NodePtr left, NodePtr (ExpressionParser::*right)());
  NodePtr Not();
  NodePtr Compare();
  NodePtr Sum();
  NodePtr Concat();
  NodePtr Product();
  NodePtr Power();
  NodePtr Filtered();
  NodePtr Unary();
  NodePtr Primary(bool members);
  NodePtr Elements(Kind kind, std::string_view end, int line);
  NodePtr Postfix(NodePtr node);
  NodePtr Subscript(NodePtr object, int line);
  NodePtr Call(NodePtr callee);
  void Arguments(Node& call);
  NodePtr Filters(NodePtr input, bool inline_first = false);
  NodePtr Test(NodePtr input);
  std::string DottedName();
  NodePtr TupleOr(bool conditional = true, const Names& ends = {});
  static bool IsConstantName(std::string_view name);

 private:
  std::vector<Token> tokens_;
  const std::string& where_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace retort::model::jinja
