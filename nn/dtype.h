#pragma once
// The numbers that matrix products multiply, and those that the cache holds.

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

namespace retort::nn {

enum class Dtype { kFloat32, kBFloat16, kFloat8E4M3, kQ8_0 };
constexpr auto EnumNames(Dtype) {
  return std::array{std::pair{Dtype::kFloat32, "float32"}, std::pair{Dtype::kBFloat16, "bfloat16"},
                    std::pair{Dtype::kFloat8E4M3, "float8_e4m3"}, std::pair{Dtype::kQ8_0, "q8_0"}};
}

/// Codes of one byte that share scales (see nn/internal/quantize.h): for weights, and for sampling
/// only.
constexpr bool IsQuantized(Dtype dtype) {
  return dtype == Dtype::kFloat8E4M3 || dtype == Dtype::kQ8_0;
}

/// Bytes of a packed weight, with its share of the scales.
constexpr double WeightBytes(Dtype dtype) {
  switch (dtype) {
    case Dtype::kFloat32:
      return 4;
    case Dtype::kBFloat16:
      return 2;
    case Dtype::kFloat8E4M3:
      return 1 + 4.0 / 128;
    case Dtype::kQ8_0:
      return 1 + 4.0 / 32;
  }
  return 0;
}
/// What the cache holds unless told otherwise.
constexpr Dtype CacheFor(Dtype products) {
  return products == Dtype::kBFloat16 ? Dtype::kBFloat16 : Dtype::kFloat32;
}
/// Bytes of a number in the cache.
constexpr int64_t ByteSize(Dtype dtype) { return dtype == Dtype::kFloat32 ? 4 : 2; }

/// What the products of a model multiply, and what its cache holds. A property of packed weights:
/// rollout and training round alike, so law 1 holds within a Precision.
struct Precision {
  /// kBFloat16: both operands of a product are rounded and the sums are kept in float, as are
  /// master weights, gradients, moments and everything outside of products. Needs AVX-512 BF16.
  /// Quantized: the product is that of float32 with the weights that the codes stand for.
  Dtype products = Dtype::kFloat32;
  /// Of keys and values, cached or not, kFloat32 or kBFloat16; attention computes in float.
  Dtype cache = Dtype::kFloat32;
  /// Of the products that make gradients, kFloat32 or kBFloat16; null: as `products`, or kFloat32
  /// where those are quantized.
  std::optional<Dtype> input_grad = {}, weight_grad = {};

  Dtype InputGrad() const { return input_grad.value_or(Unquantized()); }
  Dtype WeightGrad() const { return weight_grad.value_or(Unquantized()); }
  bool operator==(const Precision&) const = default;

 private:
  Dtype Unquantized() const { return IsQuantized(products) ? Dtype::kFloat32 : products; }
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

/// One sign, four exponent, three fraction bits; no infinities, 0x7F and 0xFF are NaN.
using Float8E4M3 = uint8_t;
inline constexpr float kMaxFloat8E4M3 = 448;

/// To nearest, ties to even; what is too large becomes the largest.
inline Float8E4M3 ToFloat8E4M3(float x) {
  if (x != x) return 0x7F;
  const uint32_t sign = std::bit_cast<uint32_t>(x) >> 24 & 0x80;
  const float size = std::fmin(std::fabs(x), kMaxFloat8E4M3);
  if (size < 0x1p-6f) {  // multiples of 2^-9
    return static_cast<Float8E4M3>(sign | static_cast<uint32_t>(std::lrint(size * 0x1p9f)));
  }
  const auto bits = std::bit_cast<uint32_t>(size);
  return static_cast<Float8E4M3>(sign | (((bits + 0x7FFFF + (bits >> 20 & 1)) >> 20) - (120 << 3)));
}
inline float Float8ToFloat(Float8E4M3 x) {
  if ((x & 0x7F) == 0x7F) return std::bit_cast<float>(0x7FC00000);
  return std::bit_cast<float>((x & 0x80u) << 24 | (x & 0x7Fu) << 20) * 0x1p120f;
}

/// The bits of half precision.
using Float16 = uint16_t;
inline float Float16ToFloat(Float16 half) {
  const uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0) {  // multiples of 2^-24
    return std::copysign(static_cast<float>(fraction) * 0x1p-24f, sign ? -1.0f : 1.0f);
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

/// The nearest number of half precision.
inline float RoundToFloat16(float x) {
  const float size = std::fabs(x);
  if (size < 0x1p-14f) return std::copysign(std::nearbyint(size * 0x1p24f) * 0x1p-24f, x);
  const auto bits = std::bit_cast<uint32_t>(size);
  const float near = std::bit_cast<float>((bits + 0xFFF + (bits >> 13 & 1)) & 0xFFFFE000);
  return std::copysign(near < 65536 ? near : HUGE_VALF, x);
}

/// To bfloat16 for rows.
void ToBFloat16(const float* x, int64_t n, BFloat16* out);
void RoundToBFloat16(float* x, int64_t n);

}  // namespace retort::nn
