#pragma once
// Takes the typography off an answer: LaTeX spacing and font commands, math delimiters, currency
// signs, markdown bold, Unicode look-alikes. What changes the value stays.

#include <string>
#include <string_view>

namespace retort::verifiers {

/// Linear. The result still reads like the answer ("\text{ cm}" is " cm ", "\dfrac12" is "\frac12",
/// "{,}" is ","); trimmed, without a final period.
std::string CleanAnswer(std::string_view answer);

/// A key for comparing texts: lower case, no white space except one space between two digits,
/// braces around one character dropped. Expects cleaned text.
std::string CanonicalText(std::string_view cleaned);

}  // namespace retort::verifiers
