#pragma once
// Mini: the small deterministic language of the CODEI/O tasks. Every Mini program is a Python
// program that gives the same output, unless Mini stops with an error; docs/codeio.md has its
// grammar.
//
//   def main(a,l):
//    x=a*2
//    for v in l:
//     if v>a: x+=v
//    return x
//
// Values are whole numbers, booleans, ASCII text and lists (shared by reference, as in Python).
// There are no floats, no side effects and one function. Nothing is undefined: a number that grows
// too large, a wrong type, an index out of range and a budget that runs out are errors of the run.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/options.h"

namespace retort::exec {

/// Budgets of one run. A run ends whatever the program: each of them bounds time and memory.
struct VmLimits {
  int64_t steps = 100'000;
  int64_t cells = 100'000;
  int64_t integer = 1'000'000'000'000'000;

  template <class V>
  void Visit(V& v) {
    v("steps", steps, "Evaluations of a run; operations on lists and text count their size.",
      Bounds{1, 1e9});
    v("cells", cells, "List elements and bytes of text that a run may make.", Bounds{1, 1e8});
    v("integer", integer, "Largest absolute value of a number.", Bounds{1, 1e15});
  }
};

/// One thing a run did, for worked solutions: "x=20+1=21", "20<3=false", "x=5", "sum([1,2])=3".
struct VmStep {
  std::string target;           ///< variable that got the value, "" inside an expression
  std::string left, op, right;  ///< the operands' values; calls and plain values are all in `left`
  std::string value;            ///< result as JSON, "" when `left` is the value
  std::string Text() const;
};

enum class VmEnding { kReturned, kError, kBudget };
constexpr auto EnumNames(VmEnding) {
  return std::array{std::pair{VmEnding::kReturned, "returned"},
                    std::pair{VmEnding::kError, "error"}, std::pair{VmEnding::kBudget, "budget"}};
}

struct VmResult {
  VmEnding ending = VmEnding::kError;
  Json output;          ///< what main returned
  std::string message;  ///< "line 3: division by zero", "" when it returned
  int64_t steps = 0;    ///< spent
};

struct VmTree;

/// A program that was read. Immutable; Run may be called from any number of threads at once.
class VmProgram {
 public:
  /// Longest program in bytes, and deepest nesting of blocks and of expressions.
  static constexpr size_t kMaxBytes = 10'000;
  static constexpr int kMaxDepth = 100;

  /// Throws Error "line 3: expected ':', got 'x'".
  explicit VmProgram(std::string_view text);
  ~VmProgram();
  VmProgram(VmProgram&&) noexcept;
  VmProgram& operator=(VmProgram&&) noexcept;

  /// Names of the arguments of main, in order.
  const std::vector<std::string>& parameters() const;

  /// `input` is an object with every parameter and nothing else; what is no value of Mini (null,
  /// 1.5, an object) ends the run with an error. Never throws. `trace`, when given, gets every step
  /// of the run; its text counts as cells.
  VmResult Run(const Json& input, const VmLimits& limits = {},
               std::vector<VmStep>* trace = nullptr) const;

 private:
  std::unique_ptr<const VmTree> tree_;
};

}  // namespace retort::exec
