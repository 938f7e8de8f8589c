#pragma once
// Copies of expressions in which something is replaced. What a copy shares with the original is
// shared in the tree.

#include <functional>
#include <string_view>

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

/// `change` gives the node to put in the place of one, or kNoNode to leave it and look inside. What
/// is shared is looked at once, from above and from left to right.
NodeId Rewrite(Tree& tree, NodeId id, const std::function<NodeId(NodeId)>& change);

/// Both readings of ± and ∓, all of them the same way; `id` itself without those.
Nodes WithoutPlusMinus(Tree& tree, NodeId id);

/// Sums and products between integer bounds written out; those of more than 1,000 terms, or that
/// would make the tree large, stay.
NodeId Unrolled(Tree& tree, NodeId id);

/// `answer` with its variables called as in `gold`, in the order they appear; `answer` itself when
/// their numbers differ.
NodeId Renamed(Tree& tree, NodeId gold, NodeId answer);

/// Whether the symbol stands in it.
bool Mentions(const Tree& tree, NodeId id, std::string_view symbol);

}  // namespace retort::verifiers
