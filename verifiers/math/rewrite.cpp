#include "verifiers/math/internal/rewrite.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_map>

#include "verifiers/math/internal/evaluate.h"

namespace retort::verifiers {

namespace {

using Change = std::function<NodeId(NodeId)>;

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

NodeId Rewrite(Tree& tree, NodeId id, const Change& change) {
  std::unordered_map<NodeId, NodeId> made{{id, id}};
  Nodes open{id}, inner;
  while (!open.empty()) {
    const NodeId node = open.back();
    open.pop_back();
    tree.Spend(60 + 20 * tree[node].count);
    const NodeId other = change(node);
    if (other != kNoNode) {
      made[node] = other;
      continue;
    }
    if (tree[node].count > 0) inner.push_back(node);
    const std::span<const NodeId> children = tree.Children(node);
    for (auto it = children.rbegin(); it != children.rend(); ++it) {  // clang 14 has no views
      if (made.try_emplace(*it, *it).second) open.push_back(*it);
    }
  }
  std::ranges::sort(inner);  // children first
  for (const NodeId node : inner) {
    Nodes children = tree.CopyOfChildren(node);
    for (NodeId& child : children) child = made.at(child);
    if (std::ranges::equal(children, tree.Children(node))) continue;
    made[node] = tree.Add(tree[node].op, tree[node].text, children, tree[node].detail);
  }
  return made.at(id);
}

Nodes WithoutPlusMinus(Tree& tree, NodeId id) {
  if (!tree[id].plus_minus) return {id};
  return {Signed(tree, id, true), Signed(tree, id, false)};
}

namespace {

// The tree may grow up to so many nodes.
NodeId Unrolled(Tree& tree, NodeId id, int64_t most) {
  constexpr int64_t kMaxTerms = 1000;
  if (!tree[id].opaque) return id;
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
    const NodeId inside = Unrolled(tree, body, most);
    Nodes terms{tree.Number(sum ? 0 : 1)};
    for (int64_t k = *low; k <= *high; ++k) {
      if (tree.size() > most) return kNoNode;
      const NodeId number = k < 0 ? tree.Add(Op::kNegate, {tree.Number(-k)}) : tree.Number(k);
      terms.push_back(Rewrite(tree, inside, [&](NodeId leaf) {
        return tree[leaf].op == op && tree[leaf].text == name ? number : kNoNode;
      }));
    }
    return terms.size() == 1 ? terms[0] : tree.Add(sum ? Op::kAdd : Op::kMul, {}, terms);
  });
}

}  // namespace

NodeId Unrolled(Tree& tree, NodeId id) { return Unrolled(tree, id, tree.size() + 60'000); }

NodeId Renamed(Tree& tree, NodeId gold, NodeId answer) {
  const auto names = [&](NodeId id) {
    std::vector<std::string_view> order;
    Rewrite(tree, id, [&](NodeId node) {
      if (tree[node].op != Op::kSymbol) return kNoNode;
      tree.Spend(5 * static_cast<int64_t>(order.size()));
      if (std::ranges::find(order, tree[node].text) == order.end()) {
        order.push_back(tree[node].text);
      }
      return kNoNode;
    });
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

bool Mentions(const Tree& tree, NodeId id, std::string_view symbol) {
  Nodes open{id};
  while (!open.empty()) {
    const NodeId node = open.back();
    open.pop_back();
    tree.Spend(20);
    if (tree[node].op == Op::kSymbol && tree[node].text == symbol) return true;
    const auto children = tree.Children(node);
    open.insert(open.end(), children.begin(), children.end());
  }
  return false;
}

}  // namespace retort::verifiers
