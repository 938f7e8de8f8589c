// Lists, tuples and sets of real numbers.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "verifiers/math/internal/judge-inl.h"
#include "verifiers/math/internal/real_set.h"
#include "verifiers/math/internal/relation.h"
#include "verifiers/math/internal/rewrite.h"

namespace retort::verifiers {

Sameness Judge::InOrder(NodeId g, NodeId a) {
  const Nodes x = ChildrenOf(g), y = ChildrenOf(a);
  if (x.size() != y.size()) return Sameness::kDifferent;
  Sameness all = Sameness::kSame;
  for (size_t i = 0; i < x.size() && all != Sameness::kDifferent; ++i) {
    all = Both(all, Same(x[i], y[i]));
  }
  return all;
}

// "n = 1, 2, 3": the name belongs to all. "x = 1, y = 2": each has its own.
void Judge::DropCommonName(Nodes& items) {
  if (items.size() < 2) return;
  const auto first = ReadAssignment(tree_, items[0]);
  if (!first || first->name == kNoNode) return;
  const auto bare = [&](NodeId id) { return OpOf(id) != Op::kRelation; };
  if (std::all_of(items.begin() + 1, items.end(), bare)) items[0] = first->value;
}

// Every element has a name of its own: the values, in that order.
bool Judge::Named(const Nodes& items, Nodes& values) const {
  std::vector<std::string> names;
  for (const NodeId item : items) {
    const auto assignment = ReadAssignment(tree_, item);
    if (!assignment || assignment->name == kNoNode) return false;
    names.push_back(NormalForm(tree_, assignment->name));
    values.push_back(assignment->value);
  }
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) == names.end();
}

Nodes Judge::Items(NodeId id) {
  if (!IsList(id)) return {id};
  Nodes items = ChildrenOf(id);
  if (OpOf(id) == Op::kList) DropCommonName(items);
  return items;
}

// 1,22 read as a number.
NodeId Judge::DecimalComma(NodeId id) {
  if (OpOf(id) != Op::kList || tree_[id].detail != 1) return kNoNode;
  const NodeId whole = tree_.Child(id, 0), part = tree_.Child(id, 1);
  const bool negative = OpOf(whole) == Op::kNegate;
  const NodeId digits = negative ? tree_.Child(whole, 0) : whole;
  const NodeId number =
      tree_.Add(Op::kNumber, std::string(tree_[digits].text) + "." + std::string(tree_[part].text));
  return negative ? tree_.Add(Op::kNegate, {number}) : number;
}

// Inequalities, all of which hold or some of which do.
bool Judge::Conditions(NodeId id) const {
  return OpOf(id) == Op::kList && std::ranges::all_of(tree_.Children(id), [&](NodeId child) {
           return OpOf(child) == Op::kRelation && !ReadAssignment(tree_, child);
         });
}

// "x = kπ, k ∈ ℤ": takes statements about variables off both; false where there are none. Where
// both have one about an integer, it is called the same afterwards.
bool Judge::WithoutDomains(NodeId& g, NodeId& a) {
  const auto is_domain = [&](NodeId id) {
    if (OpOf(id) != Op::kRelation || tree_[id].text != "e") return false;
    const NodeId set = tree_.Child(id, 1);
    const NodeId named = OpOf(set) == Op::kPower ? tree_.Child(set, 0) : set;
    if (OpOf(named) != Op::kSymbol || OpOf(tree_.Child(id, 0)) != Op::kSymbol) return false;
    return std::string_view("RZNQC").find(tree_[named].text[0]) != std::string_view::npos;
  };
  const auto split = [&](NodeId& id) {
    Nodes rest, domains;
    if (OpOf(id) != Op::kList) return domains;
    for (const NodeId item : ChildrenOf(id)) (is_domain(item) ? domains : rest).push_back(item);
    if (rest.empty()) return Nodes();
    if (!domains.empty()) {
      id = rest.size() == 1 ? rest[0] : tree_.Add(Op::kList, {}, rest, tree_[id].detail);
    }
    return domains;
  };
  const Nodes gold = split(g), answer = split(a);
  if (gold.empty() && answer.empty()) return false;
  if (gold.size() != 1 || answer.size() != 1) return true;
  const NodeId to = tree_.Child(gold[0], 0), from = tree_.Child(answer[0], 0);
  const bool same_set =
      NormalForm(tree_, tree_.Child(gold[0], 1)) == NormalForm(tree_, tree_.Child(answer[0], 1));
  const std::string_view name = tree_[from].text;
  if (same_set && name != tree_[to].text) {
    a = Rewrite(tree_, a, [&](NodeId node) { return IsSymbol(node, name) ? to : kNoNode; });
  }
  return true;
}

// "(-∞, 1) or (2, ∞)" and "[1, 2], [3, 4]" beside a union are unions. Of gold answers only where no
// points can be meant.
NodeId Judge::AsUnion(NodeId list, NodeId other, bool gold) {
  const Op kind = OpOf(other);
  const bool beside = kind == Op::kUnion || kind == Op::kSetMinus || kind == Op::kIntersection;
  if (OpOf(list) != Op::kList || !beside) return list;
  bool interval = false;
  for (const NodeId item : tree_.Children(list)) {
    const Op op = OpOf(item);
    if (op != Op::kInterval && op != Op::kTuple && op != Op::kUnion) return list;
    if (!MayBeRealSet(tree_, item)) return list;
    const auto ends = tree_.Children(item);
    const auto infinite = [&](NodeId end) {
      while (OpOf(end) == Op::kNegate) end = tree_.Child(end, 0);
      return OpOf(end) == Op::kInfinity;
    };
    interval = interval || op != Op::kTuple || std::ranges::any_of(ends, infinite);
  }
  return interval || !gold ? tree_.Add(Op::kUnion, {}, ChildrenOf(list)) : list;
}

Sameness Judge::Lists(NodeId g, NodeId a) {
  if (tree_[g].detail != tree_[a].detail && Conditions(g) && Conditions(a)) {
    return Sets(g, a);
  }
  if (!IsList(g)) {
    if (const NodeId number = DecimalComma(a); number != kNoNode && IsScalar(tree_, g)) {
      return Same(g, number);
    }
    // (1, 3) and "1, 3"; but not {1, 3}.
    if (OpOf(g) == Op::kTuple && OpOf(a) == Op::kList) return InOrder(g, a);
    if (OpOf(g) == Op::kMatrix && OpOf(a) == Op::kList) return Matrices(g, a);
    if (OpOf(g) == Op::kRelation && Yes(Sets(g, a))) return Sameness::kSame;
    if (MayBeRealSet(tree_, g) && OpOf(a) == Op::kSet) return Sets(g, a);
  }
  if (!IsList(a)) {
    if (const NodeId number = DecimalComma(g); number != kNoNode && IsScalar(tree_, a)) {
      return Same(number, a);
    }
    if (OpOf(g) == Op::kList && OpOf(a) == Op::kTuple) {
      Nodes values;
      if (Named(ChildrenOf(g), values)) {
        return InOrder(tree_.Add(Op::kTuple, {}, values), a);
      }
      return InOrder(g, a);
    }
    if (MayBeRealSet(tree_, a)) return Sets(g, a);
  }
  const Nodes x = Items(g), y = Items(a);
  if (x.size() > 1 && x.size() == y.size()) {
    // x = 1, y = 2 against 1, 2: names give an order.
    Nodes values, others;
    const bool named = Named(x, values), other_named = Named(y, others);
    if (named != other_named) {
      Sameness all = Sameness::kSame;
      for (size_t i = 0; i < x.size(); ++i) {
        all = Both(all, Same(named ? values[i] : x[i], other_named ? others[i] : y[i]));
      }
      return all;
    }
  }
  return Unordered(x, y);
}

// Each of one has its like in the other; what is said twice counts once.
Sameness Judge::Unordered(const Nodes& x, const Nodes& y) {
  using Distinct = std::map<std::string, NodeId>;
  const auto distinct = [&](const Nodes& nodes) {
    Distinct items;
    for (const NodeId node : nodes) items.try_emplace(NormalForm(tree_, node), node);
    return items;
  };
  const Distinct gold = distinct(x), answer = distinct(y);
  // So much for so little says more than the gold answer, and would have every pair compared.
  if (answer.size() > 4 * gold.size() + 16) return Sameness::kDifferent;
  std::set<std::string_view> found;  // of the answer's
  Sameness all = Sameness::kSame;
  for (const auto& [form, item] : gold) {
    if (answer.contains(form)) continue;
    Sameness best = Sameness::kDifferent;
    for (const auto& [other_form, other] : answer) {
      const Sameness same = Same(item, other);
      if (Yes(same)) found.insert(other_form);
      if (Yes(same) || (same == Sameness::kUnknown && !Yes(best))) best = same;
    }
    all = Both(all, best);
    if (all == Sameness::kDifferent) return all;
  }
  for (const auto& [form, item] : answer) {
    if (gold.contains(form) || found.contains(form)) continue;
    // Said in another way before: 1/2, 0.5.
    Sameness best = Sameness::kDifferent;
    for (const auto& [gold_form, other] : gold) {
      const Sameness same = Same(other, item);
      if (Yes(same)) best = same;
      if (Yes(same)) break;
    }
    all = Both(all, best);
    if (all == Sameness::kDifferent) return all;
  }
  return all;
}

Sameness Judge::Sets(NodeId g, NodeId a) {
  if (OpOf(g) == Op::kRelation && OpOf(a) == Op::kRelation) {
    const NodeId x = BoundName(tree_, g), y = BoundName(tree_, a);
    if (x == kNoNode || y == kNoNode) return Sameness::kUnknown;
    const bool same = NormalForm(tree_, x) == NormalForm(tree_, y);
    if (!same && !options_.rename_variables) return Sameness::kDifferent;
  }
  const auto is_interval = [&](NodeId id) {
    return OpOf(id) == Op::kInterval || (OpOf(id) == Op::kTuple && tree_[id].count == 2);
  };
  // (15, -11) is a point, [15, -11) is nothing.
  if (is_interval(g) && is_interval(a)) {
    const auto closed = [&](NodeId id, int end) {
      NodeId value = tree_.Child(id, end);
      while (OpOf(value) == Op::kNegate) value = tree_.Child(value, 0);
      return OpOf(value) != Op::kInfinity && (tree_[id].detail & (1 << end)) != 0;
    };
    const bool same = closed(g, 0) == closed(a, 0) && closed(g, 1) == closed(a, 1);
    return same ? InOrder(g, a) : Sameness::kDifferent;
  }
  const auto gold = ReadRealSet(tree_, g);
  const auto answer = gold ? ReadRealSet(tree_, a) : std::nullopt;
  if (!gold || !answer) {
    if (OpOf(g) == Op::kTuple && OpOf(a) == Op::kTuple) return InOrder(g, a);
    if (OpOf(g) != OpOf(a)) return Sameness::kDifferent;
    if (OpOf(g) == Op::kInterval) {
      return tree_[g].detail == tree_[a].detail ? InOrder(g, a) : Sameness::kDifferent;
    }
    if (OpOf(g) == Op::kUnion || OpOf(g) == Op::kIntersection || OpOf(g) == Op::kSet) {
      return Unordered(ChildrenOf(g), ChildrenOf(a));
    }
    if (OpOf(g) == Op::kSetMinus) return InOrder(g, a);
    return Sameness::kDifferent;
  }
  // A pair is a point as well: (3, 1).
  if (OpOf(g) == Op::kTuple && OpOf(a) == Op::kTuple) return InOrder(g, a);
  if (gold->size() != answer->size()) return Sameness::kDifferent;
  Sameness all = Sameness::kSame;
  for (size_t i = 0; i < gold->size() && all != Sameness::kDifferent; ++i) {
    const Piece &x = (*gold)[i], &y = (*answer)[i];
    if (x.low_in != y.low_in || x.high_in != y.high_in) return Sameness::kDifferent;
    all = Both(all, Both(Same(x.low, y.low), Same(x.high, y.high)));
  }
  return all;
}

}  // namespace retort::verifiers
