#include "model/rope_scaling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/model/testing.h"

namespace retort::model::rope_scaling_test {
namespace {

std::vector<double> Plain(int64_t dim, double theta) {
  return RotationsOf(dim, theta, {}).frequencies;
}

TEST(RopeScaling, DefaultIsAPowerOfTheta) {
  const nn::Rotations plain = RotationsOf(8, 10000, {});
  ASSERT_EQ(plain.frequencies.size(), 4u);
  EXPECT_EQ(plain.magnitude, 1);
  EXPECT_DOUBLE_EQ(plain.frequencies[0], 1);
  EXPECT_DOUBLE_EQ(plain.frequencies[3], 1e-3);
  EXPECT_EQ(SoftmaxFactor({}), 1);
}

TEST(RopeScaling, LinearDividesEveryFrequency) {
  const nn::Rotations linear = RotationsOf(8, 100, {.type = RopeType::kLinear, .factor = 4});
  const std::vector<double> plain = Plain(8, 100);
  for (size_t i = 0; i < 4; ++i) EXPECT_DOUBLE_EQ(linear.frequencies[i], plain[i] / 4);
  EXPECT_EQ(linear.magnitude, 1);
}

// The figures of DeepSeek-V3: pairs up to 10 are kept, those from 23 on divided by 40, and the
// temperature acts through the softmax scale alone.
TEST(RopeScaling, YarnOfDeepseekV3) {
  const RopeScaling v3{.type = RopeType::kYarn,
                       .factor = 40,
                       .original_max_position_embeddings = 4096,
                       .mscale = 1,
                       .mscale_all_dim = 1};
  const nn::Rotations yarn = RotationsOf(64, 10000, v3);
  const std::vector<double> plain = Plain(64, 10000);
  for (size_t i = 0; i <= 10; ++i) EXPECT_DOUBLE_EQ(yarn.frequencies[i], plain[i]) << i;
  EXPECT_LT(yarn.frequencies[11], plain[11]);
  EXPECT_GT(yarn.frequencies[22], plain[22] / 40 * 1.01);
  for (size_t i = 23; i < 32; ++i) EXPECT_DOUBLE_EQ(yarn.frequencies[i], plain[i] / 40) << i;
  EXPECT_DOUBLE_EQ(yarn.frequencies[15], plain[15] * (8.0 / 13) + plain[15] / 40 * (5.0 / 13));
  EXPECT_EQ(yarn.magnitude, 1);
  EXPECT_NEAR(SoftmaxFactor(v3), 1.873854, 1e-6);
}

// Qwen2.5 with factor 4: the generic convention.
TEST(RopeScaling, YarnOfQwen) {
  RopeScaling qwen{.type = RopeType::kYarn, .factor = 4, .original_max_position_embeddings = 32768};
  const nn::Rotations yarn = RotationsOf(128, 1e6, qwen);
  const std::vector<double> plain = Plain(128, 1e6);
  EXPECT_DOUBLE_EQ(yarn.frequencies[23], plain[23]);
  EXPECT_LT(yarn.frequencies[24], plain[24]);
  EXPECT_GT(yarn.frequencies[39], plain[39] / 4 * 1.01);
  EXPECT_DOUBLE_EQ(yarn.frequencies[40], plain[40] / 4);
  EXPECT_NEAR(yarn.magnitude, 1.138629, 1e-6);
  EXPECT_EQ(SoftmaxFactor(qwen), 1);

  qwen.truncate = false;  // the range is then [23.596, 39.651]
  EXPECT_NE(RotationsOf(128, 1e6, qwen).frequencies[24], yarn.frequencies[24]);
  qwen.beta_fast = 16;
  qwen.beta_slow = 2;
  EXPECT_NE(RotationsOf(128, 1e6, qwen).frequencies[30], yarn.frequencies[30]);
  qwen.attention_factor = 1.5;
  EXPECT_EQ(RotationsOf(128, 1e6, qwen).magnitude, 1.5);
}

TEST(RopeScaling, YarnTakesTheQuotientOfTwoTemperatures) {
  const RopeScaling both{.type = RopeType::kYarn,
                         .factor = 8,
                         .original_max_position_embeddings = 64,
                         .mscale = 2,
                         .mscale_all_dim = 0.5};
  const double ln = std::log(8.0);
  EXPECT_DOUBLE_EQ(RotationsOf(8, 100, both).magnitude, (0.2 * ln + 1) / (0.05 * ln + 1));
  EXPECT_DOUBLE_EQ(SoftmaxFactor(both), std::pow(0.05 * ln + 1, 2));
  RopeScaling one = both;
  one.mscale.reset();
  EXPECT_DOUBLE_EQ(RotationsOf(8, 100, one).magnitude, 0.1 * ln + 1);
}

TEST(RopeScaling, Llama3KeepsShortWavesAndDividesLongOnes) {
  const RopeScaling llama3{
      .type = RopeType::kLlama3, .factor = 8, .original_max_position_embeddings = 8192};
  const nn::Rotations got = RotationsOf(128, 500000, llama3);
  const std::vector<double> plain = Plain(128, 500000);
  EXPECT_EQ(got.magnitude, 1);
  int kept = 0, divided = 0, mixed = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    const double wave = 2 * std::numbers::pi / plain[i];
    if (wave < 8192.0 / 4) {
      ++kept;
      EXPECT_DOUBLE_EQ(got.frequencies[i], plain[i]);
    } else if (wave > 8192) {
      ++divided;
      EXPECT_DOUBLE_EQ(got.frequencies[i], plain[i] / 8);
    } else {
      const double smooth = (8192 / wave - 1) / 3;
      EXPECT_DOUBLE_EQ(got.frequencies[i], (1 - smooth) * plain[i] / 8 + smooth * plain[i]);
      ++mixed;
    }
  }
  EXPECT_EQ(kept, 29);
  EXPECT_EQ(mixed, 6);
  EXPECT_EQ(divided, 29);
  RopeScaling other = llama3;
  other.low_freq_factor = 2;
  EXPECT_NE(RotationsOf(128, 500000, other).frequencies, got.frequencies);
}

}  // namespace
}  // namespace retort::model::rope_scaling_test
