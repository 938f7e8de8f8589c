// Values with units.

#include <algorithm>

#include "verifiers/math/internal/judge-inl.h"
#include "verifiers/math/internal/parse.h"
#include "verifiers/math/internal/quantity.h"
#include "verifiers/math/internal/rewrite.h"

namespace retort::verifiers {

// π as a factor or term, not inside of functions nor very deep.
bool Judge::HasPi(NodeId id) const {
  tree_.Spend(20);
  const Op op = OpOf(id);
  if (op == Op::kPi) return true;
  if (tree_[id].depth > kMaxAnswerDepth) return false;
  const bool value = op == Op::kMul || op == Op::kDivide || op == Op::kNegate || op == Op::kAdd;
  return value &&
         std::ranges::any_of(tree_.Children(id), [&](NodeId child) { return HasPi(child); });
}

// A value, or the constant sides of a relation, changed; kNoNode for what has none.
NodeId Judge::Scaled(NodeId id, const std::function<NodeId(NodeId)>& scale) {
  const auto value = [&](NodeId node) {  // ± as well
    return IsScalar(tree_, node) || (tree_[node].plus_minus && OpOf(node) < Op::kQuantity);
  };
  if (value(id)) return scale(id);
  if (OpOf(id) != Op::kRelation) return kNoNode;
  Nodes sides = ChildrenOf(id);
  bool any = false;
  for (NodeId& side : sides) {
    if (!value(side) || !tree_[side].constant) continue;
    side = scale(side);
    any = true;
  }
  return any ? tree_.Add(Op::kRelation, tree_[id].text, sides) : kNoNode;
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
      return unit.Measures(Base::kCelsius) || unit.Measures(Base::kFahrenheit);
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
      const NodeId scaled = Scaled(x, radians);
      return scaled == kNoNode ? Sameness::kDifferent : Same(scaled, y);
    }
    if (gold->Measures(Base::kRadian) && answer->Measures(Base::kDegree)) {
      const NodeId scaled = Scaled(y, radians);
      return scaled == kNoNode ? Sameness::kDifferent : Same(x, scaled);
    }
    if (!gold->SameKind(*answer)) return Sameness::kDifferent;
    const bool alike = gold->mantissa == answer->mantissa && gold->divisor == answer->divisor &&
                       gold->exponent == answer->exponent;
    const bool known =
        gold->mantissa > 0 && gold->divisor > 0 && answer->mantissa > 0 && answer->divisor > 0;
    if (!known) return tree_[g].text == tree_[a].text ? Same(x, y) : Sameness::kDifferent;
    if (alike) return Same(x, y);
    const NodeId scaled =
        Scaled(y, [&](NodeId id) { return Converted(tree_, id, *answer, *gold); });
    return scaled == kNoNode ? Sameness::kDifferent : Same(x, scaled);
  }
  const Unit& unit = gold ? *gold : *answer;
  const NodeId other = gold ? y : x;
  // 5 N beside 5N, 2 mg beside 2gm: letters are factors.
  NodeId product = kNoNode;
  if (unit.letter && IsScalar(tree_, other)) {
    const auto formula = ParseFormula(tree_[gold ? g : a].text, tree_);
    if (formula && IsScalar(tree_, *formula)) {
      Rewrite(tree_, *formula, [&](NodeId id) {
        const bool shared = OpOf(id) == Op::kSymbol && Mentions(tree_, other, tree_[id].text);
        if (shared) product = *formula;
        return kNoNode;
      });
    }
  }
  const auto changed = [&](NodeId by) {
    const auto times = [&](NodeId id) { return tree_.Add(Op::kMul, {id, by}); };
    const NodeId scaled = Scaled(gold ? x : y, times);
    if (scaled == kNoNode) return Sameness::kDifferent;
    return gold ? Same(scaled, y) : Same(x, scaled);
  };
  if (product != kNoNode) return changed(product);
  // 5 ppm is a number.
  if (unit.powers == decltype(unit.powers){} && unit.currency.empty() && unit.exponent != 0) {
    return changed(Converted(tree_, tree_.Number(1), unit, Unit{}));
  }
  const NodeId value = OpOf(other) == Op::kRelation ? tree_.Children(other).back() : other;
  if (unit.Measures(Base::kDegree) && HasPi(value)) {
    return changed(tree_.Add(Op::kDivide, {tree_.Add(Op::kPi, {}), tree_.Number(180)}));
  }
  return Same(x, y);
}

}  // namespace retort::verifiers
