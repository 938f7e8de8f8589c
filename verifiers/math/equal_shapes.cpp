// Ratios, times of the day, matrices and vectors.

#include <algorithm>
#include <array>
#include <numeric>

#include "base/fingerprint.h"
#include "verifiers/math/internal/judge-inl.h"
#include "verifiers/math/internal/matrix.h"
#include "verifiers/math/internal/rewrite.h"

namespace retort::verifiers {

// a : b : … and c : d : …; of two also the quotient. Times of the day have no proportion.
Sameness Judge::Ratios(NodeId g, NodeId a) {
  const auto parts = [&](NodeId id) {
    return OpOf(id) == Op::kRatio || OpOf(id) == Op::kDivide ? ChildrenOf(id)
                                                             : Nodes{id, tree_.Number(1)};
  };
  Nodes x = parts(g), y = parts(a);
  if (x.size() != y.size()) return Sameness::kDifferent;
  // 15:45 is 3:45 p.m.
  const auto in_half = [&](Nodes& time, const Nodes& other, int mine, int its) {
    const auto hour = SmallInteger(tree_, time[0]);
    if (mine == 0 && its == 2 && hour && *hour > 12 && *hour < 24 && other.size() == 2) {
      time[0] = tree_.Number(*hour - 12);
    }
  };
  in_half(x, y, tree_[g].detail, tree_[a].detail);
  in_half(y, x, tree_[a].detail, tree_[g].detail);
  const int half = tree_[g].detail, other_half = tree_[a].detail;  // of the day
  if (OpOf(g) == Op::kRatio && OpOf(a) == Op::kRatio && half != other_half && half != 0 &&
      other_half != 0) {
    return Sameness::kDifferent;
  }
  // Minutes of two digits that no ratio would have (4:20): a time of the day.
  const auto clock = [&](NodeId id) {
    if (OpOf(id) != Op::kRatio || tree_[id].count != 2) return false;
    const auto hour = SmallInteger(tree_, tree_.Child(id, 0));
    const auto minute = SmallInteger(tree_, tree_.Child(id, 1));
    const bool two = tree_[tree_.Child(id, 1)].text.size() == 2;
    return hour && minute && two && *hour >= 0 && *hour < 25 && *minute < 60 &&
           std::gcd(*hour, *minute) != 1;
  };
  // 4:20 p.m. is no quotient.
  if ((half != 0 || other_half != 0 || clock(g)) &&
      (OpOf(g) == Op::kDivide || OpOf(a) == Op::kDivide)) {
    return Sameness::kDifferent;
  }
  if (half != 0 || other_half != 0 || (clock(g) && OpOf(a) == Op::kRatio)) {
    Sameness times = Sameness::kSame;
    for (size_t i = 0; i < x.size(); ++i) times = Both(times, Same(x[i], y[i]));
    return times;
  }
  const auto zero = [&](const Nodes& nodes) {
    return std::ranges::any_of(nodes, [&](NodeId id) {
      return OpOf(id) == Op::kNumber && tree_[id].text.find_first_not_of("0.") == std::string::npos;
    });
  };
  Sameness all = Sameness::kSame;
  if (zero(x) || zero(y)) {
    for (size_t i = 0; i < x.size(); ++i) all = Both(all, Same(x[i], y[i]));
    return all;
  }
  for (const Nodes& nodes : {x, y}) {
    for (const NodeId id : nodes) {
      if (!IsScalar(tree_, id) || IsInfinite(id)) return Sameness::kDifferent;
    }
  }
  for (size_t i = 1; i < x.size() && all != Sameness::kDifferent; ++i) {
    all = Both(all, Scalars(tree_.Add(Op::kMul, {x[0], y[i]}), tree_.Add(Op::kMul, {x[i], y[0]})));
  }
  return all;
}

// i + 2j + 3k beside (1, 2, 3): a tuple as well.
NodeId Judge::AsTuple(NodeId vector, NodeId like) {
  const Op op = OpOf(like);
  const bool other = op == Op::kTuple || op == Op::kInterval || op == Op::kMatrix;
  const int count = tree_[like].count;
  if (!other || (count != 2 && count != 3) || !IsScalar(tree_, vector)) return vector;
  const auto direction = [&](NodeId node) {
    constexpr std::array<std::string_view, 3> kNames{"i", "j", "k"};
    if (OpOf(node) == Op::kI) return 0;
    if (OpOf(node) != Op::kSymbol) return -1;
    std::string_view name = tree_[node].text;
    for (const std::string_view accent : {"hat ", "vec "}) {
      if (name.starts_with(accent)) name.remove_prefix(accent.size());
    }
    if (name.ends_with("math")) name.remove_suffix(4);  // \imath
    const auto at = std::ranges::find(kNames, name);
    return at == kNames.end() ? -1 : static_cast<int>(at - kNames.begin());
  };
  bool is_vector = false;  // 3 + 4i is none
  const NodeId zero = tree_.Number(0), one = tree_.Number(1);
  Nodes entries, terms;
  for (int n = 0; n < count; ++n) {
    NodeId unit = kNoNode;
    entries.push_back(Rewrite(tree_, vector, [&](NodeId node) {
      const int d = direction(node);
      is_vector = is_vector || d > 0;
      if (d == n) unit = node;
      return d < 0 ? kNoNode : d == n ? one : zero;
    }));
    if (unit != kNoNode) terms.push_back(tree_.Add(Op::kMul, {entries.back(), unit}));
  }
  if (!is_vector || terms.empty()) return vector;
  const NodeId sum = terms.size() == 1 ? terms[0] : tree_.Add(Op::kAdd, {}, terms);
  if (!Yes(CompareScalars(tree_, vector, sum, {options_.decimals}))) return vector;
  return tree_.Add(Op::kTuple, {}, entries);
}

// {{1, 2}, {3, 4}} beside a matrix: its rows.
NodeId Judge::AsRows(NodeId sets) {
  if (OpOf(sets) != Op::kSet) return sets;
  Nodes rows = ChildrenOf(sets);
  for (NodeId& row : rows) {
    if (OpOf(row) != Op::kSet) return sets;
    row = tree_.Add(Op::kTuple, {}, ChildrenOf(row));
  }
  return tree_.Add(Op::kTuple, {}, rows);
}

// A sum up to n and its closed form: the same for some n.
Sameness Judge::Sums(NodeId g, NodeId a, Sameness otherwise) {
  constexpr int64_t kLargest = 200;
  NodeId limit = kNoNode;
  bool several = Size(g) + Size(a) > kLargest;
  for (const NodeId root : {g, a}) {
    Rewrite(tree_, root, [&](NodeId node) {
      if (OpOf(node) != Op::kOpaque) return kNoNode;
      const bool sum = tree_[node].text == "sum" || tree_[node].text == "product";
      const NodeId end = sum && tree_[node].count == 3 ? tree_.Child(node, 1) : kNoNode;
      NodeId symbol = kNoNode;
      if (end != kNoNode) {
        Rewrite(tree_, end, [&](NodeId leaf) {
          several = several || (symbol != kNoNode && OpOf(leaf) == Op::kSymbol);
          if (OpOf(leaf) == Op::kSymbol) symbol = leaf;
          return kNoNode;
        });
      }
      if (symbol == kNoNode || (limit != kNoNode && tree_[limit].text != tree_[symbol].text)) {
        several = true;
      }
      limit = symbol;
      return kNoNode;
    });
  }
  if (limit == kNoNode || several) return otherwise;
  const std::string_view name = tree_[limit].text;
  const auto hashed = static_cast<int64_t>(Fnv1a(NormalForm(tree_, a)) % 23);
  for (const int64_t n :
       {int64_t{2}, int64_t{3}, int64_t{4}, int64_t{5}, int64_t{7}, int64_t{10}, 11 + hashed}) {
    const NodeId number = tree_.Number(n);
    const auto at_n = [&](NodeId id) {
      return Unrolled(tree_, Rewrite(tree_, id, [&](NodeId node) {
                        return IsSymbol(node, name) ? number : kNoNode;
                      }));
    };
    const Sameness same = CompareScalars(tree_, at_n(g), at_n(a), {options_.decimals});
    if (!Yes(same)) return same == Sameness::kUnknown ? otherwise : same;
  }
  return Sameness::kAgrees;
}

// A vector is a tuple, too.
Sameness Judge::Matrices(NodeId g, NodeId a) {
  if (OpOf(g) == Op::kMatrix && OpOf(a) == Op::kMatrix) {
    return tree_[g].detail == tree_[a].detail ? InOrder(g, a) : Sameness::kDifferent;
  }
  const NodeId matrix = OpOf(g) == Op::kMatrix ? g : a, other = OpOf(g) == Op::kMatrix ? a : g;
  // [[1, 2], [3, 4]]
  if ((OpOf(other) == Op::kTuple || OpOf(other) == Op::kInterval) &&
      tree_[other].count == RowsOf(tree_, matrix) && tree_[matrix].detail > 1) {
    Nodes entries;
    for (const NodeId line : ChildrenOf(other)) {
      const bool row = OpOf(line) == Op::kTuple || OpOf(line) == Op::kInterval;
      if (!row || tree_[line].count != tree_[matrix].detail) return Sameness::kDifferent;
      const Nodes items = ChildrenOf(line);
      entries.insert(entries.end(), items.begin(), items.end());
    }
    const NodeId built = tree_.Add(Op::kMatrix, {}, entries, tree_[matrix].detail);
    return matrix == g ? InOrder(g, built) : InOrder(built, a);
  }
  const bool vector = tree_[matrix].detail == 1 || RowsOf(tree_, matrix) == 1;
  const bool row = OpOf(other) == Op::kTuple || OpOf(other) == Op::kInterval ||
                   (OpOf(other) == Op::kList && other == a);
  if (!vector || !row) {
    if (tree_[matrix].count == 1) {
      const NodeId entry = tree_.Child(matrix, 0);
      return matrix == g ? Same(entry, a) : Same(g, entry);
    }
    return Sameness::kDifferent;
  }
  return InOrder(g, a);
}

}  // namespace retort::verifiers
