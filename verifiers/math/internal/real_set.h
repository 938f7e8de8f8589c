#pragma once
// Sets of real numbers as pieces of the line, however they are written: (1, 2], {1, 3}, R \ {0},
// |x| < 2, "x < 1 or x > 5".

#include <optional>
#include <vector>

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

/// An interval; a point has the same ends, both in.
struct Piece {
  NodeId low, high;
  bool low_in, high_in;
};

/// Written as a set; a pair (1, 2) may be an interval. Relations are not looked at.
bool MayBeRealSet(const Tree& tree, NodeId id);

/// What a relation bounds: its named side, without bars, or the only symbol of the only side that
/// is no constant; kNoNode without one.
NodeId BoundName(const Tree& tree, NodeId relation);
/// The pieces from left to right, with gaps between them; ends may be infinite and are then out.
/// Relations are solved for their BoundName() where it stands linearly between constants, also in
/// bars. Nothing when `id` is no such set, the order of its ends is not proved or there are
/// more than 100. Bounded work; `tree` may grow.
std::optional<std::vector<Piece>> ReadRealSet(Tree& tree, NodeId id);

}  // namespace retort::verifiers
