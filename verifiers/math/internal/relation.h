#pragma once
// What a relation says: that a name has a value, or which name it bounds.

#include <optional>

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

/// May stand left of "= value" as a mere name: x, f(x), |AB|, NO/BO, \angle A, sin A.
bool IsName(const Tree& tree, NodeId id);

/// The first side of a relation that is a name; kNoNode without one.
NodeId NamedSide(const Tree& tree, NodeId relation);

struct Assignment {
  NodeId name = kNoNode;  ///< none when what stands left is no name
  NodeId value = kNoNode;
};
/// x = 5, x = 2 + 3 = 5, x = 1/3 ≈ 0.33, x ∈ S: of a chain, the last side that is exact. Nothing
/// for other relations and for what is none.
std::optional<Assignment> ReadAssignment(const Tree& tree, NodeId id);

}  // namespace retort::verifiers
