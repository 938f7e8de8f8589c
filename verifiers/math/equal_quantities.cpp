// Values with units.

#include <algorithm>

#include "verifiers/math/internal/judge-inl.h"
#include "verifiers/math/internal/quantity.h"
#include "verifiers/math/internal/rewrite.h"

namespace retort::verifiers {

// π as a factor or term, not inside of functions.
bool Judge::HasPi(NodeId id) const {
  tree_.Spend(20);
  const Op op = OpOf(id);
  if (op == Op::kPi) return true;
  const bool value = op == Op::kMul || op == Op::kDivide || op == Op::kNegate || op == Op::kAdd;
  return value &&
         std::ranges::any_of(tree_.Children(id), [&](NodeId child) { return HasPi(child); });
}

// A value, or the last side of a relation, changed.
NodeId Judge::Scaled(NodeId id, const std::function<NodeId(NodeId)>& scale) {
  if (IsScalar(tree_, id)) return scale(id);
  if (OpOf(id) != Op::kRelation) return id;
  Nodes sides = ChildrenOf(id);
  if (!IsScalar(tree_, sides.back())) return id;
  sides.back() = scale(sides.back());
  return tree_.Add(Op::kRelation, tree_[id].text, sides);
}

Sameness Judge::Quantities(NodeId g, NodeId a) {
  const auto unit_of = [&](NodeId id) {
    const bool quantity = OpOf(id) == Op::kQuantity;
    const auto read = quantity ? ReadUnit(tree_[id].text, false) : std::nullopt;
    return read ? std::optional(read->unit) : std::nullopt;
  };
  const auto value_of = [&](NodeId id) {
    return OpOf(id) == Op::kQuantity ? tree_.Child(id, 0) : id;
  };
  const auto gold = unit_of(g), answer = unit_of(a);
  const NodeId x = value_of(g), y = value_of(a);
  // Of other languages a unit may be unknown: then it is that word.
  if (OpOf(g) == Op::kQuantity && OpOf(a) == Op::kQuantity && !(gold && answer)) {
    return tree_[g].text == tree_[a].text ? Same(x, y) : Sameness::kDifferent;
  }
  if (!gold && !answer) return Same(x, y);
  if (gold && answer) {
    const auto temperature = [](const Unit& unit) {
      return unit.Measures(Base::kCelsius) || unit.Measures(Base::kFahrenheit) ||
             unit.Measures(Base::kKelvin);
    };
    const bool degrees = (gold->Measures(Base::kDegree) && temperature(*answer)) ||
                         (answer->Measures(Base::kDegree) && temperature(*gold));
    if (degrees) return Same(x, y);
    // 20 C is no charge beside 20 °C.
    const auto scale = [&](const Unit& degree, const Unit& other, NodeId written) {
      return (degree.Measures(Base::kCelsius) && other.letter && tree_[written].text == "C") ||
             (degree.Measures(Base::kFahrenheit) && other.letter && tree_[written].text == "F");
    };
    if (scale(*gold, *answer, a) || scale(*answer, *gold, g)) return Same(x, y);
    // 90° is π/2 rad.
    const auto radians = [&](NodeId id) {
      return tree_.Add(Op::kMul,
                       {id, tree_.Add(Op::kDivide, {tree_.Add(Op::kPi, {}), tree_.Number(180)})});
    };
    if (gold->Measures(Base::kDegree) && answer->Measures(Base::kRadian)) {
      return Same(Scaled(x, radians), y);
    }
    if (gold->Measures(Base::kRadian) && answer->Measures(Base::kDegree)) {
      return Same(x, Scaled(y, radians));
    }
    if (!gold->SameKind(*answer)) return Sameness::kDifferent;
    const bool alike = gold->mantissa == answer->mantissa && gold->divisor == answer->divisor &&
                       gold->exponent == answer->exponent;
    if (alike) return Same(x, y);
    const bool known =
        gold->mantissa > 0 && gold->divisor > 0 && answer->mantissa > 0 && answer->divisor > 0;
    if (!known) return Sameness::kDifferent;
    return Same(x, Scaled(y, [&](NodeId id) { return Converted(tree_, id, *answer, *gold); }));
  }
  const Unit& unit = gold ? *gold : *answer;
  const NodeId other = gold ? y : x;
  // 5 N beside 5N: the letter is a factor.
  const std::string_view name = tree_[gold ? g : a].text;
  const std::string_view symbol = name == "\\Omega" ? "Omega" : name;
  bool factor = false;
  if (unit.letter && IsScalar(tree_, other)) {
    Rewrite(tree_, other, [&](NodeId id) {
      factor = factor || IsSymbol(id, symbol);
      return kNoNode;
    });
  }
  const auto with = [&](NodeId id, NodeId by) { return tree_.Add(Op::kMul, {id, by}); };
  const auto changed = [&](NodeId by) {
    const auto times = [&](NodeId id) { return with(id, by); };
    return gold ? Same(Scaled(x, times), y) : Same(x, Scaled(y, times));
  };
  if (factor) return changed(tree_.Add(Op::kSymbol, symbol));
  const NodeId value = OpOf(other) == Op::kRelation ? tree_.Children(other).back() : other;
  if (unit.Measures(Base::kDegree) && HasPi(value)) {
    return changed(tree_.Add(Op::kDivide, {tree_.Add(Op::kPi, {}), tree_.Number(180)}));
  }
  return Same(x, y);
}

}  // namespace retort::verifiers
