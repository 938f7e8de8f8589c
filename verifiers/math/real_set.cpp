#include "verifiers/math/internal/real_set.h"

#include <algorithm>
#include <string>
#include <utility>

#include "verifiers/math/internal/evaluate.h"
#include "verifiers/math/internal/relation.h"
#include "verifiers/math/internal/rewrite.h"

namespace retort::verifiers {

namespace {

using Pieces = std::vector<Piece>;

char Flipped(char relation) {
  switch (relation) {
    case kLess:
      return kGreater;
    case kLessEqual:
      return kGreaterEqual;
    case kGreater:
      return kLess;
    case kGreaterEqual:
      return kLessEqual;
    default:
      return relation;
  }
}

bool IsBars(const Tree& tree, NodeId id) {
  return tree[id].op == Op::kFunction && tree.FunctionOf(id) == Function::kAbs;
}

// The named side of a relation, else the only one that is no constant.
NodeId BoundSide(const Tree& tree, NodeId relation) {
  NodeId bound = NamedSide(tree, relation);
  if (bound != kNoNode) return bound;
  for (const NodeId side : tree.Children(relation)) {
    if (!IsScalar(tree, side)) return kNoNode;
    if (IsConstant(tree, side)) continue;
    if (bound != kNoNode) return kNoNode;
    bound = side;
  }
  return bound;
}

// The only symbol in `id`.
NodeId OnlySymbol(const Tree& tree, NodeId id) {
  NodeId symbol = kNoNode;
  Nodes stack{id};
  for (int budget = 200; !stack.empty(); --budget) {
    const NodeId node = stack.back();
    stack.pop_back();
    const Op op = tree[node].op;
    if (budget == 0 || op == Op::kApply || op == Op::kOpaque) return kNoNode;
    if (op == Op::kSymbol) {
      if (symbol != kNoNode && tree[symbol].text != tree[node].text) return kNoNode;
      symbol = node;
    }
    const auto children = tree.Children(node);
    stack.insert(stack.end(), children.begin(), children.end());
  }
  return symbol;
}

// Every step is false when an order is not proved.
class Reader {
 public:
  explicit Reader(Tree& tree) : tree_(tree) {}

  bool ToPieces(NodeId id, Pieces& out, int depth) {
    if (depth > 20) return false;
    tree_.Spend(500);
    const auto ends = [&](bool left, bool right) {
      out.push_back({tree_.Child(id, 0), tree_.Child(id, 1), left, right});
      return IsScalar(tree_, out[0].low) && IsScalar(tree_, out[0].high) && Normalise(out);
    };
    switch (tree_[id].op) {
      case Op::kEmptySet:
        return true;
      case Op::kSymbol:
        out.push_back({Infinity(false), Infinity(true), false, false});
        return tree_[id].text == "R";
      case Op::kInterval:
        return ends((tree_[id].detail & 1) != 0, (tree_[id].detail & 2) != 0);
      case Op::kTuple:
        return tree_[id].count == 2 && ends(false, false);
      case Op::kSet:
        for (const NodeId item : tree_.CopyOfChildren(id)) {
          if (!IsScalar(tree_, item)) return false;
          out.push_back({item, item, true, true});
        }
        return Normalise(out);
      case Op::kUnion:
        for (const NodeId part : tree_.CopyOfChildren(id)) {
          Pieces pieces;
          if (!ToPieces(part, pieces, depth + 1)) return false;
          out.insert(out.end(), pieces.begin(), pieces.end());
        }
        return Normalise(out);
      case Op::kIntersection:
      case Op::kSetMinus: {
        const Nodes parts = tree_.CopyOfChildren(id);
        if (!ToPieces(parts[0], out, depth + 1)) return false;
        for (size_t i = 1; i < parts.size(); ++i) {
          Pieces pieces, other, both;
          if (!ToPieces(parts[i], pieces, depth + 1)) return false;
          if (tree_[id].op == Op::kSetMinus) {
            if (!Complement(pieces, other)) return false;
            pieces = other;
          }
          if (!Intersect(out, pieces, both)) return false;
          out = both;
        }
        return true;
      }
      case Op::kRelation:
        return Solved(id, out, depth);
      case Op::kList: {  // x < 1 or x > 5; of "and" and of commas that would say nothing, both
        NodeId variable = kNoNode;
        Pieces both{{Infinity(false), Infinity(true), false, false}}, met;
        for (const NodeId part : tree_.CopyOfChildren(id)) {
          Pieces pieces;
          if (tree_[part].op != Op::kRelation || !ToPieces(part, pieces, depth + 1)) return false;
          const NodeId now = NamedSide(tree_, part);
          if (variable != kNoNode && NormalForm(tree_, variable) != NormalForm(tree_, now)) {
            return false;
          }
          variable = now;
          if (!Intersect(both, pieces, met)) return false;
          both = std::exchange(met, {});
          out.insert(out.end(), pieces.begin(), pieces.end());
        }
        if (!Normalise(out)) return false;
        const bool everything = out.size() == 1 && Infinite(out[0].low) && Infinite(out[0].high);
        if (tree_[id].detail == 2 || (everything && tree_[id].detail != 3)) out = both;
        return true;
      }
      default:
        return false;
    }
  }

 private:
  NodeId Infinity(bool positive) {
    const NodeId infinity = tree_.Add(Op::kInfinity, {});
    return positive ? infinity : tree_.Add(Op::kNegate, {infinity});
  }

  bool Infinite(NodeId id) const {
    while (tree_[id].op == Op::kNegate) id = tree_.Child(id, 0);
    return tree_[id].op == Op::kInfinity;
  }

  // Sorted, disjoint, not touching. False when ends cannot be ordered.
  bool Normalise(Pieces& pieces) {
    if (pieces.size() > 100) return false;
    for (const Piece& p : pieces) {
      if (!Order(tree_, p.low, p.high)) return false;
    }
    std::erase_if(pieces, [&](const Piece& p) {
      const int order = *Order(tree_, p.low, p.high);
      return order > 0 || (order == 0 && !(p.low_in && p.high_in));
    });
    // Insertion: the order is proved or the whole fails.
    for (size_t i = 1; i < pieces.size(); ++i) {
      for (size_t j = i; j > 0; --j) {
        const auto order = Order(tree_, pieces[j].low, pieces[j - 1].low);
        if (!order) return false;
        if (*order > 0 || (*order == 0 && !(pieces[j].low_in && !pieces[j - 1].low_in))) break;
        std::swap(pieces[j], pieces[j - 1]);
      }
    }
    Pieces merged;
    for (const Piece& p : pieces) {
      if (merged.empty()) {
        merged.push_back(p);
        continue;
      }
      Piece& last = merged.back();
      const auto gap = Order(tree_, p.low, last.high);
      if (!gap) return false;
      if (*gap > 0 || (*gap == 0 && !p.low_in && !last.high_in)) {
        merged.push_back(p);
        continue;
      }
      const auto end = Order(tree_, p.high, last.high);
      if (!end) return false;
      if (*end > 0) {
        last.high = p.high;
        last.high_in = p.high_in;
      } else if (*end == 0) {
        last.high_in = last.high_in || p.high_in;
      }
    }
    pieces = std::move(merged);
    for (Piece& p : pieces) {  // [-∞, 3] is (-∞, 3]
      if (Infinite(p.low)) p.low_in = false;
      if (Infinite(p.high)) p.high_in = false;
    }
    return true;
  }

  bool Complement(const Pieces& pieces, Pieces& out) {
    NodeId low = Infinity(false);
    bool low_in = false;
    for (const Piece& p : pieces) {
      out.push_back({low, p.low, low_in, !p.low_in});
      low = p.high;
      low_in = !p.high_in;
    }
    out.push_back({low, Infinity(true), low_in, false});
    return Normalise(out);
  }

  bool Intersect(Pieces a, Pieces b, Pieces& out) {
    Pieces not_a, not_b;
    if (!Complement(a, not_a) || !Complement(b, not_b)) return false;
    not_a.insert(not_a.end(), not_b.begin(), not_b.end());
    return Normalise(not_a) && Complement(not_a, out);
  }

  // a < x <= b, |x| < c, x != d.
  bool Solved(NodeId id, Pieces& out, int depth) {
    const Nodes sides = tree_.CopyOfChildren(id);
    const std::string relations(tree_[id].text);
    const NodeId variable = BoundSide(tree_, id);
    if (variable == kNoNode || tree_[variable].op == Op::kTuple) return false;
    const size_t at = static_cast<size_t>(std::ranges::find(sides, variable) - sides.begin());
    if (relations == "e" && at == 0) return ToPieces(sides[1], out, depth + 1);
    if (sides.size() > 3) return false;
    Pieces all{{Infinity(false), Infinity(true), false, false}};
    for (size_t i = 0; i < sides.size(); ++i) {
      if (i == at) continue;
      if (i + 1 != at && at + 1 != i) return false;
      if (!IsScalar(tree_, sides[i]) || !IsConstant(tree_, sides[i])) return false;
      char relation = relations[std::min(i, at)];
      if (i < at) relation = Flipped(relation);  // c < x
      Pieces part, both;
      switch (relation) {
        case kLess:
        case kLessEqual:
          part = {{Infinity(false), sides[i], false, relation == kLessEqual}};
          break;
        case kGreater:
        case kGreaterEqual:
          part = {{sides[i], Infinity(true), relation == kGreaterEqual, false}};
          break;
        case kEqualTo:
          part = {{sides[i], sides[i], true, true}};
          break;
        case kNotEqual:
          part = {{Infinity(false), sides[i], false, false},
                  {sides[i], Infinity(true), false, false}};
          break;
        default:
          return false;
      }
      if (!Normalise(part) || !Intersect(all, part, both)) return false;
      all = both;
    }
    const bool absolute = IsBars(tree_, variable);
    if (absolute) {
      Pieces positive{{tree_.Number(0), Infinity(true), true, false}}, both;
      if (!Intersect(all, positive, both)) return false;
      all = both;
      for (const Piece& p : both) {
        all.push_back({tree_.Add(Op::kNegate, {p.high}), tree_.Add(Op::kNegate, {p.low}), p.high_in,
                       p.low_in});
      }
      for (Piece& p : all) {  // - -∞
        if (Infinite(p.low)) p.low = Infinity(false);
        if (Infinite(p.high)) p.high = Infinity(true);
      }
      if (!Normalise(all)) return false;
    }
    const NodeId inner = absolute ? tree_.Child(variable, 0) : variable;
    if (!IsName(tree_, inner) && !SolveLinear(inner, all)) return false;
    out = all;
    return true;
  }

  // From the pieces where f lies to those where its variable does: f = slope·x + at_0.
  bool SolveLinear(NodeId f, Pieces& pieces) {
    const NodeId x = OnlySymbol(tree_, f);
    if (x == kNoNode) return false;
    const std::string_view name = tree_[x].text;
    const auto at = [&](int64_t value) {
      const NodeId number = tree_.Number(value);
      return Rewrite(tree_, f, [&](NodeId node) {
        return tree_[node].op == Op::kSymbol && tree_[node].text == name ? number : kNoNode;
      });
    };
    const NodeId at_0 = at(0), minus_0 = tree_.Add(Op::kNegate, {at_0});
    const NodeId slope = tree_.Add(Op::kAdd, {at(1), minus_0});
    const NodeId line = tree_.Add(Op::kAdd, {tree_.Add(Op::kMul, {slope, x}), at_0});
    const auto sign = Order(tree_, slope, tree_.Number(0));
    if (!sign || *sign == 0 || CompareScalars(tree_, f, line, {}) != Sameness::kSame) return false;
    const auto solved = [&](NodeId end, bool positive) {
      if (Infinite(end)) return Infinity(positive == (*sign > 0));
      return tree_.Add(Op::kDivide, {tree_.Add(Op::kAdd, {end, minus_0}), slope});
    };
    for (Piece& p : pieces) {
      p = {solved(p.low, false), solved(p.high, true), p.low_in, p.high_in};
      if (*sign < 0) p = {p.high, p.low, p.high_in, p.low_in};
    }
    return Normalise(pieces);
  }

  Tree& tree_;
};

}  // namespace

NodeId BoundName(const Tree& tree, NodeId relation) {
  const NodeId side = BoundSide(tree, relation);
  if (side == kNoNode) return kNoNode;
  const NodeId inner = IsBars(tree, side) ? tree.Child(side, 0) : side;
  return IsName(tree, inner) ? inner : OnlySymbol(tree, inner);
}

bool MayBeRealSet(const Tree& tree, NodeId id) {
  const Op op = tree[id].op;
  return op == Op::kInterval || op == Op::kUnion || op == Op::kIntersection ||
         op == Op::kSetMinus || op == Op::kEmptySet || op == Op::kSet ||
         (op == Op::kTuple && tree[id].count == 2) || (op == Op::kSymbol && tree[id].text == "R");
}

std::optional<std::vector<Piece>> ReadRealSet(Tree& tree, NodeId id) {
  Pieces pieces;
  if (!Reader(tree).ToPieces(id, pieces, 0)) return std::nullopt;
  return pieces;
}

}  // namespace retort::verifiers
