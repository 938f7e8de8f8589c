#pragma once
// What a message quotes of its input: enough to find the place, whatever its size.

#include <string>
#include <string_view>
#include <vector>

namespace retort {

/// At most `bytes` of the text, whole characters, and "…" where some is left out.
std::string Excerpt(std::string_view text, size_t bytes = 60);
/// "a, b, c": at most 20 names, an excerpt of each, and how many more there are; "none".
std::string ListNames(const std::vector<std::string>& names);

}  // namespace retort
