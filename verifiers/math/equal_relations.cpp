// Equations, inequalities and named values.

#include <algorithm>
#include <array>

#include "base/error.h"
#include "verifiers/math/internal/judge-inl.h"
#include "verifiers/math/internal/real_set.h"
#include "verifiers/math/internal/relation.h"
#include "verifiers/math/internal/rewrite.h"

namespace retort::verifiers {

// Rounded to as many places as it shows, `rounded` is what `exact` is.
bool Judge::IsRounding(NodeId exact, NodeId rounded) {
  NodeId digits = rounded;
  while (OpOf(digits) == Op::kNegate) digits = tree_.Child(digits, 0);
  const std::string_view text = tree_[digits].text;
  const size_t point = text.find('.');
  const int places =
      point == std::string_view::npos ? 0 : static_cast<int>(text.size() - point - 1);
  if (OpOf(digits) != Op::kNumber || tree_[digits].detail != 0 || places > 20)
    return Yes(Scalars(exact, rounded));
  const NodeId decimal =
      point == std::string_view::npos ? tree_.Add(Op::kNumber, std::string(text) + ".") : digits;
  const NodeId value = digits == rounded ? decimal : tree_.Add(Op::kNegate, {decimal});
  return Yes(CompareScalars(tree_, exact, value, {places}));
}

// Whether all that a chain says of numbers is so: x = 2 + 4 = 5 and 7 ≈ 42 say nothing.
bool Judge::LinksHold(NodeId chain) {
  const Nodes sides = ChildrenOf(chain);
  const std::string_view relations = tree_[chain].text;
  // x = 2x = 3: with the value that x is said to have.
  const auto said = ReadAssignment(tree_, chain);
  const bool known =
      said && said->name != kNoNode && OpOf(said->name) == Op::kSymbol && Constant(said->value);
  const NodeId value = known ? said->value : kNoNode;
  const std::string_view name = known ? tree_[said->name].text : "";
  NodeId last_whole = kNoNode;  // no number
  NodeId last = kNoNode;        // number, and whether it is still exact
  bool exact = true;
  for (size_t i = 0; i < sides.size(); ++i) {
    exact = exact && (i == 0 || relations[i - 1] == kEqualTo);
    const bool quantity = OpOf(sides[i]) == Op::kQuantity;
    NodeId side = quantity ? tree_.Child(sides[i], 0) : sides[i];
    if (value != kNoNode && !IsName(tree_, side) && Mentions(tree_, side, name)) {
      side = Rewrite(tree_, side, [&](NodeId id) { return IsSymbol(id, name) ? value : kNoNode; });
    }
    const bool whole = tree_[side].constant && !IsScalar(tree_, side) && !IsName(tree_, side);
    if (whole && exact && last_whole != kNoNode && Same(last_whole, side) == Sameness::kDifferent) {
      return false;  // x = (1, 2) = (1, 3)
    }
    if (whole) last_whole = side;
    if (i > 0 && relations[i - 1] != kEqualTo && relations[i - 1] != kApproximately) {
      last = kNoNode;
    }
    if (!Constant(side) || IsInfinite(side)) continue;
    if (last != kNoNode && exact) {
      const Sameness same = Scalars(last, side);
      if (same == Sameness::kDifferent) return false;
      if (same == Sameness::kUnknown && !(IsDefined(tree_, last) && IsDefined(tree_, side))) {
        return false;
      }
    }
    if (last != kNoNode && !exact && !IsRounding(last, side) && !IsRounding(side, last)) {
      return false;
    }
    last = side;
    exact = true;
  }
  return true;
}

// The names that a chain gives one value, x and y of x = y = 2; of y = f(x) = … one.
Nodes Judge::NamesOf(NodeId chain) const {
  Nodes names;
  for (const NodeId side : tree_.Children(chain)) {
    if (IsName(tree_, side)) names.push_back(side);
  }
  const bool call = std::ranges::any_of(names, [&](NodeId id) { return OpOf(id) == Op::kApply; });
  if (call) std::erase_if(names, [&](NodeId id) { return IsSymbol(id, "y"); });
  return names;
}

std::vector<std::string> Judge::Written(const Nodes& names) const {
  std::vector<std::string> written;
  for (const NodeId name : names) written.push_back(NormalForm(tree_, name));
  std::ranges::sort(written);
  return written;
}

// "22/7 ≈ 3.14" is what stands left, and what stands right where that is a rounding of it.
std::optional<Sameness> Judge::Approximations(NodeId g, NodeId a) {
  for (const bool of_gold : {true, false}) {
    const NodeId relation = of_gold ? g : a, other = of_gold ? a : g;
    if (OpOf(relation) != Op::kRelation || OpOf(other) == Op::kRelation) continue;
    if (!tree_[relation].text.ends_with('~')) continue;
    const Nodes sides = ChildrenOf(relation);
    const NodeId exact = sides[sides.size() - 2], rounded = sides.back();
    if (!Constant(exact) || !Constant(rounded) || !Constant(other)) return std::nullopt;
    const auto same = [&](NodeId side) { return of_gold ? Same(side, other) : Same(other, side); };
    if (!of_gold && !LinksHold(relation)) return Sameness::kDifferent;
    if (sides.size() > 2) {  // x = 1/3 ≈ …: what is exact counts, however it is rounded
      if (const Sameness exactly = same(exact); Yes(exactly)) return exactly;
    }
    if (!IsRounding(exact, rounded)) return Sameness::kDifferent;
    for (const NodeId side : {exact, rounded}) {
      if (const Sameness found = same(side); Yes(found)) return found;
    }
    return Sameness::kDifferent;
  }
  return std::nullopt;
}

Sameness Judge::Relations(NodeId g, NodeId a) {
  if (const auto same = Approximations(g, a)) return *same;
  const auto gold = ReadAssignment(tree_, g), answer = ReadAssignment(tree_, a);
  if (answer && !LinksHold(a)) return Sameness::kDifferent;
  if (OpOf(g) != Op::kRelation) {
    // x = A = B is no choice of B.
    if (answer && OpOf(g) == Op::kSymbol && tree_[a].count > 2) return Sameness::kDifferent;
    if (answer) {
      // "x = 5 or x = 7" is a list; what remains here is one relation for a value.
      if (const auto named = NamedTuple(answer->name, answer->value)) {
        return OpOf(g) == Op::kTuple ? InOrder(ChildrenOf(g), InNameOrder(*named))
                                     : Same(g, answer->value);
      }
      const Sameness same = Same(g, answer->value);
      if (Yes(same) || answer->name != kNoNode || tree_[a].text != "=") return same;
      // 5 = x
      return IsName(tree_, answer->value) ? Same(g, tree_.Child(a, 0)) : same;
    }
    if (OpOf(g) == Op::kList) return Lists(g, a);
    if (!options_.relation_for_set) return Sameness::kDifferent;
    return Sets(g, a);
  }
  if (OpOf(a) != Op::kRelation) {
    if (gold) {
      if (const NodeId values = NamedValues(gold->name, gold->value, a); values != kNoNode) {
        return Same(gold->value, values);
      }
      const bool several = OpOf(a) == Op::kList || OpOf(a) == Op::kTuple;
      if (const Nodes names = NamesOf(g); several && names.size() > 1 && tree_[g].text.size() > 1) {
        Nodes each;  // x = y = 2 is x = 2, y = 2
        for (const NodeId name : names) {
          const std::array sides{name, gold->value};
          each.push_back(tree_.Add(Op::kRelation, "=", sides));
        }
        return Same(tree_.Add(Op::kList, {}, each), a);
      }
      const bool named = OpOf(a) == Op::kList && !NothingNamed(ChildrenOf(a));
      if (named && tree_[g].plus_minus) g = tree_.Add(Op::kList, {}, WithoutPlusMinus(tree_, g));
      if (gold->name != kNoNode && !named) return Same(gold->value, a);
      if (named) return Lists(g, a);
      return Sameness::kDifferent;
    }
    if (OpOf(a) == Op::kList) return Lists(g, a);
    return Sets(g, a);
  }
  const bool member = tree_[g].text == "e";
  if (member && !answer && !options_.relation_for_set) return Sameness::kDifferent;
  if (gold && answer) {
    const bool membership = tree_[g].text == "e" && tree_[a].text == "e";
    if (gold->name != kNoNode && answer->name != kNoNode) {
      const auto names = NamesOf(g), others = NamesOf(a);
      if (!membership && tree_[g].text.size() + tree_[a].text.size() > 2 &&
          (names.size() > 1 || others.size() > 1)) {  // x = y = 2, in any order
        if (Written(names) != Written(others)) return Sameness::kDifferent;
        if (IsName(tree_, gold->value) && IsName(tree_, answer->value)) return Sameness::kSame;
        return Same(gold->value, answer->value);
      }
      if (const NodeId value = Reordered(gold->name, answer->name, answer->value);
          value != kNoNode) {
        return Same(gold->value, value);
      }
      if (OfAnother(gold->name, answer->name, gold->value)) return Sameness::kDifferent;
      if (const Sameness alike = SidesAlike(g, a); alike == Sameness::kDifferent) return alike;
      if (SameName(gold->name, answer->name)) {
        return Same(gold->value, Bound(gold->name, answer->name, answer->value));
      } else if (membership) {
        return Sameness::kDifferent;
      }
    }
    return Equations(g, a);
  }
  return Inequalities(g, a);
}

// (y, x) = (3, 2) beside (x, y) = …: the value in the order of gold's names; kNoNode where that
// changes nothing.
NodeId Judge::Reordered(NodeId gold_name, NodeId name, NodeId value) {
  for (const NodeId id : {gold_name, name, value}) {
    if (OpOf(id) != Op::kTuple || tree_[id].count != tree_[name].count) return kNoNode;
  }
  const Nodes to = ChildrenOf(gold_name), from = ChildrenOf(name), values = ChildrenOf(value);
  Nodes items;
  for (const NodeId wanted : to) {
    const auto same = [&](NodeId id) { return NormalForm(tree_, id) == NormalForm(tree_, wanted); };
    const auto at = std::ranges::find_if(from, same);
    if (at == from.end()) return kNoNode;
    items.push_back(values[static_cast<size_t>(at - from.begin())]);
  }
  return items == values ? kNoNode : tree_.Add(Op::kTuple, {}, items);
}

// c = 3, b = 2, a = 1 beside (a, b, c) = …: (1, 2, 3). kNoNode where the names are others.
NodeId Judge::NamedValues(NodeId gold_name, NodeId gold_value, NodeId list) {
  if (gold_name == kNoNode || OpOf(gold_name) != Op::kTuple || OpOf(list) != Op::kList) {
    return kNoNode;
  }
  Nodes names, values;
  for (const NodeId item : ChildrenOf(list)) {
    const auto assignment = ReadAssignment(tree_, item);
    if (!assignment || assignment->name == kNoNode) return kNoNode;
    names.push_back(assignment->name);
    values.push_back(assignment->value);
  }
  if (names.size() != static_cast<size_t>(tree_[gold_value].count)) return kNoNode;
  const NodeId value = tree_.Add(Op::kTuple, {}, values);
  return Reordered(gold_name, tree_.Add(Op::kTuple, {}, names), value);
}

// (y, x) = (1, 2); nothing for what is none of that kind.
std::optional<Judge::NamedItems> Judge::NamedTuple(NodeId name, NodeId value) const {
  if (name == kNoNode || OpOf(name) != Op::kTuple || OpOf(value) != Op::kTuple ||
      tree_[name].count != tree_[value].count) {
    return std::nullopt;
  }
  NamedItems named;
  for (const NodeId id : tree_.Children(name)) named.names.push_back(NormalForm(tree_, id));
  named.values = ChildrenOf(value);
  named.distinct = true;
  return named;
}

// The value of f(y) = … with its variable called as in gold's f(x) = ….
NodeId Judge::Bound(NodeId gold, NodeId answer, NodeId value) {
  if (!Definitions(gold, answer)) return value;
  const std::string_view from = tree_[tree_.Child(answer, 0)].text;
  const NodeId to = tree_.Child(gold, 0);
  if (tree_[to].text == from) return value;
  // Of f(h) = 2x the x is another; it must not be caught.
  const NodeId free = tree_.Add(Op::kSymbol, StrCat("free ", tree_[to].text));
  return Rewrite(tree_, value, [&](NodeId node) {
    if (OpOf(node) != Op::kSymbol) return kNoNode;
    return tree_[node].text == from ? to : tree_[node].text == tree_[to].text ? free : kNoNode;
  });
}
// f(x) and f(y)
bool Judge::Definitions(NodeId g, NodeId a) const {
  // Of T(v_1) the argument is no variable.
  const auto indexed = [&](NodeId id) {
    return OpOf(id) == Op::kApply && tree_[id].count == 1 &&
           tree_[tree_.Child(id, 0)].text.find('_') != std::string_view::npos;
  };
  if (indexed(g) || indexed(a)) return NormalForm(tree_, g) == NormalForm(tree_, a);
  return OpOf(g) == Op::kApply && OpOf(a) == Op::kApply && tree_[g].text == tree_[a].text &&
         tree_[g].count == 1 && tree_[a].count == 1 && OpOf(tree_.Child(g, 0)) == Op::kSymbol &&
         OpOf(tree_.Child(a, 0)) == Op::kSymbol;
}

// The expectation E(W) is not that of another variable: W is in no way bound.
bool Judge::OfAnother(NodeId g, NodeId a, NodeId value) const {
  constexpr std::array<std::string_view, 6> kMoments{"E", "P", "V", "D", "Var", "Pr"};
  return Definitions(g, a) && std::ranges::find(kMoments, tree_[g].text) != kMoments.end() &&
         IsConstant(tree_, value) && NormalForm(tree_, g) != NormalForm(tree_, a);
}

bool Judge::SameName(NodeId g, NodeId a) {
  if (OpOf(g) == Op::kSymbol && OpOf(a) == Op::kSymbol) {  // \vec{v} and \mathbf{v}
    const auto plain = [&](NodeId id) {
      const std::string_view name = tree_[id].text;
      return name.starts_with("vec ") ? name.substr(4) : name;
    };
    if (plain(g) == plain(a)) return true;
  }
  if (NormalForm(tree_, g) == NormalForm(tree_, a) || Definitions(g, a)) return true;
  if (options_.rename_variables) return OpOf(g) == OpOf(a);
  // y and f(x)
  const auto y = [&](NodeId id) { return OpOf(id) == Op::kSymbol && tree_[id].text == "y"; };
  return (y(g) && OpOf(a) == Op::kApply) || (y(a) && OpOf(g) == Op::kApply);
}

// Chains of one shape, side by side; kUnknown where they have different ones.
Sameness Judge::SidesAlike(NodeId g, NodeId a) {
  if (tree_[g].text.size() < 2 || tree_[g].text != tree_[a].text) return Sameness::kUnknown;
  const Nodes x = ChildrenOf(g), y = ChildrenOf(a);
  Sameness all = Sameness::kSame;
  for (size_t i = 0; i < x.size(); ++i) {
    if (IsName(tree_, x[i])) continue;
    if (Constant(x[i]) && Constant(y[i]) && (IsRounding(x[i], y[i]) || IsRounding(y[i], x[i]))) {
      continue;
    }
    all = Both(all, Same(x[i], y[i]));
  }
  return all;
}

// What stands left of its value as a name does: cos(5π/4) is not cos(3π/4) there, nor i¹⁵ i¹⁹.
Sameness Judge::Labels(NodeId g, NodeId a) {
  const bool calls = OpOf(g) == Op::kFunction && OpOf(a) == Op::kFunction;
  if (calls && tree_.FunctionOf(g) != tree_.FunctionOf(a)) return Sameness::kDifferent;
  const bool powers = OpOf(g) == Op::kPower && OpOf(a) == Op::kPower;
  return calls || powers ? InOrder(g, a) : Same(g, a);
}

// First = last; both sides may be moved and scaled.
Sameness Judge::Equations(NodeId g, NodeId a) {
  if (const Sameness alike = SidesAlike(g, a); alike == Sameness::kDifferent) return alike;
  const NodeId g1 = tree_.Children(g).front(), g2 = tree_.Children(g).back();
  const NodeId a1 = tree_.Children(a).front(), a2 = tree_.Children(a).back();
  for (const NodeId side : {g1, g2, a1, a2}) {
    if (!IsScalar(tree_, side) || IsInfinite(side)) {  // nothing to move or scale
      return Both(Same(g1, a1), Same(g2, a2));
    }
  }
  if (NormalForm(tree_, g) == NormalForm(tree_, a)) return Sameness::kSame;
  const NodeId gold = Minus(g1, g2), answer = Minus(a1, a2);
  // All numbers are proportional.
  if (IsConstant(tree_, gold) && IsConstant(tree_, answer)) {
    return Both(Labels(g1, a1), Same(g2, a2));
  }
  switch (CompareProportion(tree_, gold, answer)) {
    case Proportion::kPositive:
    case Proportion::kNegative:
      return Sameness::kAgrees;
    case Proportion::kUnknown:  // perhaps nothing but identities
      if (!Yes(Scalars(g1, g2)) || !Yes(Scalars(a1, a2))) return Sameness::kUnknown;
      return Both(Same(g1, a1), Same(g2, a2));
    default:
      return Sameness::kDifferent;
  }
}

bool Judge::Atoms(NodeId id, std::vector<Atom>& atoms) {
  if (OpOf(id) == Op::kList) {
    return std::ranges::all_of(ChildrenOf(id), [&](NodeId child) {
      return OpOf(child) == Op::kRelation && Atoms(child, atoms);
    });
  }
  const Nodes sides = ChildrenOf(id);
  const std::string_view relations = tree_[id].text;
  for (size_t i = 0; i < relations.size(); ++i) {
    NodeId l = sides[i], r = sides[i + 1];
    if (!IsScalar(tree_, l) || !IsScalar(tree_, r)) return false;
    char relation = relations[i];
    if (relation == kGreater || relation == kGreaterEqual) {
      std::swap(l, r);
      relation = relation == kGreater ? kLess : kLessEqual;
    }
    if (relation == kElementOf || relation == kSubsetOf) return false;
    atoms.push_back({relation, Minus(l, r)});
  }
  return true;
}

Sameness Judge::Inequalities(NodeId g, NodeId a) {
  if (NormalForm(tree_, g) == NormalForm(tree_, a)) return Sameness::kSame;
  if (const Sameness same = Sets(g, a); Yes(same)) return same;
  std::vector<Atom> gold, answer;
  if (!Atoms(g, gold) || !Atoms(a, answer)) return Sameness::kDifferent;
  if (gold.size() != answer.size() || gold.size() > 20) return Sameness::kDifferent;
  const auto matches = [&](const Atom& x, const Atom& y) {
    if (x.relation != y.relation) return false;
    if (IsConstant(tree_, x.f) && IsConstant(tree_, y.f)) return Yes(Scalars(x.f, y.f));
    const Proportion proportion = CompareProportion(tree_, x.f, y.f);
    return proportion == Proportion::kPositive ||
           (proportion == Proportion::kNegative &&
            (x.relation == kNotEqual || x.relation == kEqualTo));
  };
  const auto all_in = [&](const std::vector<Atom>& some, const std::vector<Atom>& others) {
    return std::ranges::all_of(some, [&](const Atom& x) {
      return std::ranges::any_of(others, [&](const Atom& y) { return matches(x, y); });
    });
  };
  return all_in(gold, answer) && all_in(answer, gold) ? Sameness::kAgrees : Sameness::kDifferent;
}

}  // namespace retort::verifiers
