#pragma once
// A stable 64-bit hash of content: FNV-1a over the bytes with a final avalanche (murmur3's). It
// names recipes, selections and random streams, and decides splits; it is not cryptographic.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace retort {

class Fingerprint {
 public:
  Fingerprint();
  /// Text and numbers are framed by their length, so ("ab","c") and ("a","bc") differ.
  Fingerprint& Add(std::string_view bytes);
  Fingerprint& Add(uint64_t number);
  uint64_t value() const;
  std::string Hex() const;  ///< 16 lower-case digits

 private:
  void AddBytes(const char* data, size_t size);
  uint64_t state_;
};

uint64_t FingerprintOf(std::string_view bytes);

/// FNV-1a alone, without frame or avalanche.
uint64_t Fnv1a(std::string_view bytes);

/// FNV-1a of 128 bits over framed texts, as 16 bytes: for what must not be taken for another among
/// billions.
std::string Fingerprint128(std::initializer_list<std::string_view> texts);

}  // namespace retort
