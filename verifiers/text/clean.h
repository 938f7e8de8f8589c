#pragma once
// Takes the typography off arithmetic (expression.h): LaTeX spacing and font commands, math
// delimiters, currency signs, markdown bold, Unicode look-alikes. What changes the value stays.

#include <string>
#include <string_view>

namespace retort::verifiers {

/// Linear. The result still reads like the answer ("\text{ cm}" is " cm ", "{,}" is ","); trimmed,
/// without a final period.
std::string CleanAnswer(std::string_view answer);

}  // namespace retort::verifiers
