#pragma once
// How Retort speaks with the drivers in the sandbox (wire.py and relay.hpp write and read
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
//   o<name>;<value>  an object of the standard library, by its plain content (wire.py)
//   h<n>;            a handle: object n of the program's process
//
// All pure functions, thread-safe. Nothing that arrives is trusted, and nothing is built from it:
// values are read where they stand.

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace retort::verifiers {

/// Walks over values, one head after the other.
class WireReader {
 public:
  struct Head {
    char tag = 'N';
    std::string_view text = {};  ///< digits, name or bytes
    size_t items = 0;            ///< values that follow and belong to it; of a dict two a pair
  };

  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  bool AtEnd() const { return rest_.empty(); }
  /// The head of the next value; nothing when it is malformed or cut short.
  std::optional<Head> Next();
  /// The next value, all of it; nothing when it is malformed. However deep it nests.
  std::optional<std::string_view> Whole();
  /// The next value, if it is a text.
  std::optional<std::string_view> Text();

 private:
  std::string_view rest_;
};

/// A JSON value as Python reads it: list, dict, str, int, float, bool, None.
std::string ToWire(const Json& value);
std::string ToWireText(std::string_view text);
/// Tag, count and ";": the start of a container, to be followed by its items.
std::string WireOpen(char tag, size_t count);

/// The digits of an integer ("-1f" is "-31"); nothing when it is malformed or of more than 1000.
std::optional<std::string> DecimalInteger(std::string_view hexadecimal);

/// The length and the payload, as sent.
std::string Frame(std::string_view payload);

}  // namespace retort::verifiers
