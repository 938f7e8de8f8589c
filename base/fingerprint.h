#pragma once
// A stable 64-bit hash of content: FNV-1a over the bytes with a final avalanche (murmur3's). It
// names recipes, selections and random streams, and decides splits; it is not cryptographic.

#include <cstdint>
#include <string>
#include <string_view>

namespace retort {

class Fingerprint {
 public:
  /// Text and numbers are framed by their length, so ("ab","c") and ("a","bc") differ.
  Fingerprint& Add(std::string_view bytes);
  Fingerprint& Add(uint64_t number);
  uint64_t value() const;
  std::string Hex() const;  ///< 16 lower-case digits

 private:
  void AddBytes(const char* data, size_t size);
  uint64_t state_ = 0xcbf29ce484222325ull;
};

uint64_t FingerprintOf(std::string_view bytes);

}  // namespace retort
