#include "base/random.h"

#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/fingerprint.h"

namespace retort {

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

RandomStream::RandomStream(const StreamKey& key) {
  Fingerprint name;
  name.Add(key.purpose).Add(key.seed).Add(key.step).Add(key.problem).Add(key.sample);
  const uint64_t low = name.value();
  const uint64_t high = name.Add(uint64_t{1}).value();
  key_ = {static_cast<uint32_t>(low), static_cast<uint32_t>(low >> 32)};
  counter_ = {0, 0, static_cast<uint32_t>(high), static_cast<uint32_t>(high >> 32)};
}

uint32_t RandomStream::NextU32() {
  if (used_ == 4) {
    block_ = Philox4x32(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

uint64_t RandomStream::NextU64() {
  const uint64_t low = NextU32();
  return low | (uint64_t{NextU32()} << 32);
}

double RandomStream::Uniform() { return static_cast<double>(NextU64() >> 11) * 0x1.0p-53; }

uint64_t RandomStream::Below(uint64_t n) {
  RETORT_DCHECK(n > 0);
  const uint64_t limit = n * (UINT64_MAX / n);
  uint64_t draw = NextU64();
  while (draw >= limit) draw = NextU64();
  return draw % n;
}

int64_t RandomStream::Between(int64_t low, int64_t high) {
  RETORT_DCHECK(low <= high);
  const uint64_t span =
      static_cast<uint64_t>(high) - static_cast<uint64_t>(low);  // may exceed 2^63
  const uint64_t offset = span == UINT64_MAX ? NextU64() : Below(span + 1);
  return static_cast<int64_t>(static_cast<uint64_t>(low) + offset);
}

double RandomStream::Normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * Uniform());
}

}  // namespace retort
