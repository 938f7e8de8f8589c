#include "base/fingerprint.h"

namespace retort {
namespace {

// Offset bases and primes of FNV-1a.
constexpr uint64_t kBasis = 0xcbf29ce484222325ull, kPrime = 0x100000001b3ull;
using Wide = unsigned __int128;
constexpr Wide kWideBasis = Wide{0x6c62272e07bb0142ull} << 64 | 0x62b821756295c58dull;
constexpr Wide kWidePrime = Wide{1} << 88 | 0x13b;

template <class T>
T Mix(T state, T prime, std::string_view bytes) {
  for (const char c : bytes) state = (state ^ static_cast<uint8_t>(c)) * prime;
  return state;
}

// Little-endian.
std::string BytesOf(auto number) {
  std::string bytes(sizeof number, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(number);
    number >>= 8;
  }
  return bytes;
}

}  // namespace

Fingerprint::Fingerprint() : state_(kBasis) {}

void Fingerprint::AddBytes(const char* data, size_t size) {
  state_ = Mix(state_, kPrime, {data, size});
}

Fingerprint& Fingerprint::Add(std::string_view bytes) {
  Add(static_cast<uint64_t>(bytes.size()));
  AddBytes(bytes.data(), bytes.size());
  return *this;
}

Fingerprint& Fingerprint::Add(uint64_t number) {
  state_ = Mix(state_, kPrime, BytesOf(number));
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

uint64_t Fnv1a(std::string_view bytes) { return Mix(kBasis, kPrime, bytes); }

std::string Fingerprint128(std::initializer_list<std::string_view> texts) {
  Wide state = kWideBasis;
  for (const std::string_view text : texts) {
    state = Mix(state, kWidePrime, BytesOf(static_cast<uint64_t>(text.size())));
    state = Mix(state, kWidePrime, text);
  }
  return BytesOf(state);
}

}  // namespace retort
