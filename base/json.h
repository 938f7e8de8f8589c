#pragma once
// JSON values that keep their key order, and parsing with errors that name the place.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/indexed_map.h"

// Compiled once, in json.cpp: it is a quarter of what a file that uses JSON costs to compile.
extern template class nlohmann::basic_json<retort::IndexedMap>;

namespace retort {

using Json = nlohmann::basic_json<IndexedMap>;

/// Text from outside nests at most this deep, so that what walks a value (comparing, printing,
/// copying) cannot overflow a stack.
inline constexpr int kMaxJsonDepth = 512;

/// Parses one JSON document, in linear time. `where` (a file name, or "file:line") starts the error
/// message, which names line and column. An integer beyond 64 bits keeps its digits (BigInteger).
/// `//` and `/* */` comments are accepted when `comments` is set. Throws Error on malformed text,
/// on a key that occurs twice in one object, on nesting beyond kMaxJsonDepth and on numbers that no
/// double can hold.
Json ParseJson(std::string_view text, const std::string& where, bool comments = false);

/// The digits of an integer that was beyond 64 bits, "-" in front; nothing for other values. JSON
/// has no bound, and no double holds such a one: the value is binary, which no text can say.
std::optional<std::string> BigInteger(const Json& value);
/// An integer of any size.
bool IsInteger(const Json& value);

/// The value, or nothing where ParseJson would throw.
std::optional<Json> TryParseJson(std::string_view text);

/// What follows '=' on a command line: "5" is a number, "true" a boolean, "[1]" a list; what is not
/// JSON is the text itself. Throws Error, starting with `where`, on JSON beyond ParseJson's bounds.
Json JsonOrText(std::string_view text, const std::string& where);

/// One line of JSON that drives no terminal: control characters are escaped. Malformed UTF-8 inside
/// strings becomes U+FFFD instead of an error. Big integers are written as they were read.
std::string ToJsonLine(const Json& value);

}  // namespace retort
