#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "base/options.h"
#include "nn/gemm.h"
#include "tests/support/error_of.h"
#include "tests/support/op_testing.h"

namespace retort::nn::quantize_test {
namespace {

using testing::Floats;
using testing::Normals;
using testing::SameBits;

ConstMat View(const Floats& values, int64_t rows, int64_t cols) {
  return {values.data(), rows, cols};
}
Mat View(Floats& values, int64_t rows, int64_t cols) { return {values.data(), rows, cols}; }

/// A small floating-point format by its definition: the numbers from 0 up, NaN for none.
std::vector<double> Numbers(int exponent_bits, int fraction_bits, int codes) {
  const int bias = (1 << (exponent_bits - 1)) - 1, per = 1 << fraction_bits;
  std::vector<double> numbers;
  for (int code = 0; code < codes; ++code) {
    const int exponent = code / per;
    const double fraction = static_cast<double>(code % per) / per;
    numbers.push_back(exponent == 0 ? std::ldexp(fraction, 1 - bias)
                                    : std::ldexp(1 + fraction, exponent - bias));
  }
  return numbers;
}

/// The index of the nearest of rising numbers; of two equally near, the even one.
size_t Nearest(const std::vector<double>& numbers, double x) {
  size_t best = 0;
  for (size_t i = 1; i < numbers.size(); ++i) {
    const double here = std::abs(numbers[i] - x), before = std::abs(numbers[best] - x);
    if (here < before || (here == before && i % 2 == 0)) best = i;
  }
  return best;
}

TEST(Float8E4M3, IsTheNearestWithTiesToEvenAndSaturates) {
  const std::vector<double> numbers = Numbers(4, 3, 0x7F);
  EXPECT_EQ(numbers.back(), 448);
  EXPECT_EQ(numbers[1], std::ldexp(1, -9));
  Floats points{1e9f, std::numeric_limits<float>::infinity(), 449, 1e-30f};
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto code = static_cast<Float8E4M3>(i);
    EXPECT_EQ(Float8ToFloat(code), numbers[i]);
    EXPECT_EQ(Float8ToFloat(code | 0x80), -numbers[i]);
    points.push_back(static_cast<float>(numbers[i]));
    if (i == 0) continue;
    const auto middle = static_cast<float>((numbers[i - 1] + numbers[i]) / 2);  // exact
    for (const float x : {std::nextafter(middle, 0.0f), middle, std::nextafter(middle, 1e9f)}) {
      points.push_back(x);
    }
  }
  for (const float x : points) {
    EXPECT_EQ(ToFloat8E4M3(x), Nearest(numbers, std::min(x, 448.0f))) << x;
    EXPECT_EQ(ToFloat8E4M3(-x), 0x80 | Nearest(numbers, std::min(x, 448.0f))) << -x;
  }
  EXPECT_TRUE(std::isnan(Float8ToFloat(ToFloat8E4M3(std::nanf("")))));
  EXPECT_TRUE(std::isnan(Float8ToFloat(0xFF)));
}

TEST(Float16, IsTheNearestWithTiesToEven) {
  const std::vector<double> numbers = Numbers(5, 10, 0x7C00);
  EXPECT_EQ(numbers.back(), 65504);
  for (const size_t i : {1, 2, 3, 1022, 1023, 1024, 1025, 15360, 15361, 20000, 31742, 31743}) {
    const auto middle = static_cast<float>((numbers[i - 1] + numbers[i]) / 2);
    for (const float x : {std::nextafter(middle, 0.0f), middle, std::nextafter(middle, 1e9f),
                          static_cast<float>(numbers[i])}) {
      const size_t near = Nearest({numbers[i - 1], numbers[i]}, x) == 0 ? i - 1 : i;
      const bool tie = x == middle;
      EXPECT_EQ(RoundToFloat16(x), numbers[tie ? i - i % 2 : near]) << x;
      EXPECT_EQ(RoundToFloat16(-x), -RoundToFloat16(x));
    }
  }
  EXPECT_EQ(RoundToFloat16(65519), 65504);
  EXPECT_TRUE(std::isinf(RoundToFloat16(65520)));
}

/// The weights that the codes of W [n, k] stand for, by the definition of the formats.
Floats Dequantized(const Floats& w, int64_t n, int64_t k, Dtype dtype) {
  const bool float8 = dtype == Dtype::kFloat8E4M3;
  const int64_t height = float8 ? 128 : 1, width = float8 ? 128 : 32;
  Floats out(w.size());
  for (int64_t top = 0; top < n; top += height) {
    for (int64_t left = 0; left < k; left += width) {
      const auto each = [&](const auto& body) {
        for (int64_t i = top; i < std::min(n, top + height); ++i) {
          for (int64_t j = left; j < std::min(k, left + width); ++j) {
            body(static_cast<size_t>(i * k + j));
          }
        }
      };
      float most = 0;
      each([&](size_t i) { most = std::max(most, std::fabs(w[i])); });
      if (most == 0) continue;
      const float scale = most / (float8 ? 448 : 127);
      if (!float8 && RoundToFloat16(scale) == 0) continue;
      each([&](size_t i) {
        out[i] = float8 ? Float8ToFloat(ToFloat8E4M3(w[i] / scale)) * scale
                        : std::round(w[i] * (1 / scale)) * RoundToFloat16(scale);
      });
    }
  }
  return out;
}

struct Size {
  int64_t n, k;
};
constexpr Size kSizes[] = {{1, 1},     {5, 31},    {32, 32},   {33, 129},
                           {127, 128}, {129, 257}, {300, 600}, {40, 96}};
constexpr Dtype kFormats[] = {Dtype::kFloat8E4M3, Dtype::kQ8_0};

Floats Weights(Size size) {
  Floats w = Normals("weights", size.n * size.k);
  w[0] = 0;
  if (size.k >= 96) std::fill(w.begin() + 32, w.begin() + 64, 0.0f);    // a block of nothing
  if (size.k > 128) w[130] = 1e-9f;                                     // the least codes
  if (size.k == 31) std::fill(w.begin() + 31, w.begin() + 62, 1e-40f);  // no scale is so small
  w.back() = 6;                                                         // above all others
  return w;
}

TEST(Quantize, AProductIsThatWithTheWeightsTheCodesStandFor) {
  for (const int threads : {1, 3}) {
    const Executor executor(threads);
    Compute compute(executor);
    for (const Dtype dtype : kFormats)
      for (const Size size : kSizes) {
        const Floats w = Weights(size), seen = Dequantized(w, size.n, size.k, dtype);
        const testing::Packed packed(View(w, size.n, size.k), dtype);
        const testing::Packed plain(View(seen, size.n, size.k));
        for (const int64_t M : {1, 2, 5, 12, 13, 70}) {
          const Floats a = Normals("a", M * size.k), start = Normals("start", M * size.n);
          for (const bool accumulate : {false, true}) {
            Floats got(start.size()), want(start.size());
            const ConstMat from = accumulate ? View(start, M, size.n) : ConstMat();
            Gemm(compute, {View(a, M, size.k), &packed.matrix, View(got, M, size.n), from});
            Gemm(compute, {View(a, M, size.k), &plain.matrix, View(want, M, size.n), from});
            EXPECT_TRUE(SameBits(got, want))
                << EnumName(dtype) << " " << M << " x " << size.n << " x " << size.k;
          }
        }
      }
  }
}

TEST(Quantize, IsAsNearAsTheFormatPromises) {
  const Size size{256, 384};
  const Floats w = Weights(size);
  for (const Dtype dtype : kFormats) {
    const Floats seen = Dequantized(w, size.n, size.k, dtype);
    double worst = 0, farthest = 0;  // relative, absolute
    for (size_t i = 0; i < w.size(); ++i) {
      if (std::fabs(w[i]) < 0.01f) continue;  // a normal E4M3 number: above max / 448 / 64
      worst = std::max(worst, std::abs(double{seen[i]} / w[i] - 1));
      farthest = std::max(farthest, std::abs(double{seen[i]} - w[i]));
    }
    EXPECT_GT(farthest, 1e-3) << "nothing was rounded";
    if (dtype == Dtype::kFloat8E4M3) {
      EXPECT_LE(worst, 0.0626);
    } else {
      EXPECT_LE(farthest, 0.51 * *std::max_element(w.begin(), w.end()) / 127);
    }
  }
}

TEST(Quantize, RefusesWhatHasNoCode) {
  for (const Dtype dtype : kFormats) {
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), -1e6f}) {
      Floats w(40 * 40, 1.0f);
      w[777] = bad;
      const std::string error = ErrorOf([&] { testing::Packed(View(w, 40, 40), dtype); });
      EXPECT_NE(error.find("within ±65504"), std::string::npos) << error;
    }
  }
  const std::string error = ErrorOf([&] { RequireRunnable({.cache = Dtype::kQ8_0}); });
  EXPECT_NE(error.find("cache_dtype: got q8_0"), std::string::npos) << error;
}

TEST(Quantize, MakesNoGradients) {
  for (const Precision& precision :
       {Precision{.input_grad = Dtype::kQ8_0}, Precision{.weight_grad = Dtype::kFloat8E4M3}}) {
    EXPECT_NE(ErrorOf([&] { RequireRunnable(precision); }).find("gradients"), std::string::npos);
  }
  EXPECT_EQ((Precision{.products = Dtype::kQ8_0}).InputGrad(), Dtype::kFloat32);
}

}  // namespace
}  // namespace retort::nn::quantize_test
