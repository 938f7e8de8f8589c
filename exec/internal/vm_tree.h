#pragma once
// What a Mini program is read into; private to this room.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace retort::exec {

enum class VmKind {
  // Expressions.
  kNumber,   // number
  kBoolean,  // number
  kText,     // text
  kName,     // slot
  kList,     // items
  kNegate,   // operand
  kNot,      // operand
  kAnd,      // left, right
  kOr,       // left, right
  kBinary,   // left, right; text is the operator: + - * // % == != < <= > >= in, "not in";
             // number is 1 where it updates a variable ("x+=1")
  kIndex,    // whole, index
  kSlice,    // whole, begin, end; either may be kNone
  kCall,     // arguments; text is the function: len abs min max sum sorted
  // Statements.
  kAssign,      // value; slot
  kAssignItem,  // list, index, value
  kAppend,      // value; slot
  kIf,          // condition, block, condition, block, … and perhaps a last block
  kWhile,       // condition, block
  kFor,         // whole, block; slot
  kForRange,    // one to three numbers, block; slot
  kReturn,      // value
  kBreak,
  kContinue,
  kPass,
  kBlock,  // statements
};

struct VmNode {
  VmKind kind = VmKind::kPass;
  int line = 0;
  int depth = 1;  // of the tree below, at most VmProgram::kMaxDepth
  int slot = -1;  // of a variable
  int64_t number = 0;
  std::string text = {};
  std::vector<int> children = {};  // indices into VmTree::nodes
};

struct VmTree {
  static constexpr int kNone = -1;
  std::vector<VmNode> nodes;
  int body = kNone;                // the block of main
  std::vector<std::string> names;  // of the variables by slot, parameters first
  std::vector<std::string> parameters;
};

/// Throws Error with the line.
VmTree ParseVm(std::string_view text);

}  // namespace retort::exec
