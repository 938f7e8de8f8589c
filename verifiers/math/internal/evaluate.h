#pragma once
// Whether two scalar expressions have the same value: exact arithmetic, balls that hold the value
// for certain, polynomials, and bounds below which an algebraic number is zero.
//
// Every call draws what it costs from the budget of the tree and throws BudgetSpent when that is
// spent; within it, one comparison has bounds of its own. Nothing recurses deeply.

#include <cstdint>
#include <optional>

#include "verifiers/math/internal/syntax.h"

namespace retort::verifiers {

enum class Sameness {
  kSame,    ///< proved
  kAgrees,  ///< at every point tried, to high precision; not proved
  kDifferent,
  kUnknown,  ///< too large, undefined, or nothing to compare
};

struct ScalarOptions {
  /// Where at least one of two real constants is written with a decimal point, they are the same
  /// when they agree after rounding to so many places and are relatively near.
  int decimals = 6;
};

/// Symbols are real. An odd root of a negative number is real, x^(p/q) is the principal power. A
/// log of no stated base is to ten or to e, the same throughout: whichever makes the two the same.
/// Functions that are not known or not computed are the same when they and their arguments are.
Sameness CompareScalars(const Tree& tree, NodeId a, NodeId b, const ScalarOptions& options);

enum class Proportion { kNone, kPositive, kNegative, kUnknown };
/// Whether f = c·g for one real constant c ≠ 0, and its sign. Not by proof alone: also when so at
/// every point tried.
Proportion CompareProportion(const Tree& tree, NodeId f, NodeId g);

/// The sign of a - b, of real constants or infinities; nothing when not proved.
std::optional<int> Order(const Tree& tree, NodeId a, NodeId b);

/// The value of a rational expression that is an integer below 2^53 in size.
std::optional<int64_t> SmallInteger(const Tree& tree, NodeId id);

/// Whether a scalar expression has a value that can be computed, at some points where it has
/// variables, to as many digits as any comparison of it may need; the infinities have one.
bool HasValue(const Tree& tree, NodeId id);
/// Less: not shown to be undefined, or larger than any number here, wherever it was looked at.
bool IsDefined(const Tree& tree, NodeId id);

/// Has neither symbols nor functions that are not known or not computed.
bool IsConstant(const Tree& tree, NodeId id);
/// Made of numbers, symbols and operations on scalars, without ±.
bool IsScalar(const Tree& tree, NodeId id);

}  // namespace retort::verifiers
