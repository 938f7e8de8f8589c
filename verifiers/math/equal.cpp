#include "verifiers/math/internal/equal.h"

#include <algorithm>
#include <array>

#include "verifiers/math/internal/judge-inl.h"
#include "verifiers/math/internal/matrix.h"
#include "verifiers/math/internal/phrase.h"
#include "verifiers/math/internal/real_set.h"
#include "verifiers/math/internal/relation.h"
#include "verifiers/math/internal/rewrite.h"

namespace retort::verifiers {

namespace {

constexpr int kMaxDepth = 60;

}  // namespace

Sameness Judge::Same(NodeId gold, NodeId answer) {
  tree_.Spend(500);
  if (++depth_ > kMaxDepth) {
    --depth_;
    return Sameness::kUnknown;
  }
  const Sameness result = Compare(gold, answer);
  --depth_;
  return result;
}

// About as many nodes as will be looked at.
int64_t Judge::Size(NodeId id) const {
  tree_.Spend(5000);
  int64_t size = 0;
  Nodes stack{id};
  while (!stack.empty() && size < 1000) {
    const NodeId node = stack.back();
    stack.pop_back();
    ++size;
    const auto children = tree_.Children(node);
    stack.insert(stack.end(), children.begin(), children.end());
  }
  return size;
}

// As it is meant, its sums and matrices computed.
NodeId Judge::Computed(NodeId id) {
  return ComputeMatrices(tree_, Unrolled(tree_, Meant(Unwrapped(id))));
}

// As Compare goes, along one side.
bool Judge::Stands(NodeId id, bool (*has)(const Tree&, NodeId)) {
  tree_.Spend(500);
  id = Computed(id);
  // The parts of a residue and the like are compared themselves.
  if (IsScalar(tree_, id) && OpOf(id) != Op::kOpaque) return has(tree_, id);
  // To order the ends of a set may cost more than to compute them.
  if (OpOf(id) == Op::kRelation || Conditions(id) || MayBeRealSet(tree_, id)) {
    ReadRealSet(tree_, id);
  }
  const Nodes alternatives = WithoutPlusMinus(tree_, id);
  Nodes parts = alternatives.size() > 1 ? alternatives : ChildrenOf(id);
  // Of an equation or inequality the difference of its sides is compared, not the sides.
  if (OpOf(id) == Op::kRelation && !ReadAssignment(tree_, id)) {
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const NodeId left = parts[i], right = parts[i + 1];
      const auto moves = [&](NodeId side) { return IsScalar(tree_, side) && !IsInfinite(side); };
      if (moves(left) && moves(right)) parts[i] = Minus(left, right);
    }
  }
  if (++depth_ > kMaxDepth) return false;
  const bool stand = std::ranges::all_of(parts, [&](NodeId part) { return Stands(part, has); });
  --depth_;
  return stand;
}

Sameness Judge::Compare(NodeId g, NodeId a) {
  g = Computed(g);
  a = Computed(a);
  g = Called(g, a);
  a = Called(a, g);
  // What is said under a condition; one side may leave it out.
  const auto is = [&](NodeId id, std::string_view what) {
    return OpOf(id) == Op::kOpaque && tree_[id].text == what;
  };
  g = AsDomain(g);
  a = AsDomain(a);
  if (is(g, "where")) a = AsWhere(a);
  if (is(a, "where")) g = AsWhere(g);
  if (is(g, "where") || is(a, "where")) {
    const auto value = [&](NodeId id) { return is(id, "where") ? tree_.Child(id, 0) : id; };
    const Sameness same = Same(value(g), value(a));
    if (!is(g, "where") || !is(a, "where")) {
      if (is(a, "where") && tree_[tree_.Child(a, 0)].constant) {
        return Sameness::kDifferent;  // what a number is under a condition, it is not without
      }
      return NeedsCondition(is(g, "where") ? g : a) ? Sameness::kDifferent : same;
    }
    return Both(same, Same(tree_.Child(g, 1), tree_.Child(a, 1)));
  }
  if (is(g, "phrase") || is(a, "phrase")) {
    if (is(g, "phrase") && is(a, "phrase")) return InOrder(g, a);
    const NodeId stated = Stated(is(g, "phrase") ? g : a);
    if (stated == kNoNode) return Sameness::kDifferent;
    return is(g, "phrase") ? Same(stated, a) : Same(g, stated);
  }
  const bool quantity = OpOf(g) == Op::kQuantity || OpOf(a) == Op::kQuantity;
  if (quantity && !IsList(g) && !IsList(a)) return Quantities(g, a);
  if (OpOf(g) == Op::kOpaque && OpOf(a) == Op::kOpaque && tree_[g].text == "cases" &&
      tree_[a].text == "cases") {
    return Cases(ChildrenOf(g), ChildrenOf(a));
  }
  if (IsResidue(g) || IsResidue(a)) {
    const auto value = [&](NodeId id) { return IsResidue(id) ? tree_.Child(id, 0) : id; };
    const Sameness same = Same(value(g), value(a));
    if (!IsResidue(g)) return Sameness::kDifferent;  // says less than a number
    if (!IsResidue(a)) return same;
    return Both(same, Same(tree_.Child(g, 1), tree_.Child(a, 1)));
  }
  if ((is(g, "union") && is(a, "union")) || (is(g, "intersection") && is(a, "intersection"))) {
    return InOrder(g, a);
  }
  if (IsScalar(tree_, g) && IsScalar(tree_, a)) {
    const Sameness same = Scalars(g, a);
    const bool sums = tree_[g].opaque || tree_[a].opaque;
    return sums && !Yes(same) ? Sums(g, a, same) : same;
  }
  if (OpOf(g) == Op::kEmptySet && MeansNothing(a)) return Sameness::kSame;
  if (OpOf(a) == Op::kEmptySet && MeansNothing(g) && OpOf(g) == Op::kText) return Sameness::kSame;
  if (const Sameness same = Texts(g, a); same != Sameness::kUnknown) return same;
  bool other_domain = false;
  if (WithoutDomains(g, a, other_domain)) {
    return other_domain ? Sameness::kDifferent : Same(g, a);
  }
  g = AsUnion(AsTuple(g, a), a, true);
  a = AsUnion(AsTuple(a, g), g, false);
  g = Prepared(g);
  a = Prepared(a);
  if (OpOf(g) == Op::kRelation || OpOf(a) == Op::kRelation) return Relations(g, a);
  if (OpOf(g) == Op::kMatrix) a = AsRows(a);
  if (OpOf(a) == Op::kMatrix) g = AsRows(g);
  if (IsList(g) || IsList(a)) return Lists(g, a);
  if (MayBeRealSet(tree_, g) && MayBeRealSet(tree_, a)) return Sets(g, a);
  if (OpOf(g) == Op::kTuple && OpOf(a) == Op::kTuple) return InOrder(g, a);
  if (OpOf(g) == Op::kRatio || OpOf(a) == Op::kRatio) return Ratios(g, a);
  if (OpOf(g) == Op::kMatrix || OpOf(a) == Op::kMatrix) return Matrices(g, a);
  if (OpOf(g) == Op::kOpaque && OpOf(a) == Op::kOpaque && tree_[g].text == tree_[a].text) {
    return InOrder(g, a);
  }
  if (NormalForm(tree_, g) == NormalForm(tree_, a)) return Sameness::kSame;
  if (IsScalar(tree_, g) && IsScalar(tree_, a)) return Scalars(g, a);
  return Sameness::kDifferent;
}

// Under the condition k ∈ ℤ: a list of both, as it is written with a comma.
NodeId Judge::AsDomain(NodeId id) {
  if (OpOf(id) != Op::kOpaque || tree_[id].text != "where") return id;
  const NodeId value = tree_.Child(id, 0), condition = tree_.Child(id, 1);
  if (OpOf(condition) != Op::kRelation || tree_[condition].text != "e") return id;
  Nodes items = OpOf(value) == Op::kList ? ChildrenOf(value) : Nodes{value};
  items.push_back(condition);
  return tree_.Add(Op::kList, {}, items);
}

// "f(x) = cx, |c| ≤ 1" beside a value under a condition.
NodeId Judge::AsWhere(NodeId list) {
  if (OpOf(list) != Op::kList || tree_[list].count < 2) return list;
  const Nodes items = ChildrenOf(list);
  const auto condition = [&](NodeId id) {
    return OpOf(id) == Op::kRelation && (tree_[id].text == "e" || !ReadAssignment(tree_, id));
  };
  if (condition(items[0]) || !std::all_of(items.begin() + 1, items.end(), condition)) return list;
  const Nodes rest(items.begin() + 1, items.end());
  const std::array parts{items[0], rest.size() == 1 ? rest[0] : tree_.Add(Op::kList, {}, rest, 2)};
  return tree_.Add(Op::kOpaque, "where", parts);
}

// Pairs of values and conditions, in no order; "otherwise" is what the others leave.
Sameness Judge::Cases(Nodes g, Nodes a) {
  const auto rest = [&](NodeId pair) {
    if (OpOf(pair) != Op::kTuple || tree_[pair].count != 2) return false;
    const NodeId condition = tree_.Child(pair, 1);
    const std::string_view text = tree_[condition].text;
    return OpOf(condition) == Op::kText &&
           (text == "otherwise" || text == "else" || text == "elsewhere");
  };
  const auto in_gold = std::ranges::find_if(g, rest), in_answer = std::ranges::find_if(a, rest);
  const bool one = (in_gold == g.end()) != (in_answer == a.end());
  if (!one || g.size() != a.size()) return Unordered(g, a);
  // The pair without a partner is the one that stands for the rest.
  Nodes& with = in_gold == g.end() ? a : g;
  Nodes& other = in_gold == g.end() ? g : a;
  const auto pair = in_gold == g.end() ? in_answer : in_gold;
  const NodeId value = tree_.Child(*pair, 0);
  with.erase(pair);
  for (size_t i = 0; i < other.size(); ++i) {
    Nodes left = other;
    left.erase(left.begin() + static_cast<ptrdiff_t>(i));
    const Sameness same = Both(Same(value, tree_.Child(other[i], 0)), Unordered(left, with));
    // The condition must be what the others leave.
    Nodes conditions;
    for (const NodeId pair_left : left) conditions.push_back(tree_.Child(pair_left, 1));
    const NodeId others = tree_.Add(Op::kUnion, {}, conditions);
    const NodeId leave = tree_.Add(Op::kSetMinus, {tree_.Add(Op::kSymbol, "R"), others});
    const NodeId condition = tree_.Add(Op::kUnion, {tree_.Child(other[i], 1)});
    if (Yes(same) && Yes(Sets(leave, condition))) return same;
  }
  return Sameness::kDifferent;
}

// "The minimum is 3" states 3; kNoNode for phrases that state nothing.
NodeId Judge::Stated(NodeId phrase) const {
  const Nodes parts = tree_.CopyOfChildren(phrase);
  const size_t n = parts.size();
  const NodeId said = parts[n - 2], value = parts[n - 1];
  for (size_t i = 0; i + 1 < n; ++i) {  // nothing but names before it
    if (OpOf(parts[i]) != Op::kText && !IsName(tree_, parts[i])) return kNoNode;
  }
  return OpOf(said) == Op::kText && OpOf(value) != Op::kText && StatesValue(tree_[said].text)
             ? value
             : kNoNode;
}

// |c| ≤ 1 chooses among all f(x) = cx, x > 0 is where f is looked at: that one may be left out.
bool Judge::NeedsCondition(NodeId where) const {
  const NodeId condition = tree_.Child(where, 1);  // where α = …: what a name in it stands for
  const Nodes said = OpOf(condition) == Op::kList ? ChildrenOf(condition) : Nodes{condition};
  const auto defines = [&](NodeId id) {
    return OpOf(id) == Op::kRelation && tree_[id].text == "=" &&
           OpOf(tree_.Child(id, 0)) == Op::kSymbol;
  };
  if (std::ranges::any_of(said, defines)) return true;
  const auto named = ReadAssignment(tree_, tree_.Child(where, 0));
  if (!named || named->name == kNoNode || OpOf(named->name) != Op::kApply) return false;
  Nodes open{tree_.Child(where, 1)};
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    tree_.Spend(50);
    if (OpOf(id) == Op::kRelation && tree_[id].text == "e") continue;  // k ∈ ℤ
    const auto is_argument = [&](NodeId argument) {
      return tree_[argument].text == tree_[id].text;
    };
    if (OpOf(id) == Op::kSymbol && std::ranges::none_of(tree_.Children(named->name), is_argument)) {
      return true;
    }
    const auto children = tree_.Children(id);
    open.insert(open.end(), children.begin(), children.end());
  }
  return false;
}

// {5} and a list of one thing said twice are that thing; {∅} is not empty.
NodeId Judge::Unwrapped(NodeId id) {
  while (IsList(id) && tree_[id].count == 1 && OpOf(tree_.Child(id, 0)) != Op::kEmptySet &&
         OpOf(tree_.Child(id, 0)) != Op::kSet) {
    id = tree_.Child(id, 0);
  }
  return id;
}

// P(1, 2) is a point beside another, C(5, 2) a binomial beside a number.
NodeId Judge::Called(NodeId call, NodeId other) {
  if (OpOf(call) != Op::kApply || tree_[call].count < 2) return call;
  const std::string_view name = tree_[call].text;
  if (name.size() != 1 || name[0] < 'A' || name[0] > 'Z') return call;
  const Op op = OpOf(other);
  if (op == Op::kTuple || op == Op::kInterval || op == Op::kList || op == Op::kMatrix) {
    return tree_.Add(Op::kTuple, {}, ChildrenOf(call));
  }
  if (name != "C" || tree_[call].count != 2 || op == Op::kApply || !IsScalar(tree_, other)) {
    return call;
  }
  return tree_.Add(Function::kBinomial, {tree_.Child(call, 0), tree_.Child(call, 1)});
}

// The answer with its constant of integration called as in gold: x² + C, x² + c.
NodeId Judge::SameConstant(NodeId g, NodeId a) {
  const auto constant = [&](NodeId id, bool capital) {
    constexpr std::array<std::string_view, 8> kNames{"C",     "K", "C_1", "constant",
                                                     "const", "c", "k",   "c_1"};
    NodeId found = kNoNode;
    if (OpOf(id) != Op::kAdd) return found;
    for (const NodeId term : tree_.Children(id)) {
      const auto name = std::ranges::find(kNames, tree_[term].text);
      if (OpOf(term) != Op::kSymbol || name == kNames.end()) continue;
      if (capital && name - kNames.begin() > 4) continue;
      found = term;
    }
    return found;
  };
  // One of the two must look like a constant of integration.
  NodeId from = constant(a, false), to = constant(g, true);
  if (to == kNoNode) {
    from = constant(a, true);
    to = constant(g, false);
  }
  if (from == kNoNode || to == kNoNode || tree_[from].text == tree_[to].text) return a;
  // Cx + C: a name that stands elsewhere, too, is no such constant.
  const auto elsewhere = [&](NodeId sum, NodeId name) {
    return std::ranges::any_of(tree_.Children(sum), [&](NodeId term) {
      return term != name && Mentions(tree_, term, tree_[name].text);
    });
  };
  if (elsewhere(a, from) || elsewhere(g, to)) return a;
  const std::string_view name = tree_[from].text;
  return Rewrite(tree_, a, [&](NodeId node) { return IsSymbol(node, name) ? to : kNoNode; });
}

// 3 + 4j beside 3 + 4i.
NodeId Judge::SameUnit(NodeId g, NodeId a) {
  bool gold_i = false, gold_j = false, answer_i = false, answer_j = false;
  const auto look = [&](NodeId root, bool& i, bool& j) {
    Rewrite(tree_, root, [&](NodeId node) {
      i = i || OpOf(node) == Op::kI;
      j = j || IsSymbol(node, "j");
      return kNoNode;
    });
  };
  look(g, gold_i, gold_j);
  look(a, answer_i, answer_j);
  if (!gold_i || gold_j || answer_i || !answer_j) return a;
  const NodeId unit = tree_.Add(Op::kI, {});
  return Rewrite(tree_, a, [&](NodeId node) { return IsSymbol(node, "j") ? unit : kNoNode; });
}

// 2RC beside 2CR: a run of capitals is a product where the other side has its letters alone.
NodeId Judge::Letters(NodeId id, NodeId other) {
  if (IsConstant(tree_, id)) return id;
  return Rewrite(tree_, id, [&](NodeId node) {
    const std::string_view name = tree_[node].text;
    const bool run = OpOf(node) == Op::kSymbol && name.size() > 1 && name.size() < 5 &&
                     std::ranges::all_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!run) return kNoNode;
    Nodes factors;
    for (const char& c : name) {
      const std::string_view letter(&c, 1);
      if (!Mentions(tree_, other, letter)) return kNoNode;
      factors.push_back(tree_.Add(Op::kSymbol, letter));
    }
    return tree_.Add(Op::kMul, {}, factors);
  });
}

Sameness Judge::Scalars(NodeId g, NodeId a) {
  Sameness same = CompareScalars(tree_, g, a, {options_.decimals});
  if (Yes(same)) return same;
  if (options_.percent_as_number) {
    const bool percent = OpOf(g) == Op::kPercent;
    if (percent != (OpOf(a) == Op::kPercent)) {
      NodeId& number = percent ? g : a;
      number = tree_.Child(number, 0);
      const Sameness plain = CompareScalars(tree_, g, a, {options_.decimals});
      if (Yes(plain)) return plain;
    }
  }
  if (!IsConstant(tree_, g) || !IsConstant(tree_, a)) {
    const NodeId other = SameUnit(g, SameConstant(g, a));
    if (other != a) return CompareScalars(tree_, g, other, {options_.decimals});
  }
  if (const NodeId x = Letters(g, a), y = Letters(a, g); x != g || y != a) {
    return CompareScalars(tree_, x, y, {options_.decimals});
  }
  if (options_.rename_variables) {
    const NodeId renamed = Renamed(tree_, g, a);
    if (renamed != a) return CompareScalars(tree_, g, renamed, {options_.decimals});
  }
  return same;
}

bool Judge::Constant(NodeId id) const { return IsScalar(tree_, id) && IsConstant(tree_, id); }

// Without ±, with matrices computed, lists flat.
NodeId Judge::Prepared(NodeId id) {
  if (IsList(id)) {
    const Nodes children = ChildrenOf(id);
    Nodes items;
    for (const NodeId child : children) {
      for (const NodeId alternative : WithoutPlusMinus(tree_, child)) items.push_back(alternative);
    }
    return items.size() == children.size() ? id : tree_.Add(OpOf(id), {}, items);
  }
  if (OpOf(id) == Op::kRelation) return id;
  const Nodes alternatives = WithoutPlusMinus(tree_, id);
  if (alternatives.size() > 1) return tree_.Add(Op::kList, {}, alternatives);
  return id;
}

Sameness SameAnswer(Tree& tree, NodeId gold, NodeId answer, const EqualOptions& options) {
  return Judge(tree, options).Same(gold, answer);
}

bool StandsAlone(Tree& tree, NodeId answer, const EqualOptions& options,
                 bool (*has)(const Tree&, NodeId)) {
  return Judge(tree, options).Stands(answer, has);
}

std::string_view KindOf(const Tree& tree, NodeId id) {
  switch (tree[id].op) {
    case Op::kText:
      return "text";
    case Op::kOpaque:
      if (tree[id].text == "phrase") return "phrase";
      if (tree[id].text == "where") return KindOf(tree, tree.Child(id, 0));
      break;
    case Op::kNumber:
      return "number";
    case Op::kRelation:
      return "relation";
    case Op::kList:
      return "list";
    case Op::kTuple:
      return "tuple";
    case Op::kInterval:
      return "interval";
    case Op::kSet:
    case Op::kEmptySet:
    case Op::kUnion:
    case Op::kIntersection:
    case Op::kSetMinus:
      return "set";
    case Op::kMatrix:
      return "matrix";
    case Op::kRatio:
      return "ratio";
    case Op::kQuantity:
      return KindOf(tree, tree.Child(id, 0));
    default:
      break;
  }
  return IsScalar(tree, id) && IsConstant(tree, id) ? "number" : "expression";
}

}  // namespace retort::verifiers
