#pragma once
// The judge behind equal.h: every method says whether a gold answer g and an answer a are the same.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/math/internal/equal.h"
#include "verifiers/math/internal/evaluate.h"
#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

inline bool Yes(Sameness sameness) {
  return sameness == Sameness::kSame || sameness == Sameness::kAgrees;
}
/// All of several: the weakest.
inline Sameness Both(Sameness a, Sameness b) {
  if (a == Sameness::kDifferent || b == Sameness::kDifferent) return Sameness::kDifferent;
  if (a == Sameness::kUnknown || b == Sameness::kUnknown) return Sameness::kUnknown;
  return a == Sameness::kAgrees ? a : b;
}

class Judge {
 public:
  Judge(Tree& tree, const EqualOptions& options) : tree_(tree), options_(options) {}

  Sameness Same(NodeId g, NodeId a);
  bool Stands(NodeId id, bool (*has)(const Tree&, NodeId));  // every part has a value

 private:
  // equal.cpp: which rules apply, and scalars.
  int64_t Size(NodeId id) const;
  Op OpOf(NodeId id) const { return tree_[id].op; }
  bool IsSymbol(NodeId id, std::string_view name) const {
    return OpOf(id) == Op::kSymbol && tree_[id].text == name;
  }
  Nodes ChildrenOf(NodeId id) const { return tree_.CopyOfChildren(id); }
  NodeId Computed(NodeId id);
  Sameness Compare(NodeId g, NodeId a);
  bool IsList(NodeId id) const { return OpOf(id) == Op::kList || OpOf(id) == Op::kSet; }
  bool IsResidue(NodeId id) const { return OpOf(id) == Op::kOpaque && tree_[id].text == "modulo"; }
  bool Constant(NodeId id) const;
  bool IsInfinite(NodeId id) const {
    while (OpOf(id) == Op::kNegate) id = tree_.Child(id, 0);
    return OpOf(id) == Op::kInfinity;
  }
  NodeId Unwrapped(NodeId id);
  NodeId Prepared(NodeId id);
  Sameness Cases(Nodes g, Nodes a);
  NodeId Stated(NodeId phrase) const;
  NodeId AsDomain(NodeId id);
  NodeId AsWhere(NodeId list);
  NodeId Called(NodeId call, NodeId other);
  NodeId Letters(NodeId id, NodeId other);
  Sameness Scalars(NodeId g, NodeId a);
  NodeId SameConstant(NodeId g, NodeId a);
  NodeId SameUnit(NodeId g, NodeId a);

  // equal_quantities.cpp
  Sameness Quantities(NodeId g, NodeId a);
  bool HasPi(NodeId id) const;
  NodeId Scaled(NodeId id, const std::function<NodeId(NodeId)>& scale);

  // equal_texts.cpp
  NodeId Meant(NodeId id);
  bool MeansNothing(NodeId id) const;
  NodeId Counted(NodeId id);
  Sameness Texts(NodeId g, NodeId a);

  struct NamedItems {
    std::vector<std::string> names;
    Nodes values;
    bool distinct = false, one = false;  // names: no two alike, all alike
  };

  // equal_relations.cpp
  std::optional<NamedItems> NamedTuple(NodeId name, NodeId value) const;
  Sameness Relations(NodeId g, NodeId a);
  bool IsRounding(NodeId exact, NodeId rounded);
  bool LinksHold(NodeId chain);
  Nodes NamesOf(NodeId chain) const;
  std::vector<std::string> Written(const Nodes& names) const;
  std::optional<Sameness> Approximations(NodeId g, NodeId a);
  NodeId Bound(NodeId gold, NodeId answer, NodeId value);
  bool Definitions(NodeId g, NodeId a) const;
  bool OfAnother(NodeId g, NodeId a, NodeId value) const;
  Sameness SidesAlike(NodeId g, NodeId a);
  Sameness Labels(NodeId g, NodeId a);
  bool SameName(NodeId g, NodeId a);
  NodeId Reordered(NodeId gold_name, NodeId name, NodeId value);
  NodeId NamedValues(NodeId gold_name, NodeId gold_value, NodeId list);
  NodeId Minus(NodeId a, NodeId b) { return tree_.Add(Op::kAdd, {a, tree_.Add(Op::kNegate, {b})}); }
  Sameness Equations(NodeId g, NodeId a);
  struct Atom {  // one relation f < 0, f <= 0, f = 0 or f != 0 of a chain
    char relation;
    NodeId f;
  };
  bool Atoms(NodeId id, std::vector<Atom>& atoms);
  Sameness Inequalities(NodeId g, NodeId a);

  // equal_lists.cpp
  Sameness InOrder(NodeId g, NodeId a);
  Sameness InOrder(const Nodes& x, const Nodes& y);
  NodeId DropCommonName(Nodes& items);
  std::optional<NamedItems> ReadNames(const Nodes& items) const;
  Nodes InNameOrder(const NamedItems& items) const;
  bool NothingNamed(const Nodes& items) const;
  Nodes Items(NodeId id, NodeId& name);
  bool NeedsCondition(NodeId where) const;
  NodeId DecimalComma(NodeId id);
  bool Conditions(NodeId id) const;
  bool WithoutDomains(NodeId& g, NodeId& a, bool& differ);
  NodeId AsUnion(NodeId list, NodeId other, bool gold);
  Sameness Lists(NodeId g, NodeId a);
  Nodes WithoutDots(const Nodes& items);
  Sameness SameItem(NodeId g, NodeId a);
  Sameness Unordered(const Nodes& x, const Nodes& y, bool sets = false);
  Sameness Sets(NodeId g, NodeId a);

  // equal_shapes.cpp
  Sameness Ratios(NodeId g, NodeId a);
  NodeId AsTuple(NodeId vector, NodeId like);
  NodeId AsRows(NodeId sets);
  Sameness Matrices(NodeId g, NodeId a);
  Sameness Sums(NodeId g, NodeId a, Sameness otherwise);

  Tree& tree_;
  const EqualOptions& options_;
  int depth_ = 0;
};

}  // namespace retort::verifiers
