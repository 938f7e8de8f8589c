#include "train/importance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/error_of.h"

namespace retort::train::importance_test {
namespace {

// Three completions of 2, 0 and 3 tokens; ratios 2, 1/4 | | 1, 5, 1/2.
const std::vector<int64_t> kOffsets{0, 2, 2, 5};
const std::vector<float> kLogp{-1, -3, -2, -1, -2};
const std::vector<double> kRatios{2, 0.25, 1, 5, 0.5};

std::vector<float> Sampled() {
  std::vector<float> sampled;
  for (size_t t = 0; t < kLogp.size(); ++t) {
    sampled.push_back(kLogp[t] - static_cast<float>(std::log(kRatios[t])));
  }
  return sampled;
}

struct Weighted {
  std::vector<float> weights;
  ImportanceSums sums;
};
Weighted Weigh(const Json& options) {
  ImportanceOptions read;
  ReadOptions(options, "options", read);
  Weighted result;
  result.weights = ImportanceWeights(read, kOffsets, kLogp, Sampled(), result.sums);
  return result;
}

void ExpectWeights(const Json& options, const std::vector<double>& want) {
  const Weighted got = Weigh(options);
  for (size_t t = 0; t < want.size(); ++t) {
    EXPECT_NEAR(got.weights[t], want[t], 1e-5) << options.dump() << " token " << t;
  }
}

TEST(Importance, AgainstValuesByHand) {
  const auto of = [](const char* mode, const Json& max, const Json& min) {
    return Json{{"importance_sampling_mode", mode},
                {"importance_sampling_clip_max", max},
                {"importance_sampling_clip_min", min}};
  };
  ExpectWeights(of("token_truncate", 3, nullptr), {2, 0.25, 1, 3, 0.5});
  ExpectWeights(of("token_truncate", 3, 0.5), {2, 0.5, 1, 3, 0.5});
  ExpectWeights(of("token_truncate", nullptr, nullptr), {2, 0.25, 1, 5, 0.5});
  ExpectWeights(of("token_mask", 3, nullptr), {2, 0.25, 1, 0, 0.5});
  ExpectWeights(of("token_mask", 3, 0.4), {2, 0, 1, 0, 0.5});
  ExpectWeights(of("sequence_truncate", 2, nullptr), {0.5, 0.5, 2, 2, 2});
  ExpectWeights(of("sequence_truncate", 2, 0.75), {0.75, 0.75, 2, 2, 2});
  ExpectWeights(of("sequence_mask", 2, nullptr), {0.5, 0.5, 0, 0, 0});
  ExpectWeights(of("sequence_mask", 3, 0.75), {0, 0, 2.5, 2.5, 2.5});
  ExpectWeights(Json::object(), {0.5, 0.5, 2.5, 2.5, 2.5});
}

TEST(Importance, SumsAreOverTokensOrCompletions) {
  const ImportanceSums tokens = Weigh({{"importance_sampling_mode", "token_truncate"}}).sums;
  EXPECT_EQ(tokens.count, 5);
  EXPECT_NEAR(tokens.mean(), (2 + 0.25 + 1 + 3 + 0.5) / 5, 1e-6);
  EXPECT_NEAR(tokens.min, 0.25, 1e-6);
  EXPECT_NEAR(tokens.max, 3, 1e-6);
  const ImportanceSums whole = Weigh({{"importance_sampling_mode", "sequence_truncate"}}).sums;
  EXPECT_EQ(whole.count, 2);
  EXPECT_NEAR(whole.mean(), 1.5, 1e-6);
}

TEST(Importance, IsOneWhereNothingDiffersAndBoundedWhereAllDoes) {
  ImportanceSums sums;
  EXPECT_EQ(ImportanceWeights({}, kOffsets, kLogp, kLogp, sums), std::vector<float>(5, 1.0f));
  const std::vector<float> impossible(5, -1e30f);
  const ImportanceOptions open{.mode = ImportanceMode::kTokenTruncate, .clip_max = {}};
  for (const float weight : ImportanceWeights(open, kOffsets, kLogp, impossible, sums)) {
    EXPECT_TRUE(std::isfinite(weight));
  }
}

TEST(Importance, DefaultsAreTrls) {
  EXPECT_EQ(WriteOptions(ImportanceOptions()),
            Json::parse(R"({"importance_sampling_correction": true,
                            "importance_sampling_mode": "sequence_mask",
                            "importance_sampling_clip_max": 3.0,
                            "importance_sampling_clip_min": null})"));
}

TEST(Importance, RefusesArraysThatDoNotFit) {
  ImportanceSums sums;
  const std::vector<float> four(4);
  EXPECT_NE(ErrorOf([&] { ImportanceWeights({}, kOffsets, kLogp, four, sums); }).find("5 and 4"),
            std::string::npos);
}

}  // namespace
}  // namespace retort::train::importance_test
