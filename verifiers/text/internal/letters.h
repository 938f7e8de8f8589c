#pragma once
// The letters by which an answer names options of a question with several.

#include <optional>
#include <string>
#include <string_view>

namespace retort::verifiers {

/// The first letter of what is announced ("option B, because A is …"), with those it is joined to
/// ("A or B", as "A, B"); an article only where there is no other. "" without one.
std::string LettersIn(std::string_view text);

/// Where nothing announces it: the letter said last, else that of the last option listed, else the
/// last one that stands alone; an article only where there is no other.
std::optional<char> UnannouncedLetter(std::string_view text);

}  // namespace retort::verifiers
