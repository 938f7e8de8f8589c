#pragma once
// When two answers are the same: scalars by evaluate.h, relations, sets, tuples, intervals,
// matrices and lists by their own rules. The rules and their defaults are Math-Verify's where those
// are mathematics.

#include <string_view>

#include "verifiers/math/internal/evaluate.h"
#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

struct EqualOptions {
  int decimals = 6;                ///< as in ScalarOptions
  bool percent_as_number = false;  ///< 28% is 28 as well as 0.28
  bool relation_for_set = true;    ///< gold x in [1, 2], answer 1 <= x <= 2; the reverse always is
  bool rename_variables = false;   ///< f(x) and f(y)
};

/// Not symmetric: a gold answer without a name ("5") equals an answer with one ("x = 5"), an
/// inequality the interval it describes. A gold tuple equals the bare list of its elements; a bare
/// list has no order. `tree` holds both, may grow, and pays (Tree::Spend).
Sameness SameAnswer(Tree& tree, NodeId gold, NodeId answer, const EqualOptions& options);

/// Whether every part of an answer `has` a value: HasValue or IsDefined. An answer that has none is
/// the reason when it cannot be compared.
bool StandsAlone(Tree& tree, NodeId answer, const EqualOptions& options,
                 bool (*has)(const Tree&, NodeId));

/// "number" (without variables), "expression", "relation", "list", "tuple", "interval", "set",
/// "matrix", "ratio", "phrase" or "text".
std::string_view KindOf(const Tree& tree, NodeId id);

}  // namespace retort::verifiers
