#include "nn/gemm.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "tests/support/complex_step.h"
#include "tests/support/error_of.h"
#include "tests/support/op_testing.h"

namespace retort::nn::gemm_test {
namespace {

using testing::Floats;
using testing::Normals;
using testing::Part;
using testing::SameBits;

struct Size {
  int64_t n, k;
};
const std::vector<Size>& Sizes() {
  static const std::vector<Size> sizes = {{1, 1},   {5, 1},   {31, 7},   {32, 32},  {33, 1},
                                          {37, 65}, {64, 19}, {65, 512}, {129, 33}, {300, 600}};
  return sizes;
}

ConstMat View(const Floats& values, int64_t rows, int64_t cols) {
  return {values.data(), rows, cols};
}
Mat View(Floats& values, int64_t rows, int64_t cols) { return {values.data(), rows, cols}; }

/// c [M, N] (+)= a [M, K] · wᵀ in double precision.
std::vector<double> Reference(const Floats& a, const Floats& w, Size size, const Floats& start) {
  const int64_t rows = static_cast<int64_t>(a.size()) / size.k;
  std::vector<double> c(start.begin(), start.end());
  for (int64_t i = 0; i < rows * size.n; ++i) {
    for (int64_t k = 0; k < size.k; ++k) {
      c[static_cast<size_t>(i)] += double{a[static_cast<size_t>(i / size.n * size.k + k)]} *
                                   w[static_cast<size_t>(i % size.n * size.k + k)];
    }
  }
  return c;
}

/// What this machine multiplies in products that learn.
std::vector<Dtype> Dtypes() {
  const Executor executor(1);
  const Compute chooses_the_instruction_set(executor);
  return HasBFloat16() ? std::vector{Dtype::kFloat32, Dtype::kBFloat16}
                       : std::vector{Dtype::kFloat32};
}
/// And in those of a rollout.
std::vector<Dtype> ForwardDtypes() {
  std::vector<Dtype> dtypes = Dtypes();
  dtypes.insert(dtypes.end(), {Dtype::kFloat8E4M3, Dtype::kQ8_0});
  return dtypes;
}

/// What a product sees of its operand.
Floats Rounded(Floats values, Dtype dtype) {
  if (dtype == Dtype::kBFloat16) {
    RoundToBFloat16(values.data(), static_cast<int64_t>(values.size()));
  }
  return values;
}

TEST(BFloat16, IsTheNearestWithTiesToEven) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  // 8 bits of fraction: 1 + 2^-8 lies halfway between 1 and 1 + 2^-7.
  const Floats from = {0,          -0.0f, 1,       1.00390625f, 1.01171875f,
                       1.0039065f, -3.3f, 3.4e38f, inf,         -inf};
  const Floats want = {0, -0.0f, 1, 1, 1.015625f, 1.0078125f, -3.296875f, inf, inf, -inf};
  for (size_t i = 0; i < from.size(); ++i) EXPECT_EQ(ToFloat(ToBFloat16(from[i])), want[i]) << i;
  EXPECT_TRUE(std::isnan(ToFloat(ToBFloat16(nan))));
}

TEST(BFloat16, RowsAreRoundedLikeNumbers) {
  Floats x = Normals("x", 77);
  x[3] = std::numeric_limits<float>::quiet_NaN();
  x[5] = std::bit_cast<float>(0x3F808000);  // a tie
  x[76] = std::numeric_limits<float>::infinity();
  Floats rounded = x;
  std::vector<nn::BFloat16> halves(x.size());
  RoundToBFloat16(rounded.data(), 77);
  ToBFloat16(x.data(), 77, halves.data());
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(halves[i], ToBFloat16(x[i])) << i;
    EXPECT_EQ(std::bit_cast<uint32_t>(rounded[i]), uint32_t{halves[i]} << 16) << i;
  }
}

TEST(BFloat16, IsRefusedWhereTheInstructionsAreNot) {
  const Executor executor(1);
  { const Compute chooses_the_instruction_set(executor); }
  if (HasBFloat16()) {
    RequireRunnable({.products = Dtype::kBFloat16});
  } else {
    const std::string error = ErrorOf([] { RequireRunnable({.products = Dtype::kBFloat16}); });
    EXPECT_NE(error.find("AVX-512 BF16"), std::string::npos) << error;
    EXPECT_NE(error.find("Use float32"), std::string::npos) << error;
  }
}

TEST(Isa, IsTheOneAskedFor) {
  const Executor executor(1);
  const Compute compute(executor);
  const char* wanted = std::getenv("RETORT_ISA");
  EXPECT_EQ(IsaName(), wanted ? wanted : AvailableIsas().front());
}

TEST(Gemm, MatchesDoublePrecision) {
  const Executor executor(2);
  Compute compute(executor);
  for (const Dtype dtype : Dtypes())
    for (const Size size : Sizes()) {
      const Floats w = Normals("w", size.n * size.k), a = Normals("a", 70 * size.k);
      const testing::Packed packed(View(w, size.n, size.k), dtype);
      for (const bool accumulate : {false, true}) {
        const Floats start = Normals("start", 70 * size.n);
        Floats c(start.size());
        Gemm(compute, {View(a, 70, size.k), &packed.matrix, View(c, 70, size.n),
                       accumulate ? View(start, 70, size.n) : ConstMat()});
        const auto want = Reference(Rounded(a, dtype), Rounded(w, dtype), size,
                                    accumulate ? start : Floats(c.size()));
        EXPECT_LT(testing::RelativeDifference(c, want), 1e-6) << size.n << " x " << size.k;
      }
    }
}

TEST(Gemm, RowsAreThoseOfOneRowProducts) {
  std::vector<int64_t> heights(130);
  std::iota(heights.begin(), heights.end(), 1);
  heights.push_back(1000);
  for (const int threads : {1, 3}) {
    const Executor executor(threads);
    Compute compute(executor);
    for (const Dtype dtype : ForwardDtypes())
      for (const Size size : Sizes()) {
        const Floats w = Normals("w", size.n * size.k), a = Normals("a", 1000 * size.k);
        const Floats start = Normals("start", 1000 * size.n);
        const testing::Packed packed(View(w, size.n, size.k), dtype);
        for (const bool accumulate : {false, true}) {
          Floats single = start;
          for (int64_t r = 0; r < 1000; ++r) {
            const Mat c = View(single, 1000, size.n).Rows(r, 1);
            GemmSerial(
                {View(a, 1000, size.k).Rows(r, 1), &packed.matrix, c, accumulate ? c : ConstMat()},
                compute.scratch[0]);
          }
          for (const int64_t M : heights) {
            if (threads > 1 && M % 13 != 0 && M != 1000) continue;
            // The rows stand at another place each time.
            const int64_t first = M * 7 % (1001 - M);
            Floats c = Part(start, first * size.n, M * size.n);
            const Mat out = View(c, M, size.n);
            Gemm(compute, {View(a, 1000, size.k).Rows(first, M), &packed.matrix, out,
                           accumulate ? out : ConstMat()});
            ASSERT_TRUE(SameBits(c, Part(single, first * size.n, M * size.n)))
                << M << " rows, N " << size.n << ", K " << size.k << ", accumulate " << accumulate;
          }
        }
      }
  }
}

TEST(Gemm, ManyJobsAndStridesAreTheSameProducts) {
  const Executor executor(3);
  Compute compute(executor);
  const Floats w = Normals("w", 37 * 20), a = Normals("a", 60 * 20);
  for (const Dtype dtype : ForwardDtypes()) {
    const testing::Packed packed(View(w, 37, 20), dtype);
    Floats w_transposed(w.size());
    for (int64_t j = 0; j < 37; ++j) {
      for (int64_t k = 0; k < 20; ++k) {
        w_transposed[static_cast<size_t>(k * 37 + j)] = w[static_cast<size_t>(j * 20 + k)];
      }
    }
    const testing::Packed transposed(View(w_transposed, 20, 37), dtype, /*transpose=*/true);
    Floats plain(60 * 37), from_transposed(plain.size()), wide(60 * 80, 7.0f);
    Gemm(compute, {View(a, 60, 20), &packed.matrix, View(plain, 60, 37)});
    Gemm(compute, {View(a, 60, 20), &transposed.matrix, View(from_transposed, 60, 37)});
    EXPECT_TRUE(SameBits(plain, from_transposed));
    const Mat c = View(wide, 60, 80);
    Gemm(compute, std::vector<GemmJob>{
                      {View(a, 60, 20).Rows(0, 11), &packed.matrix, c.Rows(0, 11).Cols(1, 37)},
                      {View(a, 60, 20).Rows(11, 49), &packed.matrix, c.Rows(11, 49).Cols(1, 37)},
                      {View(a, 60, 20), &packed.matrix, c.Cols(40, 37)}});
    for (int64_t r = 0; r < 60; ++r) {
      for (const int64_t begin : {1, 40}) {
        EXPECT_TRUE(std::equal(c.row(r) + begin, c.row(r) + begin + 37, plain.data() + r * 37));
      }
      // Nothing but the outputs is written.
      for (const int64_t untouched : {0, 38, 39, 77, 78, 79}) EXPECT_EQ(c(r, untouched), 7.0f);
    }
  }
}

TEST(Gemm, TakesNoRowsAndKeepsNansInTheirRow) {
  const Executor executor(1);
  Compute compute(executor);
  const Floats w = Normals("w", 40 * 8);
  const testing::Packed packed(View(w, 40, 8));
  Gemm(compute, {ConstMat(nullptr, 0, 8), &packed.matrix, Mat(nullptr, 0, 40)});
  Floats a = Normals("a", 30 * 8), c(30 * 40);
  a[8 * 17 + 3] = std::numeric_limits<float>::quiet_NaN();
  Gemm(compute, {View(a, 30, 8), &packed.matrix, View(c, 30, 40)});
  for (int64_t r = 0; r < 30; ++r) EXPECT_EQ(std::isnan(View(c, 30, 40)(r, 0)), r == 17);
}

struct GradCase {
  int64_t m, n, k;
};
const std::vector<GradCase>& GradCases() {
  static const std::vector<GradCase> cases = {{1, 1, 1},     {3, 7, 5},      {130, 33, 1},
                                              {65, 512, 47}, {257, 700, 40}, {1000, 5, 300}};
  return cases;
}

TEST(GemmInputGrad, MatchesDoublePrecisionOnAnyNumberOfThreads) {
  for (const Dtype dtype : Dtypes())
    for (const GradCase& s : GradCases()) {
      const Floats dc = Normals("dc", s.m * s.n), w = Normals("w", s.n * s.k);
      const Floats start = Normals("start", s.m * s.k);
      Floats w_transposed(w.size());
      for (int64_t j = 0; j < s.n; ++j) {
        for (int64_t k = 0; k < s.k; ++k) {
          w_transposed[static_cast<size_t>(k * s.n + j)] = w[static_cast<size_t>(j * s.k + k)];
        }
      }
      for (const bool accumulate : {false, true}) {
        const auto want = Reference(Rounded(dc, dtype), Rounded(w_transposed, dtype), {s.k, s.n},
                                    accumulate ? start : Floats(start.size()));
        for (const bool transpose : {false, true}) {
          testing::ExpectSameOnAllThreads([&](Compute& compute) {
            Floats da = start;
            GemmInputGrad(compute, {View(dc, s.m, s.n),
                                    transpose ? View(w_transposed, s.k, s.n) : View(w, s.n, s.k),
                                    View(da, s.m, s.k), accumulate, transpose, dtype});
            EXPECT_LT(testing::RelativeDifference(da, want), 1e-6) << s.m;
            return da;
          });
        }
      }
    }
}

// A base that is not trained is held once: its input gradients read what its products read.
TEST(GemmInputGrad, ReadsAPackedFormAsTheNumbersThatItStandsFor) {
  const Executor executor(2);
  Compute compute(executor);
  for (const Dtype held : ForwardDtypes())
    for (const Dtype dtype : Dtypes())
      for (const GradCase& s : GradCases()) {
        const Floats dc = Normals("dc", s.m * s.n), w = Normals("w", s.n * s.k);
        const testing::Packed packed(View(w, s.n, s.k), held);
        Floats numbers(w.size()), from_packed(static_cast<size_t>(s.m * s.k)),
            from_numbers(from_packed.size());
        for (int64_t k = 0; k < s.k; k += 128) {
          Unpack(packed.matrix, k,
                 View(numbers, s.n, s.k).Cols(k, std::min<int64_t>(128, s.k - k)));
        }
        if (!IsQuantized(held)) {
          EXPECT_TRUE(SameBits(numbers, Rounded(w, held)));
        }
        EXPECT_LT(testing::RelativeDifference(numbers, w), 0.04) << EnumName(held);
        GemmInputGrad(compute, {.dc = View(dc, s.m, s.n),
                                .w = {},
                                .da = View(from_packed, s.m, s.k),
                                .dtype = dtype,
                                .packed = &packed.matrix});
        GemmInputGrad(compute, {.dc = View(dc, s.m, s.n),
                                .w = View(numbers, s.n, s.k),
                                .da = View(from_numbers, s.m, s.k),
                                .dtype = dtype});
        EXPECT_TRUE(SameBits(from_packed, from_numbers)) << EnumName(held) << " " << s.n;
      }
}

TEST(Pack, ReadsWhatAFileHoldsAsTheNumbersThatItStandsFor) {
  const Floats w = Normals("w", 70 * 41);
  for (const auto type :
       {StoredMat::Type::kFloat32, StoredMat::Type::kBFloat16, StoredMat::Type::kFloat16}) {
    const bool wide = type == StoredMat::Type::kFloat32;
    Floats numbers = w;
    std::vector<std::byte> bytes(1);  // unaligned
    for (float& number : numbers) {
      uint32_t bits = std::bit_cast<uint32_t>(number);
      if (type == StoredMat::Type::kBFloat16) {
        bits = ToBFloat16(number);
        number = ToFloat(static_cast<BFloat16>(bits));
      } else if (!wide) {  // of normal numbers
        number = RoundToFloat16(number);
        bits = std::bit_cast<uint32_t>(number);
        bits = (bits >> 16 & 0x8000) | ((bits >> 13 & 0x3FFFF) - (112 << 10));
      }
      const auto* first = reinterpret_cast<const std::byte*>(&bits);
      bytes.insert(bytes.end(), first, first + (wide ? 4 : 2));
    }
    const StoredMat stored(bytes.data() + 1, type, 70, 41);
    for (const Dtype dtype : ForwardDtypes()) {
      for (const bool transpose : {false, true}) {
        const testing::Packed plain(View(numbers, 70, 41), dtype, transpose);
        testing::Packed from_file(stored, dtype, transpose);
        EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(plain.storage)),
                                       std::as_bytes(std::span(from_file.storage))))
            << EnumName(dtype) << static_cast<int>(type);
      }
    }
  }
}

TEST(GemmWeightGrad, AddsWhatDoublePrecisionAddsOnAnyNumberOfThreads) {
  for (const Dtype dtype : Dtypes())
    for (const GradCase& s : GradCases()) {
      const Floats dc = Normals("dc", s.m * s.n), a = Normals("a", s.m * s.k);
      const Floats start = Normals("start", s.n * s.k);
      const Floats dc_seen = Rounded(dc, dtype), a_seen = Rounded(a, dtype);
      std::vector<double> want(start.begin(), start.end());
      for (int64_t t = 0; t < s.m; ++t) {
        for (int64_t i = 0; i < s.n * s.k; ++i) {
          want[static_cast<size_t>(i)] += double{dc_seen[static_cast<size_t>(t * s.n + i / s.k)]} *
                                          a_seen[static_cast<size_t>(t * s.k + i % s.k)];
        }
      }
      testing::ExpectSameOnAllThreads([&](Compute& compute) {
        Floats dw = start;
        GemmWeightGrad(compute, {View(dc, s.m, s.n), View(a, s.m, s.k), View(dw, s.n, s.k), dtype});
        EXPECT_LT(testing::RelativeDifference(dw, want), 1e-6) << s.m;
        return dw;
      });
    }
}

TEST(GemmWeightGrad, NoRowsAddNothing) {
  const Executor executor(1);
  Compute compute(executor);
  Floats dw = Normals("start", 12);
  GemmWeightGrad(compute, {ConstMat(nullptr, 0, 3), ConstMat(nullptr, 0, 4), View(dw, 3, 4)});
  EXPECT_TRUE(SameBits(dw, Normals("start", 12)));
}

}  // namespace
}  // namespace retort::nn::gemm_test
