#include "base/excerpt.h"
#include "model/internal/jinja_parser.h"

namespace retort::model::jinja {

std::string ExpressionParser::Described(const Token& token) const {
  switch (token.kind) {
    case Token::kName:
    case Token::kOperator:
      return StrCat("'", Excerpt(token.text), "'");
    case Token::kConstant:
      return token.value.text() ? "a string" : "a number";
    case Token::kPrintEnd:
      return "'}}'";
    case Token::kBlockEnd:
      return "'%}'";
    default:
      return "the end of the template";
  }
}
bool ExpressionParser::IsConstantName(std::string_view name) {
  constexpr std::string_view kNames[] = {"true", "false", "none", "True", "False", "None"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

NodePtr ExpressionParser::Expression(bool conditional) {
  const Deeper deeper(*this);
  return conditional ? Condition() : Or();
}

NodePtr ExpressionParser::Condition() {
  NodePtr node = Or();
  while (IsName("if")) {
    const int line = Take().line;
    NodePtr test = Or();
    NodePtr otherwise = SkipName("else") ? Expression() : nullptr;
    node = Make(Kind::kCondition, line, "", std::move(test), std::move(node), std::move(otherwise));
  }
  return node;
}

NodePtr ExpressionParser::Or() {
  NodePtr left = And();
  while (IsName("or")) left = Binary(std::move(left), &ExpressionParser::And);
  return left;
}
NodePtr ExpressionParser::And() {
  NodePtr left = Not();
  while (IsName("and")) left = Binary(std::move(left), &ExpressionParser::Not);
  return left;
}
NodePtr ExpressionParser::Binary(NodePtr left, NodePtr (ExpressionParser::*right)()) {
  const Token op = Take();
  return Make(Kind::kBinary, op.line, op.text, std::move(left), (this->*right)());
}

NodePtr ExpressionParser::Not() {
  if (!IsName("not")) return Compare();
  const Deeper deeper(*this);
  const int line = Take().line;
  return Make(Kind::kUnary, line, "not", Not());
}

NodePtr ExpressionParser::Compare() {
  NodePtr first = Sum();
  NodePtr node;
  while (true) {
    const int line = Now().line;
    std::string op;
    if (Now().kind == Token::kOperator) {
      constexpr std::string_view kOperators[] = {"==", "!=", "<", "<=", ">", ">="};
      if (std::ranges::find(kOperators, Now().text) == std::end(kOperators)) break;
      op = Take().text;
    } else if (SkipName("in")) {
      op = "in";
    } else if (IsName("not") && Next().kind == Token::kName && Next().text == "in") {
      Take();
      Take();
      op = "not in";
    } else {
      break;
    }
    if (!node) node = Make(Kind::kCompare, line, "", std::move(first));
    Add(*node, Make(Kind::kOperand, line, std::move(op), Sum()));
  }
  return node ? std::move(node) : std::move(first);
}

NodePtr ExpressionParser::Sum() {
  NodePtr left = Concat();
  while (IsOperator("+") || IsOperator("-"))
    left = Binary(std::move(left), &ExpressionParser::Concat);
  return left;
}
NodePtr ExpressionParser::Concat() {
  NodePtr first = Product();
  if (!IsOperator("~")) return first;
  NodePtr node = Make(Kind::kConcat, Now().line, "", std::move(first));
  while (SkipOperator("~")) Add(*node, Product());
  return node;
}
NodePtr ExpressionParser::Product() {
  NodePtr left = Power();
  while (IsOperator("*") || IsOperator("/") || IsOperator("//") || IsOperator("%")) {
    left = Binary(std::move(left), &ExpressionParser::Power);
  }
  return left;
}
NodePtr ExpressionParser::Power() {
  NodePtr left = Filtered();
  while (IsOperator("**")) left = Binary(std::move(left), &ExpressionParser::Filtered);
  return left;
}

NodePtr ExpressionParser::Filtered() {
  NodePtr node = Unary();
  while (true) {
    if (IsOperator("|")) {
      node = Filters(std::move(node));
    } else if (IsName("is")) {
      node = Test(std::move(node));
    } else if (IsOperator("(")) {
      node = Call(std::move(node));
    } else {
      return node;
    }
  }
}

NodePtr ExpressionParser::Unary() {
  if (!IsOperator("-") && !IsOperator("+")) return Postfix(Primary(false));
  const Deeper deeper(*this);
  const Token sign = Take();
  return Postfix(Make(Kind::kUnary, sign.line, sign.text, Unary()));
}

// `members` takes a.b as something to assign to.
NodePtr ExpressionParser::Primary(bool members) {
  const Token token = Now();
  if (token.kind == Token::kName) {
    Take();
    if (IsConstantName(token.text)) {
      if (token.text[0] == 'n' || token.text[0] == 'N') return Constant(token.line, None{});
      return Constant(token.line, token.text[0] == 't' || token.text[0] == 'T');
    }
    if (!members || !SkipOperator(".")) return Make(Kind::kName, token.line, token.text);
    NodePtr node = Make(Kind::kMemberTarget, token.line, token.text);
    node->value = ExpectName();
    return node;
  }
  if (token.kind == Token::kConstant) {
    Take();
    if (!token.value.text()) return Constant(token.line, token.value);
    std::string text = token.value.text()->bytes;
    while (Now().kind == Token::kConstant && Now().value.text()) {
      text += Take().value.text()->bytes;
    }
    return Constant(token.line, std::move(text));
  }
  if (SkipOperator("(")) {
    NodePtr node = ListOf([&] { return Expression(); }, {}, true);
    ExpectOperator(")");
    return node;
  }
  if (SkipOperator("[")) return Elements(Kind::kList, "]", token.line);
  if (SkipOperator("{")) return Elements(Kind::kDict, "}", token.line);
  Fail("got ", Described(token), ", expected an expression");
}

// Behind the bracket.
NodePtr ExpressionParser::Elements(Kind kind, std::string_view end, int line) {
  NodePtr node = Make(kind, line);
  while (!IsOperator(end)) {
    if (!node->kids.empty()) ExpectOperator(",");
    if (IsOperator(end)) break;
    Add(*node, Expression());
    if (kind != Kind::kDict) continue;
    const Kind key = node->kids.back()->kind;
    if (key == Kind::kList || key == Kind::kDict) Fail("a key that is a list or a mapping");
    ExpectOperator(":");
    Add(*node, Expression());
  }
  Take();
  return node;
}

NodePtr ExpressionParser::TupleOr(bool conditional, const Names& ends) {
  return ListOf([&] { return Expression(conditional); }, ends, false);
}

NodePtr ExpressionParser::Postfix(NodePtr node) {
  while (true) {
    const int line = Now().line;
    if (SkipOperator(".")) {
      if (Now().kind == Token::kName) {
        node = Make(Kind::kAttribute, line, Take().text, std::move(node));
      } else {
        Expect(Now().kind == Token::kConstant && Now().value.is_int(), "a name or an integer");
        NodePtr index = Constant(line, Take().value);
        node = Make(Kind::kItem, line, "", std::move(node), std::move(index));
      }
    } else if (SkipOperator("[")) {
      node = Subscript(std::move(node), line);
    } else if (IsOperator("(")) {
      node = Call(std::move(node));
    } else {
      return node;
    }
  }
}

// Behind '['.
NodePtr ExpressionParser::Subscript(NodePtr object, int line) {
  NodePtr parts[3];
  bool slice = false;
  for (size_t i = 0; i < 3; ++i) {
    if (!IsOperator(":") && !IsOperator("]") && !IsOperator(",")) parts[i] = Expression();
    if (!IsOperator(":") || i == 2) break;
    slice = true;
    Take();
  }
  if (slice) {
    if (IsOperator(",")) Fail("a slice among several subscripts is not implemented");
    ExpectOperator("]");
    return Make(Kind::kSlice, line, "", std::move(object), std::move(parts[0]), std::move(parts[1]),
                std::move(parts[2]));
  }
  NodePtr key = std::move(parts[0]);
  if (!key || IsOperator(",")) {
    NodePtr tuple = Make(Kind::kTuple, line);
    if (key) Add(*tuple, std::move(key));
    while (SkipOperator(",")) Add(*tuple, Expression());
    key = std::move(tuple);
  }
  ExpectOperator("]");
  return Make(Kind::kItem, line, "", std::move(object), std::move(key));
}

NodePtr ExpressionParser::Call(NodePtr callee) {
  NodePtr call = Make(Kind::kCall, Now().line, "", std::move(callee));
  Arguments(*call);
  return call;
}

void ExpressionParser::Arguments(Node& call) {
  ExpectOperator("(");
  // What has been met, in the order in which it may stand: values, names, *list, **mapping.
  bool named = false, listed = false, mapped = false;
  for (bool first = true; !IsOperator(")"); first = false) {
    if (!first) ExpectOperator(",");
    if (IsOperator(")")) break;
    const int line = Now().line;
    if (IsOperator("*") || IsOperator("**")) {
      const bool mapping = Take().text == "**";
      if (mapped || (listed && !mapping)) Fail("an unexpected '*' argument");
      (mapping ? mapped : listed) = true;
      Add(call,
          Make(mapping ? Kind::kMappingArguments : Kind::kListArguments, line, "", Expression()));
    } else if (mapped) {
      Fail("an argument behind a '**' argument");
    } else if (Now().kind == Token::kName && Next().kind == Token::kOperator &&
               Next().text == "=") {
      named = true;
      std::string name = Take().text;
      for (const NodePtr& kid : call.kids) {
        if (kid && kid->kind == Kind::kKeyword && kid->text == name) {
          Fail("the argument '", name, "' stands twice");
        }
      }
      Take();
      Add(call, Make(Kind::kKeyword, line, std::move(name), Expression()));
    } else {
      if (named || listed) Fail("an argument without a name behind one that has one");
      Add(call, Expression());
    }
  }
  Take();
}

// | name(arguments) …; `inline_first` reads the first without its '|'.
NodePtr ExpressionParser::Filters(NodePtr input, bool inline_first) {
  while (inline_first || SkipOperator("|")) {
    inline_first = false;
    const int line = Now().line;
    NodePtr filter = Make(Kind::kFilter, line, DottedName(), std::move(input));
    if (IsOperator("(")) Arguments(*filter);
    input = std::move(filter);
  }
  return input;
}

NodePtr ExpressionParser::Test(NodePtr input) {
  const int line = Take().line;
  const bool negated = SkipName("not");
  NodePtr test = Make(Kind::kTest, line, DottedName(), std::move(input));
  const Token& token = Now();
  if (IsOperator("(")) {
    Arguments(*test);
  } else if (token.kind == Token::kConstant || IsOperator("[") || IsOperator("{") ||
             (token.kind == Token::kName && token.text != "else" && token.text != "or" &&
              token.text != "and")) {
    if (IsName("is")) Fail("tests in a row: 'is' behind 'is'");
    Add(*test, Postfix(Primary(false)));
  }
  return negated ? Make(Kind::kUnary, line, "not", std::move(test)) : std::move(test);
}

std::string ExpressionParser::DottedName() {
  std::string name = ExpectName();
  while (SkipOperator(".")) name += "." + ExpectName();
  return name;
}

}  // namespace retort::model::jinja
