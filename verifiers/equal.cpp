#include "verifiers/equal.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "verifiers/matrix.h"
#include "verifiers/real_set.h"
#include "verifiers/relation.h"
#include "verifiers/rewrite.h"
#include "verifiers/words.h"

namespace retort::verifiers {

namespace {

constexpr int64_t kWork = 40'000;  // nodes that are compared for one pair of answers
constexpr int kMaxDepth = 60;

bool Yes(Sameness sameness) { return sameness == Sameness::kSame || sameness == Sameness::kAgrees; }

// All of several: the weakest.
Sameness Both(Sameness a, Sameness b) {
  if (a == Sameness::kDifferent || b == Sameness::kDifferent) return Sameness::kDifferent;
  if (a == Sameness::kUnknown || b == Sameness::kUnknown) return Sameness::kUnknown;
  return a == Sameness::kAgrees ? a : b;
}

class Judge {
 public:
  Judge(Tree& tree, const EqualOptions& options) : tree_(tree), options_(options) {
    for (NodeId id = 0; id < tree.size(); ++id) {
      matrices_ = matrices_ || OpOf(id) == Op::kMatrix;
      sums_ = sums_ || OpOf(id) == Op::kOpaque;
    }
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
  Nodes ChildrenOf(NodeId id) const { return tree_.CopyOfChildren(id); }

  Sameness Compare(NodeId g, NodeId a) {
    g = Meant(Unwrapped(g));
    a = Meant(Unwrapped(a));
    if (sums_) {
      g = Unrolled(tree_, g);
      a = Unrolled(tree_, a);
    }
    if (matrices_) {
      g = ComputeMatrices(tree_, g);
      a = ComputeMatrices(tree_, a);
    }
    if (IsScalar(tree_, g) && IsScalar(tree_, a)) return Scalars(g, a);
    if (const Sameness same = Texts(g, a); same != Sameness::kUnknown) return same;
    g = Prepared(g);
    a = Prepared(a);
    if (OpOf(g) == Op::kRelation || OpOf(a) == Op::kRelation) return Relations(g, a);
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

  bool IsList(NodeId id) const { return OpOf(id) == Op::kList || OpOf(id) == Op::kSet; }

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
      const NodeId renamed = Renamed(tree_, g, a);
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
    constexpr std::array<std::string_view, 6> kEmpty{"nosolution",     "nosolutions",
                                                     "norealsolution", "norealsolutions",
                                                     "emptyset",       "theemptyset"};
    const std::string key = TextKey(tree_[id].text);
    if (std::ranges::find(kAll, key) != kAll.end()) return tree_.Add(Op::kSymbol, "R");
    if (std::ranges::find(kEmpty, key) != kEmpty.end()) return tree_.Add(Op::kEmptySet, {});
    return id;
  }

  // Words, or a letter that stands for a choice. kUnknown: these are no texts.
  Sameness Texts(NodeId g, NodeId a) {
    if (OpOf(g) != Op::kText && OpOf(a) != Op::kText) return Sameness::kUnknown;
    const auto key = [&](NodeId id) {
      const Node& node = tree_[id];
      if (node.op == Op::kText || node.op == Op::kSymbol) {
        std::string text = TextKey(node.text);
        return text == "dne" ? "doesnotexist" : text;
      }
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
        const Nodes alternatives =
            OpOf(id) == Op::kTuple ? Nodes{child} : WithoutPlusMinus(tree_, child);
        changed = changed || alternatives.size() != 1;
        items.insert(items.end(), alternatives.begin(), alternatives.end());
      }
      return changed ? tree_.Add(OpOf(id), {}, items) : id;
    }
    if (OpOf(id) == Op::kRelation) return id;
    const Nodes alternatives = WithoutPlusMinus(tree_, id);
    if (alternatives.size() > 1) return tree_.Add(Op::kList, {}, alternatives);
    return id;
  }

  Sameness Relations(NodeId g, NodeId a) {
    const auto gold = ReadAssignment(tree_, g), answer = ReadAssignment(tree_, a);
    if (OpOf(g) != Op::kRelation) {
      if (answer) {
        // "x = 5 or x = 7" is a list; what remains here is one relation for a value.
        const NodeId first = tree_.Child(a, 0);  // 4 = 5 says nothing
        if (Constant(first) && Constant(answer->value) &&
            Scalars(first, answer->value) == Sameness::kDifferent) {
          return Sameness::kDifferent;
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
        if (gold->name != kNoNode) return Same(gold->value, a);
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

  // The value of f(y) = … with its variable called as in gold's f(x) = ….
  NodeId Bound(NodeId gold, NodeId answer, NodeId value) {
    if (!Definitions(gold, answer)) return value;
    const std::string_view from = tree_[tree_.Child(answer, 0)].text;
    const NodeId to = tree_.Child(gold, 0);
    return Rewrite(tree_, value, [&](NodeId node) {
      return OpOf(node) == Op::kSymbol && tree_[node].text == from ? to : kNoNode;
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
    const NodeId g1 = tree_.Children(g).front(), g2 = tree_.Children(g).back();
    const NodeId a1 = tree_.Children(a).front(), a2 = tree_.Children(a).back();
    for (const NodeId side : {g1, g2, a1, a2}) {
      if (!IsScalar(tree_, side)) return Both(Same(g1, a1), Same(g2, a2));
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

  // --- Lists, tuples and sets of real numbers.

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
    const auto first = ReadAssignment(tree_, items[0]);
    if (!first || first->name == kNoNode) return;
    const auto bare = [&](NodeId id) { return OpOf(id) != Op::kRelation; };
    if (std::all_of(items.begin() + 1, items.end(), bare)) items[0] = first->value;
  }

  // Every element has a name of its own: the values, in that order.
  bool Named(const Nodes& items, Nodes& values) const {
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

  Nodes Items(NodeId id) {
    if (!IsList(id)) return {id};
    Nodes items = ChildrenOf(id);
    if (OpOf(id) == Op::kList) DropCommonName(items);
    return items;
  }

  // 1,22 read as a number.
  NodeId DecimalComma(NodeId id) {
    if (OpOf(id) != Op::kList || tree_[id].detail != 1) return kNoNode;
    const NodeId whole = tree_.Child(id, 0), part = tree_.Child(id, 1);
    const bool negative = OpOf(whole) == Op::kNegate;
    const NodeId digits = negative ? tree_.Child(whole, 0) : whole;
    const NodeId number = tree_.Add(
        Op::kNumber, std::string(tree_[digits].text) + "." + std::string(tree_[part].text));
    return negative ? tree_.Add(Op::kNegate, {number}) : number;
  }

  // Inequalities, all of which hold or some of which do.
  bool Conditions(NodeId id) const {
    return OpOf(id) == Op::kList && std::ranges::all_of(tree_.Children(id), [&](NodeId child) {
             return OpOf(child) == Op::kRelation && !ReadAssignment(tree_, child);
           });
  }

  Sameness Lists(NodeId g, NodeId a) {
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

  Sameness Sets(NodeId g, NodeId a) {
    if (OpOf(g) == Op::kRelation && OpOf(a) == Op::kRelation) {
      const NodeId x = NamedSide(tree_, g), y = NamedSide(tree_, a);
      if (x == kNoNode || y == kNoNode) return Sameness::kUnknown;
      const auto inner = [&](NodeId id) {
        const bool bars = OpOf(id) == Op::kFunction && tree_.FunctionOf(id) == Function::kAbs;
        return NormalForm(tree_, bars ? tree_.Child(id, 0) : id);
      };
      if (inner(x) != inner(y) && !options_.rename_variables) return Sameness::kDifferent;
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

  // A vector is a tuple, too.
  Sameness Matrices(NodeId g, NodeId a) {
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

  Tree& tree_;
  const EqualOptions& options_;
  int depth_ = 0;
  int64_t left_ = kWork;
  bool matrices_ = false, sums_ = false;  // somewhere in the tree
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
