#pragma once
// How Retort speaks with the drivers in the sandbox (code_wire.py and code_relay.hpp write and read
// the same): frames of a length in four bytes, big-endian, and as many bytes.
//
// A value is a tag and its content:
//
//   N T F            None, True, False
//   i<hex>;          int, of any size, "-" in front
//   f<float>;        float as float.hex() and "%a" write it; nan, inf
//   c<float>,<float>; complex
//   s<n>:<bytes>     str in UTF-8; y bytes, Y bytearray
//   l<n>;<values>    list; t tuple, e set, z frozenset
//   d<n>;<values>    dict: key, value, key, value …
//   b<name>;         a builtin type
//   h<n>;            a handle: object n of the program's process
//
// All pure functions, thread-safe. Nothing that arrives is trusted: parsing is bounded in depth and
// in the number of values.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace retort::verifiers {

struct WireValue {
  char tag = 'N';
  std::string text;              ///< digits, name or bytes
  std::vector<WireValue> items;  ///< of a dict key, value, key, value …
};

/// Nothing when malformed, nested deeper than JSON may be, or of more than a million values.
std::optional<WireValue> ParseWire(std::string_view bytes);

/// A JSON value as Python reads it: list, dict, str, int, float, bool, None.
std::string ToWire(const Json& value);
std::string ToWireText(std::string_view text);
/// Tag, count and ";": the start of a container, to be followed by its items.
std::string WireOpen(char tag, size_t count);

/// The length and the payload, as sent.
std::string Frame(std::string_view payload);

}  // namespace retort::verifiers
