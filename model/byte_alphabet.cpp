#include "model/byte_alphabet.h"

#include <array>
#include <cstdint>

namespace retort::model {
namespace {

struct Alphabet {
  std::array<uint16_t, 256> to_code{};      // byte to code point
  std::array<int16_t, 256 + 68> to_byte{};  // code point to byte, -1 outside
};

constexpr Alphabet MakeAlphabet() {
  Alphabet alphabet;
  for (int16_t& byte : alphabet.to_byte) byte = -1;
  uint16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
                           (byte >= 0xae && byte <= 0xff);
    const uint16_t code = printable ? static_cast<uint16_t>(byte) : next++;
    alphabet.to_code[static_cast<size_t>(byte)] = code;
    alphabet.to_byte[code] = static_cast<int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = MakeAlphabet();

}  // namespace

std::string BytesToAlphabet(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const uint16_t code = kAlphabet.to_code[static_cast<uint8_t>(c)];
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else {  // at most U+0143: two bytes of UTF-8
      text += static_cast<char>(0xc0 | (code >> 6));
      text += static_cast<char>(0x80 | (code & 0x3f));
    }
  }
  return text;
}

std::string AlphabetToBytes(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t code = static_cast<uint8_t>(text[i]);
    if (code >= 0x80) {
      const bool two_bytes = (code & 0xe0) == 0xc0 && i + 1 < text.size();
      if (!two_bytes) return std::string(text);
      code = ((code & 0x1f) << 6) | (static_cast<uint8_t>(text[++i]) & 0x3f);
    }
    if (code >= kAlphabet.to_byte.size() || kAlphabet.to_byte[code] < 0) return std::string(text);
    bytes += static_cast<char>(kAlphabet.to_byte[code]);
  }
  return bytes;
}

}  // namespace retort::model
