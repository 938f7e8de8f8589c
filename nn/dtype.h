#pragma once
// The numbers that matrix products multiply, and those that the cache holds.

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace retort::nn {

enum class Dtype { kFloat32, kBFloat16 };
constexpr auto EnumNames(Dtype) {
  return std::array{std::pair{Dtype::kFloat32, "float32"}, std::pair{Dtype::kBFloat16, "bfloat16"}};
}

constexpr int64_t ByteSize(Dtype dtype) { return dtype == Dtype::kFloat32 ? 4 : 2; }

/// Rollout and training round alike, so law 1 holds within a Precision.
struct Precision {
  /// kBFloat16: both operands of a product are rounded and the sums are kept in float, as are
  /// master weights, gradients, moments and everything outside of products. Needs AVX-512 BF16.
  Dtype products = Dtype::kFloat32;
  /// Of keys and values, cached or not; attention computes in float.
  Dtype cache = Dtype::kFloat32;
};

/// The upper half of a float's bits.
using BFloat16 = uint16_t;

/// To nearest, ties to even; a NaN stays one.
inline BFloat16 ToBFloat16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (x != x) return static_cast<BFloat16>(bits >> 16 | 0x40);
  return static_cast<BFloat16>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
inline float ToFloat(BFloat16 x) { return std::bit_cast<float>(uint32_t{x} << 16); }

/// The same for rows.
void ToBFloat16(const float* x, int64_t n, BFloat16* out);
void RoundToBFloat16(float* x, int64_t n);

}  // namespace retort::nn
