#include "base/fingerprint.h"

namespace retort {

void Fingerprint::AddBytes(const char* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    state_ = (state_ ^ static_cast<uint8_t>(data[i])) * 0x100000001b3ull;
  }
}

Fingerprint& Fingerprint::Add(std::string_view bytes) {
  Add(static_cast<uint64_t>(bytes.size()));
  AddBytes(bytes.data(), bytes.size());
  return *this;
}

Fingerprint& Fingerprint::Add(uint64_t number) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i));
  AddBytes(bytes, 8);
  return *this;
}

uint64_t Fingerprint::value() const {
  uint64_t h = state_;
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdull;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return h ^ (h >> 33);
}

std::string Fingerprint::Hex() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  uint64_t h = value();
  for (size_t i = 16; i-- > 0; h >>= 4) text[i] = kDigits[h & 15];
  return text;
}

uint64_t FingerprintOf(std::string_view bytes) { return Fingerprint().Add(bytes).value(); }

}  // namespace retort
