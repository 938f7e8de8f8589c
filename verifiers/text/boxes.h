#pragma once
// \boxed{…} and \fbox{…} in a text.

#include <string>
#include <string_view>
#include <vector>

namespace retort::verifiers {

struct BoxedAnswer {
  std::vector<std::string> parts;  ///< neighbouring boxes in order, equal ones once; may be empty
  std::string_view behind = {};    ///< what follows the last of them in the text
  bool percent = false;            ///< "%" or "percent" follows the last of them
};

/// The last box with its neighbours: those less than 10 characters apart, or less than 70 with a
/// comma, "and" or "or" in between and no sentence's end or change of mind. Closed boxes only;
/// `lenient` takes the rest of the text for an unclosed last one, and one token after \boxed
/// without braces. A command with its backslash doubled (escaped twice) counts, and what is in it
/// has its backslashes halved.
BoxedAnswer LastBoxes(std::string_view text, bool lenient = false);

}  // namespace retort::verifiers
