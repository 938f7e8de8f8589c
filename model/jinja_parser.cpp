// Statements.

#include "model/internal/jinja_parser.h"

#include <array>

#include "base/excerpt.h"

namespace retort::model::jinja {
namespace {

class Parser : ExpressionParser {
 public:
  Parser(std::vector<Token> tokens, const std::string& where)
      : ExpressionParser(std::move(tokens), where) {}

  NodePtr Run() {
    NodePtr root = Statements({});
    root->function = std::make_unique<jinja::Function>();
    return root;
  }

 private:
  // Up to a tag that is one of `ends`, whose name is then taken.
  NodePtr Statements(const Names& ends) {
    const Deeper deeper(*this);
    NodePtr body = Make(Kind::kBody, Now().line);
    NodePtr output;
    const auto add = [&](NodePtr node) {
      if (!output) output = Make(Kind::kOutput, Now().line);
      Add(*output, std::move(node));
    };
    const auto flush = [&] {
      if (output) Add(*body, std::move(output));
    };
    while (true) {
      const Token token = Take();
      if (token.kind == Token::kData) {
        add(Constant(token.line, token.text));
      } else if (token.kind == Token::kPrint) {
        add(TupleOr());
        Expect(Now().kind == Token::kPrintEnd, "'}}'");
        Take();
      } else if (token.kind == Token::kBlock) {
        flush();
        Expect(Now().kind == Token::kName, "a statement");
        if (std::ranges::find(ends, Now().text) != ends.end()) return body;
        NodePtr statement = Statement();
        Expect(Now().kind == Token::kBlockEnd, "'%}'");
        Take();
        Add(*body, std::move(statement));
      } else {
        if (!ends.empty()) Fail("the end of the template, expected '", ends.back(), "'");
        flush();
        return body;
      }
    }
  }

  // A body between tags: behind the opening one's name and arguments up to the closing name.
  NodePtr Block(const Names& ends) {
    SkipOperator(":");
    Expect(Now().kind == Token::kBlockEnd, "'%}'");
    Take();
    return Statements(ends);
  }
  NodePtr Block(std::string_view end) {
    NodePtr body = Block(Names{end});
    Take();
    return body;
  }

  NodePtr Statement() {
    const int line = Now().line;
    const std::string name = Now().text;
    if (name == "break" || name == "continue") {
      Take();
      return Make(name == "break" ? Kind::kBreak : Kind::kContinue, line);
    }
    constexpr std::array<std::pair<std::string_view, NodePtr (Parser::*)(int)>, 9> kStatements = {
        {{"for", &Parser::For},
         {"if", &Parser::If},
         {"set", &Parser::Set},
         {"macro", &Parser::Macro},
         {"call", &Parser::CallBlock},
         {"generation", &Parser::Generation},
         {"filter", &Parser::FilterBlock},
         {"with", &Parser::With},
         {"print", &Parser::Print}}};
    for (const auto& [known, parse] : kStatements) {
      if (name != known) continue;
      Take();
      return (this->*parse)(line);
    }
    Fail("the statement '", Excerpt(name), "' is unknown or not implemented");
  }

  NodePtr For(int line) {
    NodePtr target = Target({"in"}, false);
    Expect(SkipName("in"), "'in'");
    NodePtr iterable = TupleOr(false, {"recursive"});
    NodePtr test = SkipName("if") ? Expression() : nullptr;
    if (IsName("recursive")) Fail("a recursive loop is not implemented");
    NodePtr body = Block(Names{"else", "endfor"});
    NodePtr otherwise = Take().text == "else" ? Block("endfor") : nullptr;
    return Make(Kind::kFor, line, "", std::move(target), std::move(iterable), std::move(body),
                std::move(otherwise), std::move(test));
  }

  NodePtr If(int line) {
    const auto branch = [&](int at) {
      NodePtr test = TupleOr(false);
      return Make(Kind::kIf, at, "", std::move(test), Block(Names{"elif", "else", "endif"}));
    };
    NodePtr node = branch(line);
    NodePtr others = Make(Kind::kBody, line), otherwise;
    while (IsName("elif")) {
      const int at = Take().line;
      NodePtr other = branch(at);
      Add(*other, nullptr);
      Add(*other, nullptr);
      Add(*others, std::move(other));
    }
    if (Take().text == "else") otherwise = Block("endif");
    Add(*node, std::move(others));
    Add(*node, std::move(otherwise));
    return node;
  }

  NodePtr Set(int line) {
    NodePtr target = Target({}, true);
    if (SkipOperator("=")) return Make(Kind::kSet, line, "", std::move(target), TupleOr());
    NodePtr filter = Filters(nullptr);
    return Make(Kind::kSetBlock, line, "", std::move(target), std::move(filter), Block("endset"));
  }

  // (a, b=1): parameters and defaults.
  std::pair<NodePtr, NodePtr> Signature() {
    NodePtr parameters = Make(Kind::kBody, Now().line), defaults = Make(Kind::kBody, Now().line);
    ExpectOperator("(");
    while (!IsOperator(")")) {
      if (!parameters->kids.empty()) ExpectOperator(",");
      const int line = Now().line;
      NodePtr parameter = Make(Kind::kParameter, line, AssignableName());
      for (const NodePtr& other : parameters->kids) {
        if (other->text == parameter->text) Fail("the parameter '", other->text, "' stands twice");
      }
      if (SkipOperator("=")) {
        Add(*defaults, Expression());
      } else if (!defaults->kids.empty()) {
        Fail("a parameter without a default behind one that has one");
      }
      Add(*parameters, std::move(parameter));
    }
    Take();
    return {std::move(parameters), std::move(defaults)};
  }

  NodePtr Function(Kind kind, int line, std::string name, NodePtr call,
                   std::pair<NodePtr, NodePtr> signature, std::string_view end) {
    NodePtr node = Make(kind, line, std::move(name), std::move(call), std::move(signature.first),
                        std::move(signature.second), Block(end));
    node->function = std::make_unique<jinja::Function>();
    return node;
  }
  std::pair<NodePtr, NodePtr> NoSignature() {
    return {Make(Kind::kBody, Now().line), Make(Kind::kBody, Now().line)};
  }
  NodePtr Macro(int line) {
    std::string name = AssignableName();
    return Function(Kind::kMacro, line, std::move(name), nullptr, Signature(), "endmacro");
  }
  NodePtr CallBlock(int line) {
    auto signature = IsOperator("(") ? Signature() : NoSignature();
    NodePtr call = Expression();
    if (call->kind != Kind::kCall) Fail("a call block without a call");
    return Function(Kind::kCallBlock, line, "", std::move(call), std::move(signature), "endcall");
  }
  NodePtr Generation(int line) {
    return Function(Kind::kGeneration, line, "", nullptr, NoSignature(), "endgeneration");
  }

  NodePtr FilterBlock(int line) {
    NodePtr filter = Filters(nullptr, true);
    return Make(Kind::kFilterBlock, line, "", Block("endfilter"), std::move(filter));
  }

  NodePtr With(int line) {
    NodePtr targets = Make(Kind::kBody, line), values = Make(Kind::kBody, line);
    while (Now().kind != Token::kBlockEnd) {
      if (!targets->kids.empty()) ExpectOperator(",");
      NodePtr target = Target({}, false);
      MakeTarget(*target, Kind::kParameter);
      Add(*targets, std::move(target));
      ExpectOperator("=");
      Add(*values, Expression());
    }
    return Make(Kind::kWith, line, "", std::move(targets), std::move(values), Block("endwith"));
  }

  NodePtr Print(int line) {
    NodePtr output = Make(Kind::kOutput, line);
    while (Now().kind != Token::kBlockEnd) {
      if (!output->kids.empty()) ExpectOperator(",");
      Add(*output, Expression());
    }
    return output;
  }

  // ---- what is assigned to

  std::string AssignableName() {
    const std::string name = ExpectName();
    if (IsConstantName(name)) Fail("'", name, "' is assigned to");
    return name;
  }

  NodePtr Target(const Names& ends, bool members) {
    NodePtr target = ListOf([&] { return Primary(members); }, ends, false);
    MakeTarget(*target, Kind::kTarget);
    return target;
  }
  void MakeTarget(Node& node, Kind kind) {
    if (node.kind == Kind::kTuple) {
      for (const NodePtr& item : node.kids) MakeTarget(*item, kind);
    } else if (node.kind == Kind::kName || node.kind == Kind::kTarget) {
      node.kind = kind;
    } else if (node.kind != Kind::kMemberTarget) {
      Fail("something is assigned to that is no name");
    }
  }
};

}  // namespace

NodePtr Parse(std::string_view source, const std::string& where) {
  return Parser(Lex(source, where), where).Run();
}

}  // namespace retort::model::jinja
