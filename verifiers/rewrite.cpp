#include "verifiers/rewrite.h"

#include <algorithm>
#include <string_view>

#include "verifiers/evaluate.h"

namespace retort::verifiers {

namespace {

using Change = std::function<NodeId(NodeId)>;

NodeId Copied(Tree& tree, NodeId id, const Change& change, int depth) {
  if (depth > 200) return id;
  if (const NodeId other = change(id); other != kNoNode) return other;
  Nodes children = tree.CopyOfChildren(id);
  bool changed = false;
  for (NodeId& child : children) {
    const NodeId other = Copied(tree, child, change, depth + 1);
    changed = changed || other != child;
    child = other;
  }
  return changed ? tree.Add(tree[id].op, tree[id].text, children, tree[id].detail) : id;
}

bool HasPlusMinus(const Tree& tree, NodeId id) {
  int budget = 4000;
  Nodes stack{id};
  while (!stack.empty() && --budget > 0) {
    const NodeId node = stack.back();
    stack.pop_back();
    if (tree[node].op == Op::kPlusMinus) return true;
    const auto children = tree.Children(node);
    stack.insert(stack.end(), children.begin(), children.end());
  }
  return false;
}

// The upper or the lower signs.
NodeId Signed(Tree& tree, NodeId id, bool upper) {
  return Rewrite(tree, id, [&](NodeId node) {
    if (tree[node].op != Op::kPlusMinus) return kNoNode;
    const bool plus = (tree[node].detail == 0) == upper;
    const NodeId inside = Signed(tree, tree.Child(node, 0), upper);
    return plus ? inside : tree.Add(Op::kNegate, {inside});
  });
}

}  // namespace

NodeId Rewrite(Tree& tree, NodeId id, const std::function<NodeId(NodeId)>& change) {
  return Copied(tree, id, change, 0);
}

Nodes WithoutPlusMinus(Tree& tree, NodeId id) {
  if (!HasPlusMinus(tree, id)) return {id};
  return {Signed(tree, id, true), Signed(tree, id, false)};
}

NodeId Unrolled(Tree& tree, NodeId id) {
  constexpr int64_t kMaxTerms = 1000, kMaxSize = 60'000;
  return Rewrite(tree, id, [&](NodeId node) {
    const bool sum = tree[node].text == "sum";
    if (tree[node].op != Op::kOpaque || !(sum || tree[node].text == "product")) return kNoNode;
    if (tree[node].count != 3) return kNoNode;
    const NodeId start = tree.Child(node, 0), body = tree.Child(node, 2);
    if (tree[start].op != Op::kRelation || tree[start].text != "=") return kNoNode;
    const NodeId index = tree.Child(start, 0);
    const Op op = tree[index].op;
    if (op != Op::kSymbol && op != Op::kI) return kNoNode;  // i is a popular index
    const auto low = SmallInteger(tree, tree.Child(start, 1));
    const auto high = SmallInteger(tree, tree.Child(node, 1));
    if (!low || !high || *high - *low >= kMaxTerms) return kNoNode;
    const std::string_view name = tree[index].text;
    Nodes terms{tree.Number(sum ? 0 : 1)};
    for (int64_t k = *low; k <= *high; ++k) {
      if (tree.size() > kMaxSize) return kNoNode;
      const NodeId number = k < 0 ? tree.Add(Op::kNegate, {tree.Number(-k)}) : tree.Number(k);
      terms.push_back(Rewrite(tree, Unrolled(tree, body), [&](NodeId leaf) {
        return tree[leaf].op == op && tree[leaf].text == name ? number : kNoNode;
      }));
    }
    return terms.size() == 1 ? terms[0] : tree.Add(sum ? Op::kAdd : Op::kMul, {}, terms);
  });
}

NodeId Renamed(Tree& tree, NodeId gold, NodeId answer) {
  const auto names = [&](NodeId id) {
    std::vector<std::string_view> order;
    Nodes stack{id};
    while (!stack.empty()) {
      const NodeId node = stack.back();
      stack.pop_back();
      if (tree[node].op == Op::kSymbol &&
          std::ranges::find(order, tree[node].text) == order.end()) {
        order.push_back(tree[node].text);
      }
      const auto children = tree.Children(node);
      stack.insert(stack.end(), children.rbegin(), children.rend());
    }
    return order;
  };
  const auto from = names(answer), to = names(gold);
  if (from.size() != to.size() || from == to) return answer;
  return Rewrite(tree, answer, [&](NodeId node) {
    if (tree[node].op != Op::kSymbol) return kNoNode;
    const auto at = std::ranges::find(from, tree[node].text) - from.begin();
    return tree.Add(Op::kSymbol, to[static_cast<size_t>(at)]);
  });
}

}  // namespace retort::verifiers
