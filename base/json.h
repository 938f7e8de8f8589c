#pragma once
// JSON values that keep their key order, and parsing with errors that name the place.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

// Compiled once, in json.cpp: it is a quarter of what a file that uses JSON costs to compile.
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace retort {

using Json = nlohmann::ordered_json;

/// Parses one JSON document. `where` (a file name, or "file:line") starts the error message.
/// `//` and `/* */` comments are accepted when `comments` is set. Throws Error.
Json ParseJson(std::string_view text, const std::string& where, bool comments = false);

/// One line of JSON; malformed UTF-8 inside strings becomes U+FFFD instead of an error.
std::string ToJsonLine(const Json& value);

}  // namespace retort
