#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "exec/internal/vm_lexer.h"
#include "exec/internal/vm_tree.h"
#include "exec/vm.h"

namespace retort::exec {
namespace {

using Kind = VmToken::Kind;

struct Function {
  std::string_view name;
  size_t min_arguments, max_arguments;
};
constexpr size_t kAny = 1000;
constexpr Function kFunctions[] = {{"len", 1, 1},    {"abs", 1, 1}, {"min", 1, kAny},
                                   {"max", 1, kAny}, {"sum", 1, 1}, {"sorted", 1, 1}};
// Python's words that mean something else there or nothing here.
constexpr std::string_view kReserved[] = {
    "and",      "append",  "as",       "assert", "async",  "await",  "break", "class",
    "continue", "def",     "del",      "elif",   "else",   "except", "False", "for",
    "from",     "finally", "global",   "if",     "import", "in",     "is",    "lambda",
    "main",     "None",    "nonlocal", "not",    "or",     "pass",   "raise", "range",
    "return",   "True",    "try",      "while",  "with",   "yield"};

bool IsReserved(std::string_view name) {
  return std::ranges::count(kReserved, name) > 0 ||
         std::ranges::count(kFunctions, name, &Function::name) > 0;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(LexVm(text)) {}

  VmTree Parse() {
    Expect("def");
    Expect("main");
    Expect("(");
    while (!Is(")")) {
      const std::string name = TakeName();
      RETORT_CHECK(Slot(name) == static_cast<int>(tree_.parameters.size()), Where(),
                   ": the parameter ", name, " is there twice");
      tree_.parameters.push_back(name);
      if (!Accept(",")) break;
    }
    Expect(")");
    tree_.body = Block();
    if (token().kind != Kind::kEnd) Unexpected("nothing after main");
    return std::move(tree_);
  }

 private:
  const VmToken& token() const { return tokens_[at_]; }
  std::string Where() const { return StrCat("line ", token().line); }
  bool IsKind(Kind kind) const { return token().kind == kind; }
  bool Is(std::string_view text) const {
    return (IsKind(Kind::kSymbol) || IsKind(Kind::kName)) && token().text == text;
  }
  bool Accept(std::string_view text) {
    if (!Is(text)) return false;
    ++at_;
    return true;
  }
  bool Accept(Kind kind) {
    if (!IsKind(kind)) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void Unexpected(std::string_view expected) const {
    Fail(Where(), ": expected ", expected, ", got '", token().text, "'");
  }
  void Expect(std::string_view text) {
    if (!Accept(text)) Unexpected(StrCat("'", text, "'"));
  }
  std::string TakeName() {
    if (!IsKind(Kind::kName) || IsReserved(token().text)) Unexpected("a name");
    return tokens_[at_++].text;
  }

  int Slot(const std::string& name) {
    const auto found = std::ranges::find(tree_.names, name);
    if (found == tree_.names.end()) {
      tree_.names.push_back(name);
      return static_cast<int>(tree_.names.size()) - 1;
    }
    return static_cast<int>(found - tree_.names.begin());
  }

  int Add(VmNode node) {
    for (const int child : node.children) {
      if (child == VmTree::kNone) continue;
      node.depth = std::max(node.depth, tree_.nodes[static_cast<size_t>(child)].depth + 1);
    }
    RETORT_CHECK(node.depth <= VmProgram::kMaxDepth, "line ", node.line, ": nests deeper than ",
                 VmProgram::kMaxDepth, "; use a variable for a part");
    tree_.nodes.push_back(std::move(node));
    return static_cast<int>(tree_.nodes.size()) - 1;
  }
  VmNode Make(VmKind kind, std::vector<int> children = {}) const {
    return {.kind = kind, .line = token().line, .children = std::move(children)};
  }
  int AddBinary(int line, std::string op, int left, int right) {
    return Add(
        {.kind = VmKind::kBinary, .line = line, .text = std::move(op), .children = {left, right}});
  }

  // Counts the recursion of the parser itself, which the depth of finished nodes comes too late
  // for.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      RETORT_CHECK(++parser_.nesting_ <= VmProgram::kMaxDepth, parser_.Where(),
                   ": nests deeper than ", VmProgram::kMaxDepth, "; use a variable for a part");
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  // --- statements ---

  int Block() {
    const Nesting nesting(*this);
    Expect(":");
    VmNode block = Make(VmKind::kBlock);
    if (!Accept(Kind::kNewline)) {
      SimpleLine(block.children);
    } else {
      if (!Accept(Kind::kIndent)) Unexpected("an indented block");
      while (!Accept(Kind::kDedent)) Statement(block.children);
    }
    return Add(std::move(block));
  }

  void SimpleLine(std::vector<int>& statements) {
    do {
      statements.push_back(Simple());
    } while (Accept(";") && !IsKind(Kind::kNewline));
    if (!Accept(Kind::kNewline)) Unexpected("the end of the line");
  }

  void Statement(std::vector<int>& statements) {
    if (Is("if")) {
      statements.push_back(If());
    } else if (Is("while")) {
      VmNode node = Make(VmKind::kWhile);
      ++at_;
      node.children.push_back(Expression());
      node.children.push_back(LoopBlock());
      statements.push_back(Add(std::move(node)));
    } else if (Is("for")) {
      statements.push_back(For());
    } else {
      SimpleLine(statements);
    }
  }

  int LoopBlock() {
    ++loops_;
    const int block = Block();
    --loops_;
    return block;
  }

  int If() {
    VmNode node = Make(VmKind::kIf);
    ++at_;
    do {
      node.children.push_back(Expression());
      node.children.push_back(Block());
    } while (Accept("elif"));
    if (Accept("else")) node.children.push_back(Block());
    return Add(std::move(node));
  }

  int For() {
    VmNode node = Make(VmKind::kFor);
    ++at_;
    node.slot = Slot(TakeName());
    Expect("in");
    if (Accept("range")) {
      node.kind = VmKind::kForRange;
      Expect("(");
      node.children = Arguments(")");
      RETORT_CHECK(node.children.size() >= 1 && node.children.size() <= 3, Where(),
                   ": range takes 1 to 3 numbers");
    } else {
      node.children = {Expression()};
    }
    node.children.push_back(LoopBlock());
    return Add(std::move(node));
  }

  int Simple() {
    for (const auto& [word, kind] : {std::pair{"break", VmKind::kBreak},
                                     {"continue", VmKind::kContinue},
                                     {"pass", VmKind::kPass}}) {
      if (!Is(word)) continue;
      RETORT_CHECK(kind == VmKind::kPass || loops_ > 0, Where(), ": ", word, " outside of a loop");
      VmNode node = Make(kind);
      ++at_;
      return Add(std::move(node));
    }
    if (Is("return")) {
      VmNode node = Make(VmKind::kReturn);
      ++at_;
      node.children.push_back(Expression());
      return Add(std::move(node));
    }
    return Assignment();
  }

  int Assignment() {
    const int line = token().line;
    const int slot = Slot(TakeName());
    const auto name = [&] { return Add({.kind = VmKind::kName, .line = line, .slot = slot}); };
    if (Accept(".")) {
      Expect("append");
      Expect("(");
      const int value = Expression();
      Expect(")");
      return Add({.kind = VmKind::kAppend, .line = line, .slot = slot, .children = {value}});
    }
    int list = VmTree::kNone, index = VmTree::kNone;
    if (Is("[")) list = name();
    while (Accept("[")) {
      if (index != VmTree::kNone) {
        list = Add({.kind = VmKind::kIndex, .line = line, .children = {list, index}});
      }
      index = Expression();
      Expect("]");
    }
    int value = VmTree::kNone;
    if (Accept("=")) {
      value = Expression();
    } else {
      const std::string op = token().text;
      static constexpr std::string_view kUpdates[] = {"+=", "-=", "*=", "//=", "%="};
      if (!IsKind(Kind::kSymbol) || std::ranges::count(kUpdates, op) == 0) Unexpected("'='");
      ++at_;
      const int old = index == VmTree::kNone
                          ? name()
                          : Add({.kind = VmKind::kIndex, .line = line, .children = {list, index}});
      value = AddBinary(line, op.substr(0, op.size() - 1), old, Expression());
      tree_.nodes[static_cast<size_t>(value)].number = 1;
    }
    if (index == VmTree::kNone) {
      return Add({.kind = VmKind::kAssign, .line = line, .slot = slot, .children = {value}});
    }
    return Add({.kind = VmKind::kAssignItem,
                .line = line,
                .slot = slot,
                .children = {list, index, value}});
  }

  // --- expressions ---

  int Expression() {
    const Nesting nesting(*this);
    int left = Conjunction();
    for (VmNode node = Make(VmKind::kOr); Accept("or"); node = Make(VmKind::kOr)) {
      node.children = {left, Conjunction()};
      left = Add(std::move(node));
    }
    return left;
  }

  int Conjunction() {
    int left = Negation();
    for (VmNode node = Make(VmKind::kAnd); Accept("and"); node = Make(VmKind::kAnd)) {
      node.children = {left, Negation()};
      left = Add(std::move(node));
    }
    return left;
  }

  int Negation() {
    VmNode node = Make(VmKind::kNot);
    if (!Accept("not")) return Comparison();
    const Nesting nesting(*this);
    node.children.push_back(Negation());
    return Add(std::move(node));
  }

  std::string TakeComparison() {
    for (const std::string_view op : {"==", "!=", "<=", ">=", "<", ">", "in"}) {
      if (Accept(op)) return std::string(op);
    }
    if (!Accept("not")) return "";
    Expect("in");
    return "not in";
  }

  int Comparison() {
    const int left = Sum();
    const int line = token().line;
    std::string op = TakeComparison();
    if (op.empty()) return left;
    const int both = AddBinary(line, std::move(op), left, Sum());
    // Python reads a<b<c as a<b and b<c.
    RETORT_CHECK(TakeComparison().empty(), Where(), ": join two comparisons by 'and'");
    return both;
  }

  int Sum() {
    int left = Product();
    while (Is("+") || Is("-")) {
      const VmToken op = tokens_[at_++];
      left = AddBinary(op.line, op.text, left, Product());
    }
    return left;
  }

  int Product() {
    int left = Unary();
    while (Is("*") || Is("//") || Is("%")) {
      const VmToken op = tokens_[at_++];
      left = AddBinary(op.line, op.text, left, Unary());
    }
    return left;
  }

  int Unary() {
    VmNode node = Make(VmKind::kNegate);
    if (!Accept("-")) return Postfix();
    const Nesting nesting(*this);
    if (IsKind(Kind::kNumber)) {
      node.kind = VmKind::kNumber;
      node.number = -tokens_[at_++].number;
      return Add(std::move(node));
    }
    node.children.push_back(Unary());
    return Add(std::move(node));
  }

  int Postfix() { return Index(Atom()); }

  int Index(int whole) {
    while (Is("[")) {
      const Nesting nesting(*this);
      VmNode node = Make(VmKind::kIndex, {whole});
      ++at_;
      const int begin = Is(":") ? VmTree::kNone : Expression();
      node.children.push_back(begin);
      if (Accept(":")) {
        node.kind = VmKind::kSlice;
        node.children.push_back(Is("]") ? VmTree::kNone : Expression());
      }
      Expect("]");
      whole = Add(std::move(node));
    }
    return whole;
  }

  std::vector<int> Arguments(std::string_view close) {
    std::vector<int> items;
    while (!Is(close)) {
      items.push_back(Expression());
      if (!Accept(",")) break;
    }
    Expect(close);
    return items;
  }

  int Atom() {
    VmNode node = Make(VmKind::kNumber);
    if (IsKind(Kind::kNumber)) {
      node.number = tokens_[at_++].number;
      return Add(std::move(node));
    }
    if (IsKind(Kind::kText)) {
      node.kind = VmKind::kText;
      node.text = tokens_[at_++].text;
      return Add(std::move(node));
    }
    if (Accept("(")) {
      const int inner = Expression();
      Expect(")");
      return inner;
    }
    if (Accept("[")) {
      node.kind = VmKind::kList;
      node.children = Arguments("]");
      return Add(std::move(node));
    }
    if (Is("True") || Is("False")) {
      node.kind = VmKind::kBoolean;
      node.number = tokens_[at_++].text == "True";
      return Add(std::move(node));
    }
    const auto* function = std::ranges::find(kFunctions, token().text, &Function::name);
    if (IsKind(Kind::kName) && function != std::end(kFunctions)) return Call(*function);
    node.kind = VmKind::kName;
    node.slot = Slot(TakeName());
    return Add(std::move(node));
  }

  int Call(const Function& function) {
    VmNode node = Make(VmKind::kCall);
    node.text = function.name;
    ++at_;
    Expect("(");
    node.children = Arguments(")");
    const size_t count = node.children.size();
    RETORT_CHECK(count >= function.min_arguments && count <= function.max_arguments, "line ",
                 node.line, ": ", function.name, " got ", count, " arguments");
    return Add(std::move(node));
  }

  std::vector<VmToken> tokens_;
  size_t at_ = 0;
  int nesting_ = 0, loops_ = 0;
  VmTree tree_;
};

}  // namespace

VmTree ParseVm(std::string_view text) {
  RETORT_CHECK(text.size() <= VmProgram::kMaxBytes, "the program has ", text.size(),
               " bytes, more than ", VmProgram::kMaxBytes);
  return Parser(text).Parse();
}

}  // namespace retort::exec
