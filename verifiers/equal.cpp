#include "verifiers/equal.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "verifiers/parse.h"

namespace retort::verifiers {

namespace {

constexpr NodeId kNone = -1;
constexpr int64_t kWork = 40'000;  // nodes that are compared for one pair of answers
constexpr int kMaxDepth = 60;

using Nodes = std::vector<NodeId>;

bool Yes(Sameness sameness) { return sameness == Sameness::kSame || sameness == Sameness::kAgrees; }

// All of several: the weakest.
Sameness Both(Sameness a, Sameness b) {
  if (a == Sameness::kDifferent || b == Sameness::kDifferent) return Sameness::kDifferent;
  if (a == Sameness::kUnknown || b == Sameness::kUnknown) return Sameness::kUnknown;
  return a == Sameness::kAgrees ? a : b;
}

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

class Judge {
 public:
  Judge(Tree& tree, const EqualOptions& options) : tree_(tree), options_(options) {
    for (NodeId id = 0; id < tree.size(); ++id) matrices_ = matrices_ || OpOf(id) == Op::kMatrix;
  }

  Sameness Same(NodeId gold, NodeId answer) {
    left_ -= Size(gold) + Size(answer);
    if (++depth_ > kMaxDepth || left_ < 0) {
      --depth_;
      return Sameness::kUnknown;
    }
    const Sameness result = Compare(gold, answer);
    --depth_;
    return result;
  }

 private:
  // About as many nodes as will be looked at.
  int64_t Size(NodeId id) const {
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
  Op OpOf(NodeId id) const { return tree_[id].op; }
  Nodes ChildrenOf(NodeId id) const {
    const auto children = tree_.Children(id);
    return {children.begin(), children.end()};
  }

  Sameness Compare(NodeId g, NodeId a) {
    g = Meant(Unwrapped(g));
    a = Meant(Unwrapped(a));
    if (matrices_) {
      g = Computed(g);
      a = Computed(a);
    }
    if (IsScalar(tree_, g) && IsScalar(tree_, a)) return Scalars(g, a);
    if (const Sameness same = Texts(g, a); same != Sameness::kUnknown) return same;
    g = Prepared(g);
    a = Prepared(a);
    if (OpOf(g) == Op::kRelation || OpOf(a) == Op::kRelation) return Relations(g, a);
    if (IsList(g) || IsList(a)) return Lists(g, a);
    if (IsRealSet(g) && IsRealSet(a)) return Sets(g, a);
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

  bool IsList(NodeId id) const { return OpOf(id) == Op::kList || OpOf(id) == Op::kSet; }
  bool IsRealSet(NodeId id) const {
    const Op op = OpOf(id);
    return op == Op::kInterval || op == Op::kUnion || op == Op::kIntersection ||
           op == Op::kSetMinus || op == Op::kEmptySet || op == Op::kSet ||
           (op == Op::kTuple && tree_[id].count == 2) ||
           (op == Op::kSymbol && tree_[id].text == "R");
  }

  // {5} and a list of one thing said twice are that thing.
  NodeId Unwrapped(NodeId id) {
    while (IsList(id) && tree_[id].count == 1) id = tree_.Child(id, 0);
    return id;
  }

  Sameness Scalars(NodeId g, NodeId a) {
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
    if (options_.rename_variables) {
      const NodeId renamed = Renamed(g, a);
      if (renamed != a) return CompareScalars(tree_, g, renamed, {options_.decimals});
    }
    return same;
  }

  bool Constant(NodeId id) const { return IsScalar(tree_, id) && IsConstant(tree_, id); }

  // "all real numbers" is a set, "no solution" the empty one.
  NodeId Meant(NodeId id) {
    if (OpOf(id) != Op::kText) return id;
    constexpr std::array<std::string_view, 6> kAll{"allrealnumbers",      "allreals",
                                                   "realnumbers",         "thesetofallrealnumbers",
                                                   "thesetofrealnumbers", "anyrealnumber"};
    constexpr std::array<std::string_view, 6> kNone{"nosolution",     "nosolutions",
                                                    "norealsolution", "norealsolutions",
                                                    "emptyset",       "theemptyset"};
    const std::string key = TextKey(tree_[id].text);
    if (std::ranges::find(kAll, key) != kAll.end()) return tree_.Add(Op::kSymbol, "R");
    if (std::ranges::find(kNone, key) != kNone.end()) return tree_.Add(Op::kEmptySet, {});
    return id;
  }

  // Words, or a letter that stands for a choice. kUnknown: these are no texts.
  Sameness Texts(NodeId g, NodeId a) {
    if (OpOf(g) != Op::kText && OpOf(a) != Op::kText) return Sameness::kUnknown;
    const auto key = [&](NodeId id) {
      const Node& node = tree_[id];
      if (node.op == Op::kText || node.op == Op::kSymbol) return TextKey(node.text);
      // "odd" may have been read as o·d·d.
      std::string letters;
      if (node.op == Op::kMul) {
        for (const NodeId child : tree_.Children(id)) {
          const Node& letter = tree_[child];
          letters += letter.op == Op::kE   ? "e"
                     : letter.op == Op::kI ? "i"
                                           : std::string(letter.text);
        }
      }
      return letters;
    };
    if (IsList(g) || IsList(a) || OpOf(g) == Op::kRelation || OpOf(a) == Op::kRelation) {
      return Sameness::kUnknown;
    }
    return key(g) == key(a) && !key(g).empty() ? Sameness::kSame : Sameness::kDifferent;
  }

  // Without ±, with matrices computed, lists flat.
  NodeId Prepared(NodeId id) {
    if (IsList(id) || OpOf(id) == Op::kTuple) {
      bool changed = false;
      Nodes items;
      for (const NodeId child : ChildrenOf(id)) {
        const Nodes alternatives = OpOf(id) == Op::kTuple ? Nodes{child} : Alternatives(child);
        changed = changed || alternatives.size() != 1;
        items.insert(items.end(), alternatives.begin(), alternatives.end());
      }
      return changed ? tree_.Add(OpOf(id), {}, items) : id;
    }
    if (OpOf(id) == Op::kRelation) return id;
    const Nodes alternatives = Alternatives(id);
    if (alternatives.size() > 1) return tree_.Add(Op::kList, {}, alternatives);
    return id;
  }

  bool Contains(NodeId id, Op op, int budget = 4000) const {
    Nodes stack{id};
    while (!stack.empty() && --budget > 0) {
      const NodeId node = stack.back();
      stack.pop_back();
      if (OpOf(node) == op) return true;
      const auto children = tree_.Children(node);
      stack.insert(stack.end(), children.begin(), children.end());
    }
    return false;
  }
  // Both readings of ±, all of them the same way.
  Nodes Alternatives(NodeId id) {
    if (!Contains(id, Op::kPlusMinus)) return {id};
    return {Rebuilt(id, [&](NodeId node) { return Sign(node, true); }),
            Rebuilt(id, [&](NodeId node) { return Sign(node, false); })};
  }
  NodeId Sign(NodeId node, bool upper) {
    if (OpOf(node) != Op::kPlusMinus) return kNone;
    const bool plus = (tree_[node].detail == 0) == upper;
    const NodeId inside = Rebuilt(tree_.Child(node, 0), [&](NodeId n) { return Sign(n, upper); });
    return plus ? inside : tree_.Add(Op::kNegate, {inside});
  }

  // A copy in which `change` has replaced nodes; it gives kNone for those it leaves.
  template <class Change>
  NodeId Rebuilt(NodeId id, const Change& change, int depth = 0) {
    if (depth > 200) return id;
    if (const NodeId other = change(id); other != kNone) return other;
    Nodes children = ChildrenOf(id);
    bool changed = false;
    for (NodeId& child : children) {
      const NodeId other = Rebuilt(child, change, depth + 1);
      changed = changed || other != child;
      child = other;
    }
    return changed ? tree_.Add(OpOf(id), tree_[id].text, children, tree_[id].detail) : id;
  }

  // The answer with its variables called as in `gold`, in the order they appear.
  NodeId Renamed(NodeId gold, NodeId answer) {
    const auto names = [&](NodeId id) {
      std::vector<std::string_view> order;
      Nodes stack{id};
      while (!stack.empty()) {
        const NodeId node = stack.back();
        stack.pop_back();
        if (OpOf(node) == Op::kSymbol &&
            std::ranges::find(order, tree_[node].text) == order.end()) {
          order.push_back(tree_[node].text);
        }
        const auto children = tree_.Children(node);
        stack.insert(stack.end(), children.rbegin(), children.rend());
      }
      return order;
    };
    const auto from = names(answer), to = names(gold);
    if (from.size() != to.size() || from == to) return answer;
    return Rebuilt(answer, [&](NodeId node) {
      if (OpOf(node) != Op::kSymbol) return kNone;
      const auto at = std::ranges::find(from, tree_[node].text) - from.begin();
      return tree_.Add(Op::kSymbol, to[static_cast<size_t>(at)]);
    });
  }

  // What may stand left of "= value" as a mere name: x, f(x), |AB|, NO/BO, \angle A, sin A.
  bool IsName(NodeId id) const {
    switch (OpOf(id)) {
      case Op::kSymbol:
      case Op::kApply:
      case Op::kText:
      case Op::kI:  // as a variable
      case Op::kE:
        return true;
      case Op::kFunction: {
        const Function f = tree_.FunctionOf(id);
        return tree_[id].count == 1 && f != Function::kFactorial && IsName(tree_.Child(id, 0));
      }
      case Op::kDivide:
      case Op::kRatio:
      case Op::kMul:
      case Op::kTuple:
        return std::ranges::all_of(tree_.Children(id), [&](NodeId child) {
          const Node& node = tree_[child];
          if (OpOf(id) != Op::kMul) return IsName(child);
          if (node.op == Op::kPower) return false;
          const bool capital =
              node.op == Op::kSymbol && !node.text.empty() &&
              (node.text.size() > 1 || (node.text[0] >= 'A' && node.text[0] <= 'Z'));
          return capital || (node.op != Op::kSymbol && IsName(child));
        });
      default:
        return false;
    }
  }

  struct Assignment {
    NodeId name = kNone;  ///< none when what stands left is no name
    NodeId value = kNone;
  };

  // x = 5, x = 2 + 3 = 5, x = 1/3 ≈ 0.33, x ∈ S. Nothing for other relations.
  bool Assigned(NodeId id, Assignment& out) const {
    if (OpOf(id) != Op::kRelation) return false;
    const auto sides = tree_.Children(id);
    const std::string_view relations = tree_[id].text;
    if (relations == "e") {
      out = {sides[0], sides[1]};
      return true;
    }
    size_t exact = 0;
    for (size_t i = 0; i < relations.size(); ++i) {
      if (relations[i] != kEqualTo && relations[i] != kApproximately &&
          relations[i] != kCongruent) {
        return false;
      }
      if (relations[i] != kApproximately && exact == i) exact = i + 1;
    }
    const size_t last = exact == 0 ? relations.size() : exact;
    out.value = sides[last];
    out.name = kNone;
    for (size_t i = 0; i < last; ++i) {
      if (IsName(sides[i])) {
        out.name = sides[i];
        break;
      }
    }
    return true;
  }

  Sameness Relations(NodeId g, NodeId a) {
    Assignment gold, answer;
    const bool g_assigns = Assigned(g, gold), a_assigns = Assigned(a, answer);
    if (OpOf(g) != Op::kRelation) {
      if (a_assigns) {
        // "x = 5 or x = 7" is a list; what remains here is one relation for a value.
        const NodeId first = tree_.Child(a, 0);  // 4 = 5 says nothing
        if (Constant(first) && Constant(answer.value) &&
            Scalars(first, answer.value) == Sameness::kDifferent) {
          return Sameness::kDifferent;
        }
        const Sameness same = Same(g, answer.value);
        if (Yes(same) || answer.name != kNone || tree_[a].text != "=") return same;
        // 5 = x
        return IsName(answer.value) ? Same(g, tree_.Child(a, 0)) : same;
      }
      if (OpOf(g) == Op::kList) return Lists(g, a);
      if (!options_.relation_for_set) return Sameness::kDifferent;
      return Sets(g, a);
    }
    if (OpOf(a) != Op::kRelation) {
      if (g_assigns) {
        if (gold.name != kNone) return Same(gold.value, a);
        return Sameness::kDifferent;
      }
      if (OpOf(a) == Op::kList) return Lists(g, a);
      return Sets(g, a);
    }
    const bool member = tree_[g].text == "e";
    if (member && !a_assigns && !options_.relation_for_set) return Sameness::kDifferent;
    if (g_assigns && a_assigns) {
      const bool membership = tree_[g].text == "e" && tree_[a].text == "e";
      if (gold.name != kNone && answer.name != kNone) {
        if (SameName(gold.name, answer.name)) {
          return Same(gold.value, Bound(gold.name, answer.name, answer.value));
        } else if (membership) {
          return Sameness::kDifferent;
        }
      }
      return Equations(g, a);
    }
    return Inequalities(g, a);
  }

  // The value of f(y) = … with its variable called as in gold's f(x) = ….
  NodeId Bound(NodeId gold, NodeId answer, NodeId value) {
    if (!Definitions(gold, answer)) return value;
    const std::string_view from = tree_[tree_.Child(answer, 0)].text;
    const NodeId to = tree_.Child(gold, 0);
    return Rebuilt(value, [&](NodeId node) {
      return OpOf(node) == Op::kSymbol && tree_[node].text == from ? to : kNone;
    });
  }
  // f(x) and f(y)
  bool Definitions(NodeId g, NodeId a) const {
    return OpOf(g) == Op::kApply && OpOf(a) == Op::kApply && tree_[g].text == tree_[a].text &&
           tree_[g].count == 1 && tree_[a].count == 1 && OpOf(tree_.Child(g, 0)) == Op::kSymbol &&
           OpOf(tree_.Child(a, 0)) == Op::kSymbol;
  }

  bool SameName(NodeId g, NodeId a) {
    if (NormalForm(tree_, g) == NormalForm(tree_, a) || Definitions(g, a)) return true;
    if (options_.rename_variables) return OpOf(g) == OpOf(a);
    // y and f(x)
    const auto y = [&](NodeId id) { return OpOf(id) == Op::kSymbol && tree_[id].text == "y"; };
    return (y(g) && OpOf(a) == Op::kApply) || (y(a) && OpOf(g) == Op::kApply);
  }

  NodeId Minus(NodeId a, NodeId b) { return tree_.Add(Op::kAdd, {a, tree_.Add(Op::kNegate, {b})}); }

  // First = last; both sides may be moved and scaled.
  Sameness Equations(NodeId g, NodeId a) {
    const auto ends = [&](NodeId id) {
      const auto sides = tree_.Children(id);
      return std::pair{sides.front(), sides.back()};
    };
    const auto [g1, g2] = ends(g);
    const auto [a1, a2] = ends(a);
    for (const NodeId side : {g1, g2, a1, a2}) {
      if (!IsScalar(tree_, side)) {
        const Sameness straight = Both(Same(g1, a1), Same(g2, a2));
        return straight;
      }
    }
    if (NormalForm(tree_, g) == NormalForm(tree_, a)) return Sameness::kSame;
    left_ -= 10 * (Size(g) + Size(a));
    if (left_ < 0) return Sameness::kUnknown;
    switch (CompareProportion(tree_, Minus(g1, g2), Minus(a1, a2))) {
      case Proportion::kPositive:
      case Proportion::kNegative:
        return Sameness::kAgrees;
      case Proportion::kUnknown:
        return Sameness::kUnknown;
      default:
        return Sameness::kDifferent;
    }
  }

  // One relation f < 0, f <= 0, f = 0 or f != 0 of a chain.
  struct Atom {
    char relation;
    NodeId f;
  };
  bool Atoms(NodeId id, std::vector<Atom>& atoms) {
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

  Sameness Inequalities(NodeId g, NodeId a) {
    if (NormalForm(tree_, g) == NormalForm(tree_, a)) return Sameness::kSame;
    if (const Sameness same = Sets(g, a); Yes(same)) return same;
    std::vector<Atom> gold, answer;
    if (!Atoms(g, gold) || !Atoms(a, answer)) return Sameness::kDifferent;
    if (gold.size() != answer.size() || gold.size() > 20) return Sameness::kDifferent;
    const auto matches = [&](const Atom& x, const Atom& y) {
      if (x.relation != y.relation) return false;
      const Proportion proportion = CompareProportion(tree_, x.f, y.f);
      return proportion == Proportion::kPositive ||
             (proportion == Proportion::kNegative &&
              (x.relation == kNotEqual || x.relation == kEqualTo));
    };
    for (const Atom& x : gold) {
      left_ -= 10 * Size(x.f);
      if (left_ < 0) return Sameness::kUnknown;
      if (std::ranges::none_of(answer, [&](const Atom& y) { return matches(x, y); })) {
        return Sameness::kDifferent;
      }
    }
    return Sameness::kAgrees;
  }

  // --- Lists, sets and tuples.

  Sameness InOrder(NodeId g, NodeId a) {
    const Nodes x = ChildrenOf(g), y = ChildrenOf(a);
    if (x.size() != y.size()) return Sameness::kDifferent;
    Sameness all = Sameness::kSame;
    for (size_t i = 0; i < x.size() && all != Sameness::kDifferent; ++i) {
      all = Both(all, Same(x[i], y[i]));
    }
    return all;
  }

  // "n = 1, 2, 3": the name belongs to all. "x = 1, y = 2": each has its own.
  void DropCommonName(Nodes& items) {
    if (items.size() < 2) return;
    Assignment first;
    if (!Assigned(items[0], first) || first.name == kNone) return;
    const auto bare = [&](NodeId id) { return OpOf(id) != Op::kRelation; };
    if (std::all_of(items.begin() + 1, items.end(), bare)) items[0] = first.value;
  }

  // Every element has a name of its own: the values, in that order.
  bool Named(const Nodes& items, Nodes& values) const {
    std::vector<std::string> names;
    for (const NodeId item : items) {
      Assignment assignment;
      if (!Assigned(item, assignment) || assignment.name == kNone) return false;
      names.push_back(NormalForm(tree_, assignment.name));
      values.push_back(assignment.value);
    }
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) == names.end();
  }

  Nodes Items(NodeId id) {
    if (!IsList(id)) return {id};
    Nodes items = ChildrenOf(id);
    if (OpOf(id) == Op::kList) DropCommonName(items);
    return items;
  }

  // 1,22 read as a number.
  NodeId DecimalComma(NodeId id) {
    if (OpOf(id) != Op::kList || tree_[id].detail != 1) return kNone;
    const NodeId whole = tree_.Child(id, 0), part = tree_.Child(id, 1);
    const bool negative = OpOf(whole) == Op::kNegate;
    const NodeId digits = negative ? tree_.Child(whole, 0) : whole;
    const NodeId number = tree_.Add(
        Op::kNumber, std::string(tree_[digits].text) + "." + std::string(tree_[part].text));
    return negative ? tree_.Add(Op::kNegate, {number}) : number;
  }

  Sameness Lists(NodeId g, NodeId a) {
    if (!IsList(g)) {
      if (const NodeId number = DecimalComma(a); number != kNone && IsScalar(tree_, g)) {
        return Same(g, number);
      }
      // (1, 3) and "1, 3"; but not {1, 3}.
      if (OpOf(g) == Op::kTuple && OpOf(a) == Op::kList) return InOrder(g, a);
      if (OpOf(g) == Op::kMatrix && OpOf(a) == Op::kList) return Matrices(g, a);
      if (OpOf(g) == Op::kRelation && Yes(Sets(g, a))) return Sameness::kSame;
      if (IsRealSet(g) && OpOf(a) == Op::kSet) return Sets(g, a);
    }
    if (!IsList(a)) {
      if (const NodeId number = DecimalComma(g); number != kNone && IsScalar(tree_, a)) {
        return Same(number, a);
      }
      if (OpOf(g) == Op::kList && OpOf(a) == Op::kTuple) {
        Nodes values;
        if (Named(ChildrenOf(g), values)) {
          return InOrder(tree_.Add(Op::kTuple, {}, values), a);
        }
        return InOrder(g, a);
      }
      if (IsRealSet(a)) return Sets(g, a);
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
  Sameness Unordered(const Nodes& x, const Nodes& y) {
    std::vector<bool> found(y.size());
    std::map<std::string, std::vector<size_t>> forms;
    for (size_t j = 0; j < y.size(); ++j) forms[NormalForm(tree_, y[j])].push_back(j);
    Sameness all = Sameness::kSame;
    Nodes open;
    for (const NodeId item : x) {
      const auto same = forms.find(NormalForm(tree_, item));
      if (same == forms.end()) {
        open.push_back(item);
        continue;
      }
      for (const size_t j : same->second) found[j] = true;
      same->second.clear();  // those are done, however often it comes
    }
    for (const NodeId item : open) {
      Sameness best = Sameness::kDifferent;
      for (size_t j = 0; j < y.size(); ++j) {
        const Sameness same = Same(item, y[j]);
        if (Yes(same)) found[j] = true;
        if (Yes(same) || (same == Sameness::kUnknown && !Yes(best))) best = same;
      }
      all = Both(all, best);
      if (all == Sameness::kDifferent) return all;
    }
    for (size_t j = 0; j < y.size(); ++j) {
      if (found[j]) continue;
      // Said in another way before: 1/2, 0.5.
      Sameness best = Sameness::kDifferent;
      for (const NodeId item : x) {
        const Sameness same = Same(item, y[j]);
        if (Yes(same)) {
          best = same;
          break;
        }
      }
      all = Both(all, best);
      if (all == Sameness::kDifferent) return all;
    }
    return all;
  }

  // --- Sets of real numbers.

  struct Piece {
    NodeId low, high;
    bool low_in, high_in;
  };
  using Pieces = std::vector<Piece>;

  NodeId Infinity(bool positive) {
    const NodeId infinity = tree_.Add(Op::kInfinity, {});
    return positive ? infinity : tree_.Add(Op::kNegate, {infinity});
  }
  bool Infinite(NodeId id) const {
    while (OpOf(id) == Op::kNegate) id = tree_.Child(id, 0);
    return OpOf(id) == Op::kInfinity;
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
    bool ordered = true;
    // Insertion: the order is proved or the whole fails.
    for (size_t i = 1; i < pieces.size() && ordered; ++i) {
      for (size_t j = i; j > 0; --j) {
        const auto order = Order(tree_, pieces[j].low, pieces[j - 1].low);
        if (!order) {
          ordered = false;
          break;
        }
        if (*order > 0 || (*order == 0 && !(pieces[j].low_in && !pieces[j - 1].low_in))) break;
        std::swap(pieces[j], pieces[j - 1]);
      }
    }
    if (!ordered) return false;
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

  bool ToPieces(NodeId id, Pieces& out, int depth = 0) {
    if (depth > 20) return false;
    const auto ends = [&](bool left, bool right) {
      out.push_back({tree_.Child(id, 0), tree_.Child(id, 1), left, right});
      return IsScalar(tree_, out[0].low) && IsScalar(tree_, out[0].high) && Normalise(out);
    };
    switch (OpOf(id)) {
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
        for (const NodeId item : ChildrenOf(id)) {
          if (!IsScalar(tree_, item)) return false;
          out.push_back({item, item, true, true});
        }
        return Normalise(out);
      case Op::kUnion:
        for (const NodeId part : ChildrenOf(id)) {
          Pieces pieces;
          if (!ToPieces(part, pieces, depth + 1)) return false;
          out.insert(out.end(), pieces.begin(), pieces.end());
        }
        return Normalise(out);
      case Op::kIntersection:
      case Op::kSetMinus: {
        const Nodes parts = ChildrenOf(id);
        if (!ToPieces(parts[0], out, depth + 1)) return false;
        for (size_t i = 1; i < parts.size(); ++i) {
          Pieces pieces, other, both;
          if (!ToPieces(parts[i], pieces, depth + 1)) return false;
          if (OpOf(id) == Op::kSetMinus) {
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
        NodeId variable = kNone;
        Pieces both{{Infinity(false), Infinity(true), false, false}}, met;
        for (const NodeId part : ChildrenOf(id)) {
          Pieces pieces;
          if (OpOf(part) != Op::kRelation || !ToPieces(part, pieces, depth + 1)) return false;
          const NodeId now = Variable(part);
          if (variable != kNone && NormalForm(tree_, variable) != NormalForm(tree_, now)) {
            return false;
          }
          variable = now;
          if (!Intersect(both, pieces, met)) return false;
          both = std::exchange(met, {});
          out.insert(out.end(), pieces.begin(), pieces.end());
        }
        if (!Normalise(out)) return false;
        const bool everything = out.size() == 1 && Infinite(out[0].low) && Infinite(out[0].high);
        if (tree_[id].detail == 2 || everything) out = both;
        return true;
      }
      default:
        return false;
    }
  }

  // What a chain of inequalities is about: its one name, perhaps between bars.
  NodeId Variable(NodeId relation) const {
    for (const NodeId side : tree_.Children(relation)) {
      if (IsName(side)) return side;
    }
    return kNone;
  }

  // a < x <= b, |x| < c, x != d.
  bool Solved(NodeId id, Pieces& out, int depth) {
    const Nodes sides = ChildrenOf(id);
    const std::string relations(tree_[id].text);
    const NodeId variable = Variable(id);
    if (variable == kNone || OpOf(variable) == Op::kTuple) return false;
    const size_t at = static_cast<size_t>(std::ranges::find(sides, variable) - sides.begin());
    if (relations == "e" && at == 0) return ToPieces(sides[1], out, depth + 1);
    if (sides.size() > 3) return false;
    Pieces all{{Infinity(false), Infinity(true), false, false}};
    for (size_t i = 0; i < sides.size(); ++i) {
      if (i == at) continue;
      if (i + 1 != at && at + 1 != i) return false;
      if (!Constant(sides[i])) return false;
      char relation = relations[std::min(i, at)];
      if (i < at) {  // c < x
        relation = Flipped(relation);
      }
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
    const bool absolute =
        OpOf(variable) == Op::kFunction && tree_.FunctionOf(variable) == Function::kAbs;
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
    out = all;
    return true;
  }

  Sameness Sets(NodeId g, NodeId a) {
    if (OpOf(g) == Op::kRelation && OpOf(a) == Op::kRelation) {
      const NodeId x = Variable(g), y = Variable(a);
      if (x == kNone || y == kNone) return Sameness::kUnknown;
      const auto inner = [&](NodeId id) {
        const bool bars = OpOf(id) == Op::kFunction && tree_.FunctionOf(id) == Function::kAbs;
        return NormalForm(tree_, bars ? tree_.Child(id, 0) : id);
      };
      if (inner(x) != inner(y) && !options_.rename_variables) return Sameness::kDifferent;
    }
    Pieces gold, answer;
    if (!ToPieces(g, gold) || !ToPieces(a, answer)) {
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
    if (gold.size() != answer.size()) return Sameness::kDifferent;
    Sameness all = Sameness::kSame;
    for (size_t i = 0; i < gold.size() && all != Sameness::kDifferent; ++i) {
      const Piece &x = gold[i], &y = answer[i];
      if (x.low_in != y.low_in || x.high_in != y.high_in) return Sameness::kDifferent;
      all = Both(all, Both(Same(x.low, y.low), Same(x.high, y.high)));
    }
    return all;
  }

  // --- Ratios and matrices.

  // a : b : … and c : d : …; of two also the quotient. Times of the day have no proportion.
  Sameness Ratios(NodeId g, NodeId a) {
    const auto parts = [&](NodeId id) {
      return OpOf(id) == Op::kRatio || OpOf(id) == Op::kDivide ? ChildrenOf(id)
                                                               : Nodes{id, tree_.Number(1)};
    };
    const Nodes x = parts(g), y = parts(a);
    if (x.size() != y.size()) return Sameness::kDifferent;
    const int half = tree_[g].detail, other_half = tree_[a].detail;  // of the day
    if (OpOf(g) == Op::kRatio && OpOf(a) == Op::kRatio && half != other_half && half != 0 &&
        other_half != 0) {
      return Sameness::kDifferent;
    }
    const auto zero = [&](const Nodes& nodes) {
      return std::ranges::any_of(nodes, [&](NodeId id) {
        return OpOf(id) == Op::kNumber &&
               tree_[id].text.find_first_not_of("0.") == std::string::npos;
      });
    };
    Sameness all = Sameness::kSame;
    if (zero(x) || zero(y)) {
      for (size_t i = 0; i < x.size(); ++i) all = Both(all, Same(x[i], y[i]));
      return all;
    }
    for (const Nodes& nodes : {x, y}) {
      for (const NodeId id : nodes) {
        if (!IsScalar(tree_, id)) return Sameness::kDifferent;
      }
    }
    for (size_t i = 1; i < x.size() && all != Sameness::kDifferent; ++i) {
      all =
          Both(all, Scalars(tree_.Add(Op::kMul, {x[0], y[i]}), tree_.Add(Op::kMul, {x[i], y[0]})));
    }
    return all;
  }

  int64_t Rows(NodeId matrix) const { return tree_[matrix].count / tree_[matrix].detail; }

  // Sums, differences, products, multiples and transposes of matrices; others stay.
  NodeId Computed(NodeId id, int depth = 0) {
    if (depth > 20 || OpOf(id) == Op::kMatrix) return id;
    if (tree_.size() > 3 * kMaxAnswerNodes) return id;
    Nodes parts = ChildrenOf(id);
    for (NodeId& part : parts) part = Computed(part, depth + 1);
    const auto matrix = [&](NodeId part) { return OpOf(part) == Op::kMatrix; };
    const auto mapped = [&](NodeId m, const auto& f) {
      Nodes entries = ChildrenOf(m);
      for (NodeId& entry : entries) entry = f(entry);
      return tree_.Add(Op::kMatrix, {}, entries, tree_[m].detail);
    };
    if (OpOf(id) == Op::kNegate && matrix(parts[0])) {
      return mapped(parts[0], [&](NodeId x) { return tree_.Add(Op::kNegate, {x}); });
    }
    if (OpOf(id) == Op::kDivide && matrix(parts[0]) && IsScalar(tree_, parts[1])) {
      return mapped(parts[0], [&](NodeId x) { return tree_.Add(Op::kDivide, {x, parts[1]}); });
    }
    if (OpOf(id) == Op::kFunction && tree_.FunctionOf(id) == Function::kTranspose &&
        matrix(parts[0])) {
      const Nodes from = ChildrenOf(parts[0]);
      const size_t columns = tree_[parts[0]].detail, rows = from.size() / columns;
      if (rows > 255) return id;
      Nodes entries;
      for (size_t c = 0; c < columns; ++c) {
        for (size_t r = 0; r < rows; ++r) entries.push_back(from[r * columns + c]);
      }
      return tree_.Add(Op::kMatrix, {}, entries, static_cast<int>(rows));
    }
    if (OpOf(id) == Op::kAdd && std::ranges::all_of(parts, matrix)) {
      Nodes sum = ChildrenOf(parts[0]);
      const int columns = tree_[parts[0]].detail;
      for (size_t i = 1; i < parts.size(); ++i) {
        if (tree_[parts[i]].count != static_cast<int32_t>(sum.size()) ||
            tree_[parts[i]].detail != columns) {
          return id;
        }
        for (size_t k = 0; k < sum.size(); ++k) {
          sum[k] = tree_.Add(Op::kAdd, {sum[k], tree_.Child(parts[i], static_cast<int>(k))});
        }
      }
      return tree_.Add(Op::kMatrix, {}, sum, columns);
    }
    if (OpOf(id) == Op::kFunction && matrix(parts[0]) &&
        tree_.FunctionOf(id) == Function::kDeterminant) {
      const Nodes entries = ChildrenOf(parts[0]);
      const size_t n = tree_[parts[0]].detail;
      return entries.size() == n * n && n <= 4 ? Determinant(entries, n) : id;
    }
    if (OpOf(id) == Op::kPower && matrix(parts[0])) {
      const auto power = SmallInteger(tree_, parts[1]);
      if (!power || *power < 1 || *power > 16) return id;
      NodeId product = parts[0];
      for (int64_t i = 1; i < *power; ++i) {
        product = Product(product, parts[0]);
        if (product == kNone || tree_.size() > 3 * kMaxAnswerNodes) return id;
      }
      return product;
    }
    if (OpOf(id) == Op::kMul) {
      NodeId product = parts[0];
      for (size_t i = 1; i < parts.size(); ++i) {
        const NodeId next = Product(product, parts[i]);
        if (next == kNone) return id;
        product = next;
      }
      return product;
    }
    return id;
  }

  // By the first row.
  NodeId Determinant(const Nodes& entries, size_t n) {
    if (n == 1) return entries[0];
    Nodes terms;
    for (size_t skip = 0; skip < n; ++skip) {
      Nodes minor;
      for (size_t i = n; i < n * n; ++i) {
        if (i % n != skip) minor.push_back(entries[i]);
      }
      const NodeId term = tree_.Add(Op::kMul, {entries[skip], Determinant(minor, n - 1)});
      terms.push_back(skip % 2 == 0 ? term : tree_.Add(Op::kNegate, {term}));
    }
    return tree_.Add(Op::kAdd, {}, terms);
  }

  NodeId Product(NodeId a, NodeId b) {
    const bool am = OpOf(a) == Op::kMatrix, bm = OpOf(b) == Op::kMatrix;
    if (!am && !bm) {
      return IsScalar(tree_, a) && IsScalar(tree_, b) ? tree_.Add(Op::kMul, {a, b}) : kNone;
    }
    if (am != bm) {
      const NodeId m = am ? a : b, scalar = am ? b : a;
      if (!IsScalar(tree_, scalar)) return kNone;
      Nodes entries = ChildrenOf(m);
      for (NodeId& entry : entries) entry = tree_.Add(Op::kMul, {scalar, entry});
      return tree_.Add(Op::kMatrix, {}, entries, tree_[m].detail);
    }
    const Nodes x = ChildrenOf(a), y = ChildrenOf(b);
    const size_t inner = tree_[a].detail, columns = tree_[b].detail;
    const size_t rows = x.size() / inner;
    if (y.size() / columns != inner || rows * inner * columns > 2000) return kNone;
    Nodes entries;
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < columns; ++c) {
        Nodes terms;
        for (size_t k = 0; k < inner; ++k) {
          terms.push_back(tree_.Add(Op::kMul, {x[r * inner + k], y[k * columns + c]}));
        }
        entries.push_back(terms.size() == 1 ? terms[0] : tree_.Add(Op::kAdd, {}, terms));
      }
    }
    return tree_.Add(Op::kMatrix, {}, entries, static_cast<int>(columns));
  }

  // A vector is a tuple, too.
  Sameness Matrices(NodeId g, NodeId a) {
    if (OpOf(g) == Op::kMatrix && OpOf(a) == Op::kMatrix) {
      return tree_[g].detail == tree_[a].detail ? InOrder(g, a) : Sameness::kDifferent;
    }
    const NodeId matrix = OpOf(g) == Op::kMatrix ? g : a, other = OpOf(g) == Op::kMatrix ? a : g;
    // [[1, 2], [3, 4]]
    if ((OpOf(other) == Op::kTuple || OpOf(other) == Op::kInterval) &&
        tree_[other].count == Rows(matrix) && tree_[matrix].detail > 1) {
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
    const bool vector = tree_[matrix].detail == 1 || Rows(matrix) == 1;
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

  Tree& tree_;
  const EqualOptions& options_;
  int depth_ = 0;
  int64_t left_ = kWork;
  bool matrices_ = false;  // somewhere in the tree
};

}  // namespace

Sameness SameAnswer(Tree& tree, NodeId gold, NodeId answer, const EqualOptions& options) {
  return Judge(tree, options).Same(gold, answer);
}

std::string_view KindOf(const Tree& tree, NodeId id) {
  switch (tree[id].op) {
    case Op::kText:
      return "text";
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
    default:
      return IsScalar(tree, id) && IsConstant(tree, id) ? "number" : "expression";
  }
}

}  // namespace retort::verifiers
