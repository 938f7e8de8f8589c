#pragma once
// Mini's text as tokens, with Python's rules for lines and indentation; private to this room.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace retort::exec {

struct VmToken {
  enum class Kind { kName, kNumber, kText, kSymbol, kNewline, kIndent, kDedent, kEnd };
  Kind kind = Kind::kEnd;
  int line = 0;
  std::string text;  // of a text: its content
  int64_t number = 0;
};

/// Ends with as many kDedent as are open, then kEnd. Throws Error with the line.
std::vector<VmToken> LexVm(std::string_view text);

}  // namespace retort::exec
