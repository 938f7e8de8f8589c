#pragma once
// Arithmetic on matrices whose entries are expressions.

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

int64_t RowsOf(const Tree& tree, NodeId matrix);

/// Sums, differences, products, multiples, small powers, transposes and determinants of matrices as
/// one matrix or scalar; whatever cannot be computed, or would become too large, stays. `tree` may
/// grow.
NodeId ComputeMatrices(Tree& tree, NodeId id);

}  // namespace retort::verifiers
