#pragma once
// Characters of a text that may hold anything.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace retort::model {

struct Character {
  std::string_view bytes;  ///< one byte where the text is no UTF-8
  int32_t code = -1;       ///< code point, -1 there
};

/// The first one of a text that is not empty.
Character FirstCharacter(std::string_view text);
void AppendCharacter(std::string& text, int32_t code);

inline bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// body(character) for all of `text`, in order.
template <class Body>
void ForCharacters(std::string_view text, const Body& body) {
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    text.remove_prefix(character.bytes.size());
    body(character);
  }
}

}  // namespace retort::model
