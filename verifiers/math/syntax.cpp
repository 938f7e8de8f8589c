#include "verifiers/math/internal/syntax.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/fingerprint.h"

namespace retort::verifiers {

namespace {

constexpr std::array<std::string_view, 42> kFunctionNames{
    "sin",       "cos",      "tan",       "cot",  "sec",     "csc",  "arcsin", "arccos", "arctan",
    "arccot",    "arcsec",   "arccsc",    "sinh", "cosh",    "tanh", "coth",   "arsinh", "arcosh",
    "artanh",    "ln",       "log",       "log",  "exp",     "abs",  "floor",  "ceil",   "sign",
    "factorial", "binomial", "gcd",       "lcm",  "max",     "min",  "mod",    "Re",     "Im",
    "conjugate", "det",      "transpose", "tr",   "inverse", ""};
static_assert(kFunctionNames[static_cast<size_t>(Function::kInverse)] == "inverse");

// How tightly an operator holds its operands together.
int Binding(const Node& node) {
  switch (node.op) {
    case Op::kList:
      return 0;
    case Op::kRelation:
      return 1;
    case Op::kUnion:
    case Op::kIntersection:
    case Op::kSetMinus:
      return 2;
    case Op::kRatio:
      return 3;
    case Op::kAdd:
      return 4;
    case Op::kNegate:
    case Op::kPlusMinus:
      return 5;
    case Op::kMul:
    case Op::kDivide:
      return 6;
    case Op::kPower:
    case Op::kPercent:
      return 7;
    default:
      return 8;
  }
}

std::string CanonicalNumber(const Node& node) {
  std::string_view digits = node.text;
  while (digits.size() > 1 && digits[0] == '0' && digits[1] != '.') digits.remove_prefix(1);
  if (digits.find('.') != std::string_view::npos) {
    while (digits.ends_with('0')) digits.remove_suffix(1);
    if (digits.ends_with('.')) digits.remove_suffix(1);
  }
  std::string text(digits.empty() || digits[0] == '.' ? "0" : "");
  text += digits;
  if (node.detail != 0) text += StrCat("_", static_cast<int>(node.detail));
  return text;
}

std::string_view RelationSign(char relation) {
  switch (relation) {
    case kNotEqual:
      return " != ";
    case kLess:
      return " < ";
    case kLessEqual:
      return " <= ";
    case kGreater:
      return " > ";
    case kGreaterEqual:
      return " >= ";
    case kApproximately:
      return " ~ ";
    case kElementOf:
      return " in ";
    case kSubsetOf:
      return " subset ";
    case kCongruent:
      return " congruent ";
    default:
      return " = ";
  }
}

bool IsScalarOp(Op op) {
  return op <= Op::kOpaque && op != Op::kText && op != Op::kEmptySet && op != Op::kPlusMinus;
}

// Memory is paid for as well: no more than a byte for every two units.
constexpr int64_t kNodeCost = 100, kChildCost = 10, kByteCost = 2;
constexpr uint16_t kDeepest = 65'534;

constexpr size_t kMaxNormalForm = 4096;

void Shorten(std::string& text) {
  if (text.size() <= kMaxNormalForm) return;
  text = StrCat(text.substr(0, kMaxNormalForm / 2), "…", Fnv1a(text), "/", text.size());
}

std::string Joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += between;
    text += parts[i];
  }
  return text;
}

// `parts`: the children written out, in their order.
std::string Write(const Tree& tree, NodeId id, std::vector<std::string> parts, bool commutes) {
  const Node& node = tree[id];
  const auto children = tree.Children(id);
  const auto bracket = [&](size_t i, int binding) {
    if (Binding(tree[children[i]]) < binding) parts[i] = StrCat("(", parts[i], ")");
  };
  const auto sorted = [&](std::string_view between) {
    std::sort(parts.begin(), parts.end());
    return Joined(parts, between);
  };
  switch (node.op) {
    case Op::kNumber:
      return CanonicalNumber(node);
    case Op::kSymbol:
    case Op::kText:
      return std::string(node.text);
    case Op::kPi:
      return "pi";
    case Op::kE:
      return "e";
    case Op::kI:
      return "i";
    case Op::kInfinity:
      return "infinity";
    case Op::kEmptySet:
      return "{}";
    case Op::kAdd:
      for (size_t i = 0; i < parts.size(); ++i) bracket(i, 4);
      return sorted(" + ");
    case Op::kMul:
      for (size_t i = 0; i < parts.size(); ++i) bracket(i, 6);
      return commutes ? sorted("*") : Joined(parts, "*");
    case Op::kDivide:
      bracket(0, 6);
      bracket(1, 7);
      return StrCat(parts[0], "/", parts[1]);
    case Op::kNegate:
      bracket(0, 6);
      return StrCat("-", parts[0]);
    case Op::kPlusMinus:
      bracket(0, 6);
      return StrCat(node.detail ? "-+" : "+-", parts[0]);
    case Op::kPower:
      bracket(0, 8);
      bracket(1, 8);
      return StrCat(parts[0], "^", parts[1]);
    case Op::kRoot:
      return parts[1] == "2" ? StrCat("sqrt(", parts[0], ")")
                             : StrCat("root(", parts[0], ", ", parts[1], ")");
    case Op::kPercent:
      bracket(0, 8);
      return StrCat(parts[0], "%");
    case Op::kFunction:
      return StrCat(FunctionName(tree.FunctionOf(id)), "(", Joined(parts, ", "), ")");
    case Op::kApply:
    case Op::kOpaque:
      return StrCat(node.text, "(", Joined(parts, ", "), ")");
    case Op::kQuantity:
      bracket(0, 6);
      return StrCat(parts[0], " ", node.text);
    case Op::kRatio:
      for (size_t i = 0; i < parts.size(); ++i) bracket(i, 4);
      return Joined(parts, " : ") + (node.detail == 0 ? "" : node.detail == 1 ? " am" : " pm");
    case Op::kTuple:
      return StrCat("(", Joined(parts, ", "), ")");
    case Op::kInterval:
      return StrCat(node.detail & 1 ? "[" : "(", Joined(parts, ", "), node.detail & 2 ? "]" : ")");
    case Op::kSet:
      return StrCat("{", sorted(", "), "}");
    case Op::kList: {
      for (size_t i = 0; i < parts.size(); ++i) bracket(i, 1);
      const bool conditions = node.detail >= 2 && std::ranges::any_of(children, [&](NodeId child) {
                                return tree[child].op == Op::kRelation;
                              });
      // Blanks are filled in their order, and sequences go on in theirs.
      const bool texts =
          std::ranges::all_of(children, [&](NodeId child) { return tree[child].op == Op::kText; });
      const bool dots = std::ranges::any_of(children, [&](NodeId child) {
        return tree[child].op == Op::kText && tree[child].text == "...";
      });
      const bool symbols = node.detail >= 2 && std::ranges::all_of(children, [&](NodeId child) {
                             return tree[child].op == Op::kSymbol;
                           });
      if (symbols) return sorted(node.detail == 2 ? " and " : " or ");
      if (dots || (texts && node.detail < 2)) return Joined(parts, ", ");
      return sorted(!conditions ? ", " : node.detail == 2 ? " and " : " or ");
    }
    case Op::kUnion:
      return sorted(" union ");
    case Op::kIntersection:
      return sorted(" intersect ");
    case Op::kSetMinus:
      bracket(1, 3);
      return Joined(parts, " minus ");
    case Op::kMatrix: {
      std::string text = "[";
      for (size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) text += i % node.detail == 0 ? "; " : ", ";
        text += parts[i];
      }
      return text + "]";
    }
    case Op::kRelation: {
      std::string text = std::move(parts[0]);
      for (size_t i = 1; i < parts.size(); ++i) {
        text += RelationSign(node.text[i - 1]);
        text += parts[i];
      }
      return text;
    }
  }
  return "";
}

}  // namespace

std::string_view FunctionName(Function function) {
  return kFunctionNames[static_cast<size_t>(function)];
}

std::span<const NodeId> Tree::Children(NodeId id) const {
  const Node& node = (*this)[id];
  return std::span(children_).subspan(static_cast<size_t>(node.first),
                                      static_cast<size_t>(node.count));
}

NodeId Tree::Add(Op op, std::string_view text, std::span<const NodeId> children, int detail) {
  Spend(kNodeCost + kChildCost * static_cast<int64_t>(children.size()));
  if (!text.empty()) text = Keep(std::string(text));
  Node node{.op = op,
            .detail = static_cast<uint8_t>(detail),
            .plus_minus = op == Op::kPlusMinus,
            .matrix = op == Op::kMatrix,
            .opaque = op == Op::kOpaque,
            .first = static_cast<int32_t>(children_.size()),
            .count = static_cast<int32_t>(children.size()),
            .text = text};
  node.scalar = IsScalarOp(op);
  node.constant = op != Op::kSymbol && op != Op::kApply && !node.IsAtom();
  for (const NodeId child : children) {
    const Node& below = (*this)[child];
    node.scalar = node.scalar && (below.scalar || node.IsAtom());
    node.constant = node.constant && below.constant;
    node.plus_minus = node.plus_minus || below.plus_minus;
    node.matrix = node.matrix || below.matrix;
    node.opaque = node.opaque || below.opaque;
    node.depth = std::max<uint16_t>(node.depth, std::min(below.depth, kDeepest) + 1);
  }
  nodes_.push_back(node);
  children_.insert(children_.end(), children.begin(), children.end());
  return static_cast<NodeId>(nodes_.size() - 1);
}

NodeId Tree::Add(Op op, std::initializer_list<NodeId> children, int detail) {
  return Add(op, {}, std::span(children.begin(), children.size()), detail);
}

NodeId Tree::Add(Function function, std::initializer_list<NodeId> arguments) {
  return Add(Op::kFunction, arguments, static_cast<int>(function));
}

std::string_view Tree::Keep(std::string text) {
  Spend(kNodeCost + kByteCost * static_cast<int64_t>(text.size()));
  return texts_.emplace_back(std::move(text));
}

NodeId Tree::Number(int64_t value) { return Add(Op::kNumber, std::to_string(value)); }

// Children come before parents: no recursion, whatever the depth.
std::string NormalForm(const Tree& tree, NodeId id) {
  NodeId low = id;  // no node below it belongs to the tree of `id`
  for (NodeId i = id; i >= low; --i) {
    for (const NodeId child : tree.Children(i)) low = std::min(low, child);
  }
  if (low == id) {
    std::string text = Write(tree, id, {}, true);
    tree.Spend(kNodeCost + kByteCost * static_cast<int64_t>(text.size()));
    Shorten(text);
    return text;
  }
  const auto at = [&](NodeId node) { return static_cast<size_t>(node - low); };
  const size_t n = at(id) + 1;
  tree.Spend(20 * static_cast<int64_t>(n));
  std::vector<int32_t> uses(n);
  std::vector<bool> matrix(n);
  uses[n - 1] = 1;
  for (NodeId i = id; i >= low; --i) {
    if (uses[at(i)] == 0) continue;
    for (const NodeId child : tree.Children(i)) ++uses[at(child)];
  }
  std::vector<std::string> texts(n);
  for (NodeId i = low; i <= id; ++i) {
    if (uses[at(i)] == 0) continue;
    std::vector<std::string> parts;
    matrix[at(i)] = tree[i].op == Op::kMatrix;
    for (const NodeId child : tree.Children(i)) {
      if (matrix[at(child)]) matrix[at(i)] = true;
      parts.push_back(--uses[at(child)] == 0 ? std::move(texts[at(child)]) : texts[at(child)]);
    }
    texts[at(i)] = Write(tree, i, std::move(parts), !matrix[at(i)]);
    tree.Spend(kNodeCost + kByteCost * static_cast<int64_t>(texts[at(i)].size()));
    Shorten(texts[at(i)]);
  }
  return std::move(texts[n - 1]);
}

}  // namespace retort::verifiers
