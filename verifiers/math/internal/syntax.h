#pragma once
// The expression tree that answers are read into (parse.h) and decisions walk (evaluate.h,
// equal.h).

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace retort::verifiers {

enum class Op : uint8_t {
  // Leaves.
  kNumber,  ///< text: digits, at most one '.', no sign, no separators; detail: its base, 0 for ten
  kSymbol,  ///< text: the name, "x", "x_1", "alpha", "AB"
  kPi,
  kE,
  kI,  ///< the imaginary unit
  kInfinity,
  kEmptySet,
  kText,  ///< text: words in lower case, one space between
  // Scalars.
  kAdd,     ///< two or more terms
  kMul,     ///< two or more factors
  kDivide,  ///< dividend, divisor
  kNegate,
  kPower,      ///< base, exponent
  kRoot,       ///< radicand, degree
  kPercent,    ///< a hundredth of its child
  kPlusMinus,  ///< plus or minus its child; detail 1: minus or plus
  kFunction,   ///< detail: a Function; its arguments
  kApply,      ///< text: the name of an unknown function; its arguments
  kOpaque,     ///< text: "sum", "integral", "derivative", …; parts that are compared and, but for
               ///< sums and products of known length, never computed. "modulo": a residue and its
               ///< modulus; "cases": pairs of a value and its condition, in no order; "where": a
               ///< value and the condition it stands under; "such that": a set's form and its
               ///< condition; "phrase": words and values as they follow one another
  // Structures.
  kQuantity,  ///< text: the unit of its child, a scalar or a relation, as written (ReadUnit)
  kRatio,     ///< a : b : …
  kTuple,     ///< (a, b, …), two or more; of two it may be an open interval
  kInterval,  ///< ends; detail: 1 left end in + 2 right end in. Both open reads as kTuple
  kSet,       ///< {a, b, …}, one or more
  kList,      ///< a, b, … without brackets, two or more: in no order; detail: 1 perhaps a decimal
              ///< comma, 2 all joined by "and", 3 by "or"
  kUnion,
  kIntersection,
  kSetMinus,
  kMatrix,    ///< entries row by row; detail: columns
  kRelation,  ///< text: a relation (see Relation) between each two of its two or more children
};

/// The characters of a kRelation's text.
enum Relation : char {
  kEqualTo = '=',
  kNotEqual = '!',
  kLess = '<',
  kLessEqual = 'l',
  kGreater = '>',
  kGreaterEqual = 'g',
  kApproximately = '~',
  kElementOf = 'e',
  kSubsetOf = 's',
  kCongruent = 'c',
};

enum class Function : uint8_t {
  kSin,
  kCos,
  kTan,
  kCot,
  kSec,
  kCsc,
  kAsin,
  kAcos,
  kAtan,
  kAcot,
  kAsec,
  kAcsc,
  kSinh,
  kCosh,
  kTanh,
  kCoth,
  kAsinh,
  kAcosh,
  kAtanh,
  kLn,       ///< x
  kLog,      ///< x, of no stated base: ten or e
  kLogBase,  ///< x, base
  kExp,
  kAbs,
  kFloor,
  kCeil,
  kSign,
  kFactorial,
  kBinomial,
  kGcd,
  kLcm,
  kMax,
  kMin,
  kMod,
  kRe,
  kIm,
  kConjugate,
  kDeterminant,
  kTranspose,
  kTrace,
  kInverse,
};
/// The name in normal forms: "sin", "log", ….
std::string_view FunctionName(Function function);

/// What work may still be done, in units of about a nanosecond: counted, never timed, so that a
/// verdict is the same on every machine.
struct Budget {
  int64_t left = 0;
  Budget* whole = nullptr;  ///< that this is a part of
  bool Spend(int64_t units) {
    left -= units;
    const bool enough = whole == nullptr || whole->Spend(units);
    return enough && left >= 0;
  }
};

/// Thrown by Tree::Spend and caught by Within: no error, it leaves this room no more than a budget.
struct BudgetSpent {};

using NodeId = int32_t;
using Nodes = std::vector<NodeId>;
inline constexpr NodeId kNoNode = -1;

struct Node {
  Op op = Op::kText;
  uint8_t detail = 0;
  // Of the node and all below it, known when it is added: no walk finds them out again.
  bool scalar : 1 = false;      ///< numbers, symbols and operations on scalars, without ±
  bool constant : 1 = false;    ///< no symbols, no functions that are not known or not computed
  bool plus_minus : 1 = false;  ///< a kPlusMinus
  bool matrix : 1 = false;      ///< a kMatrix
  bool opaque : 1 = false;      ///< a kOpaque
  uint16_t depth = 1;           ///< levels, up to 65,535
  int32_t first = 0;            ///< of its children, in Tree::children
  int32_t count = 0;
  std::string_view text;  ///< lives as long as the tree

  /// Not computed: its parts are not looked at.
  bool IsAtom() const {
    return op == Op::kOpaque ||
           (op == Op::kFunction && detail >= static_cast<uint8_t>(Function::kDeterminant));
  }
};

/// An arena of nodes. Two answers to be compared are read into one tree. Children come before their
/// parents, so nothing is cyclic; nodes may share what is below them. All that is done with a tree
/// draws from its budget: whatever is added, and every node that a walk looks at. For one thread.
class Tree {
 public:
  Budget& budget() const { return budget_; }
  /// What people may want to know of a judgement, written down where it is asked for.
  struct Notes {
    std::string compared;  ///< of the last two scalars that were told apart or agreed
    std::string unread;    ///< where reading stopped
  };
  Notes* notes = nullptr;  ///< null: nobody asks
  /// Throws BudgetSpent.
  void Spend(int64_t units) const {
    if (!budget_.Spend(units)) throw BudgetSpent();
  }

  const Node& operator[](NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  std::span<const NodeId> Children(NodeId id) const;
  /// Adding nodes leaves it alone, unlike Children().
  Nodes CopyOfChildren(NodeId id) const {
    const auto children = Children(id);
    return {children.begin(), children.end()};
  }
  NodeId Child(NodeId id, int i) const { return Children(id)[static_cast<size_t>(i)]; }
  Function FunctionOf(NodeId id) const { return static_cast<Function>((*this)[id].detail); }
  int64_t size() const { return static_cast<int64_t>(nodes_.size()); }

  NodeId Add(Op op, std::string_view text = {}, std::span<const NodeId> children = {},
             int detail = 0);
  NodeId Add(Op op, std::initializer_list<NodeId> children, int detail = 0);
  NodeId Add(Function function, std::initializer_list<NodeId> arguments);
  /// A copy that lives as long as the tree.
  std::string_view Keep(std::string text);
  NodeId Number(int64_t value);  ///< not negative

 private:
  std::vector<Node> nodes_;
  std::vector<NodeId> children_;
  std::deque<std::string> texts_;
  mutable Budget budget_{1'000'000'000};
};

/// Runs `step` with so much to spend. False when that did not do: what came of it counts for
/// nothing.
template <class Step>
bool Within(const Tree& tree, int64_t units, const Step& step) {
  tree.budget() = {units};
  try {
    step();
  } catch (const BudgetSpent&) {
    return false;
  }
  return tree.budget().left >= 0;
}

/// The tree written out in one way for all orders of commutative operands: terms, factors, sets and
/// lists are sorted, numbers lose leading and trailing zeros. Equal normal forms mean equal values.
/// At most about 4 KiB: longer ones end with "…" and a hash of the rest.
std::string NormalForm(const Tree& tree, NodeId id);

}  // namespace retort::verifiers
