#include "verifiers/math/internal/relation.h"

#include <algorithm>

#include "verifiers/math/internal/parse.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

NodeId FirstName(const Tree& tree, std::span<const NodeId> sides) {
  for (const NodeId side : sides) {
    if (IsName(tree, side)) return side;
  }
  return kNoNode;
}

// m\\angle A, \\triangle ABC
bool MeasuresAngle(const Tree& tree, NodeId id) {
  return tree[id].op == Op::kMul && std::ranges::any_of(tree.Children(id), [&](NodeId child) {
           return tree[child].text == "angle" || tree[child].text == "triangle";
         });
}

}  // namespace

bool IsName(const Tree& tree, NodeId id) {
  tree.Spend(20);
  if (tree[id].depth > kMaxAnswerDepth) return false;
  switch (tree[id].op) {
    case Op::kSymbol:
    case Op::kApply:
    case Op::kText:
    case Op::kI:  // as a variable
    case Op::kE:
      return true;
    case Op::kFunction: {
      const Function f = tree.FunctionOf(id);
      return tree[id].count == 1 && f != Function::kFactorial && IsName(tree, tree.Child(id, 0));
    }
    case Op::kDivide:
    case Op::kRatio:
    case Op::kMul:
    case Op::kTuple:
      if (MeasuresAngle(tree, id)) return true;
      return std::ranges::all_of(tree.Children(id), [&](NodeId child) {
        const Node& node = tree[child];
        if (tree[id].op != Op::kMul) return IsName(tree, child);
        if (node.op == Op::kPower) return false;
        const bool capital = node.op == Op::kSymbol && !node.text.empty() &&
                             (node.text.size() > 1 || IsUpper(node.text[0]));
        return capital || (node.op != Op::kSymbol && IsName(tree, child));
      });
    default:
      return false;
  }
}

NodeId NamedSide(const Tree& tree, NodeId relation) {
  return FirstName(tree, tree.Children(relation));
}

std::optional<Assignment> ReadAssignment(const Tree& tree, NodeId id) {
  if (tree[id].op != Op::kRelation) return std::nullopt;
  const auto sides = tree.Children(id);
  const std::string_view relations = tree[id].text;
  if (relations == "e") return Assignment{sides[0], sides[1]};
  size_t exact = 0;
  for (size_t i = 0; i < relations.size(); ++i) {
    if (relations[i] != kEqualTo && relations[i] != kApproximately && relations[i] != kCongruent) {
      return std::nullopt;
    }
    if (relations[i] != kApproximately && exact == i) exact = i + 1;
  }
  size_t last = exact == 0 ? relations.size() : exact;
  // 5 = x, x = ½ ln 2 = y
  if (tree[sides[last]].op == Op::kSymbol) {
    for (size_t i = last; i-- > 0;) {
      if (!tree[sides[i]].scalar || !tree[sides[i]].constant) continue;
      return Assignment{FirstName(tree, sides), sides[i]};
    }
  }
  return Assignment{FirstName(tree, sides.first(last)), sides[last]};
}

}  // namespace retort::verifiers
