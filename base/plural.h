#pragma once
// The word behind a count.

#include <string>

namespace retort {

/// "trace" for 1, else "traces".
template <class Integer>
std::string Plural(Integer count, const std::string& noun) {
  return count == 1 ? noun : noun + "s";
}
/// "1 trace", "2 traces".
template <class Integer>
std::string Counted(Integer count, const std::string& noun) {
  return std::to_string(count) + " " + Plural(count, noun);
}

/// "1 of 1 trace is", "1 of 2 traces are".
template <class Part, class Integer>
std::string PartIs(Part part, Integer whole, const std::string& noun) {
  return std::to_string(part) + " of " + Counted(whole, noun) + (whole == 1 ? " is" : " are");
}

}  // namespace retort
