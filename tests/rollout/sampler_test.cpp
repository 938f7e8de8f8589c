#include "rollout/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rollout/acceptor.h"
#include "tests/support/sampling_twin.h"

namespace retort::rollout::sampler_test {
namespace {

// Out of order, with a tie.
const std::vector<double>& Probabilities() {
  static const std::vector<double> p = {0.05, 0.3, 0.02, 0.2, 0.08, 0.2, 0.1, 0.05};
  return p;
}

std::vector<float> Logprobs(const std::vector<double>& p) {
  std::vector<float> logprobs;
  for (const double x : p) logprobs.push_back(static_cast<float>(std::log(x)));
  return logprobs;
}

/// Chi-square of 20,000 draws against the renormalised probabilities of `kept`; anything else drawn
/// fails at once.
double ChiSquare(const SamplingOptions& options, const std::vector<int32_t>& kept) {
  const std::vector<float> logprobs = Logprobs(Probabilities());
  RandomStream random({.seed = 1, .purpose = "frequencies"});
  std::vector<double> counts(logprobs.size());
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const int32_t id =
        SampleToken(logprobs.data(), static_cast<int64_t>(logprobs.size()), options, random);
    ++counts[static_cast<size_t>(id)];
  }
  double total = 0, chi_square = 0, drawn = 0;
  for (const int32_t id : kept) total += Probabilities()[static_cast<size_t>(id)];
  for (const int32_t id : kept) {
    const auto i = static_cast<size_t>(id);
    const double expected = kDraws * Probabilities()[i] / total;
    chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    drawn += counts[i];
  }
  EXPECT_EQ(drawn, kDraws) << "something was drawn that should have been left out";
  return chi_square;
}

// 99.9 % quantiles for 1 … 7 degrees of freedom.
constexpr double kLimit[] = {0, 10.83, 13.82, 16.27, 18.47, 20.52, 22.46, 24.32};

TEST(Sampler, DrawsEveryTokenAsOftenAsItIsProbable) {
  EXPECT_LT(ChiSquare({}, {0, 1, 2, 3, 4, 5, 6, 7}), kLimit[7]);
}

TEST(Sampler, TopKKeepsTheMostProbableAndOfEqualsTheLowerId) {
  EXPECT_LT(ChiSquare({.top_k = 3}, {1, 3, 5}), kLimit[2]);
  EXPECT_LT(ChiSquare({.top_k = 2}, {1, 3}), kLimit[1]);
  EXPECT_LT(ChiSquare({.top_k = 100}, {0, 1, 2, 3, 4, 5, 6, 7}), kLimit[7]);
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  EXPECT_LT(ChiSquare({.top_p = 0.65}, {1, 3, 5}), kLimit[2]);     // 0.5 < 0.65 <= 0.7
  EXPECT_LT(ChiSquare({.top_p = 0.75}, {1, 3, 5, 6}), kLimit[3]);  // 0.7 < 0.75
  EXPECT_EQ(ChiSquare({.top_p = 0.0}, {1}), 0);
}

TEST(Sampler, MinPIsRelativeToTheMostProbable) {
  EXPECT_LT(ChiSquare({.min_p = 0.3}, {1, 3, 5, 6}), kLimit[3]);  // 0.09 and above
  EXPECT_EQ(ChiSquare({.min_p = 1.0}, {1}), 0);
}

TEST(Sampler, TopPIsOfWhatTopKLeft) {
  // {1, 3, 5} renormalised: 0.43, 0.29, 0.29; of all, 0.7 would need a third token.
  EXPECT_LT(ChiSquare({.top_k = 3, .top_p = 0.7}, {1, 3}), kLimit[1]);
}

// Many tokens said after each other, each drawn from what the penalties leave: as often as the twin
// says, and never what it says cannot be.
TEST(Sampler, WhatIsDrawnFollowsTheTwin) {
  const std::vector<SamplingOptions> all = {{.repetition_penalty = 1.7},
                                            {.presence_penalty = 0.9},
                                            {.frequency_penalty = 0.4},
                                            {.presence_penalty = -0.5, .frequency_penalty = 0.2},
                                            {.temperature = 0.7,
                                             .top_k = 6,
                                             .top_p = 0.9,
                                             .min_p = 0.05,
                                             .repetition_penalty = 1.3,
                                             .presence_penalty = 0.3,
                                             .frequency_penalty = 0.1}};
  constexpr int64_t V = 8;
  const std::vector<double> logits = {1.5, -0.5, 0.2, 2, -1, 0.9, 0, 0.4};
  for (const SamplingOptions& options : all) {
    SCOPED_TRACE(ToJsonLine(WriteOptions(options)));
    Request request{.prompt = {3, 3, 1}, .sampling = options};
    request.sampling.max_completion_length = 12;
    std::vector<double> expected(V), counted(V);
    constexpr int kSamples = 3000;
    for (int i = 0; i < kSamples; ++i) {
      request.stream = {.seed = 4, .purpose = "twin", .problem = static_cast<uint64_t>(i)};
      Acceptor sample(request, 0, nullptr);
      std::vector<int32_t> said;
      for (bool ended = false; !ended;) {
        const auto p = testing::TwinProbabilities(logits, request.prompt, said, options);
        std::vector<float> row(logits.begin(), logits.end());
        const Drawn drawn = sample.Draw(row.data(), V);
        ASSERT_GT(p[static_cast<size_t>(drawn.token)], 0);
        for (size_t id = 0; id < V; ++id) expected[id] += p[id];
        ++counted[static_cast<size_t>(drawn.token)];
        said.push_back(drawn.token);
        ended = sample.Take(drawn);
        // What is kept is the model's own log-probability.
        const auto own =
            testing::TwinProbabilities(logits, {}, {}, {.temperature = options.temperature});
        EXPECT_NEAR(drawn.logprob, std::log(own[static_cast<size_t>(drawn.token)]), 1e-5);
      }
    }
    // The sum of Bernoulli variables with these means; 5 standard deviations at most.
    for (size_t id = 0; id < V; ++id) {
      EXPECT_NEAR(counted[id], expected[id], 5 * std::sqrt(expected[id])) << id;
    }
  }
}

TEST(Sampler, PenaltiesActOnTheLogitsOfWhatWasSaid) {
  std::vector<float> logits = {2, -2, 2, -2, 1};
  Penalize({{0, 0}, {1, 0}, {2, 3}, {3, 1}},
           {.repetition_penalty = 2, .presence_penalty = 0.5, .frequency_penalty = 0.25},
           logits.data());
  EXPECT_EQ(logits, (std::vector<float>{1, -4, 1 - 0.75f - 0.5f, -4 - 0.25f - 0.5f, 1}));
}

TEST(Sampler, GreedyTakesTheMostProbableAfterPenalties) {
  Request request{.prompt = {0}, .sampling = {.temperature = 0, .presence_penalty = 1}};
  Acceptor sample(request, 0, nullptr);
  std::vector<int32_t> said;
  for (int i = 0; i < 4; ++i) {
    std::vector<float> logits = {2, 1.5, 0};
    const Drawn drawn = sample.Draw(logits.data(), 3);
    said.push_back(drawn.token);
    sample.Take(drawn);
  }
  EXPECT_EQ(said, (std::vector<int32_t>{0, 1, 0, 0}));
}

TEST(Sampler, ZeroTemperatureTakesTheMostProbableWithoutADraw) {
  std::vector<double> p = Probabilities();
  p[6] = p[1];
  const std::vector<float> logprobs = Logprobs(p);
  RandomStream random({.seed = 1, .purpose = "greedy"}), fresh = random;
  EXPECT_EQ(SampleToken(logprobs.data(), 8, {.temperature = 0}, random), 1);
  EXPECT_EQ(random.NextU64(), fresh.NextU64());
}

TEST(Sampler, NeverDrawsTheImpossible) {
  const float never = -std::numeric_limits<float>::infinity();
  const std::vector<float> logprobs = {never, 0.0f, never};
  RandomStream random({.seed = 1, .purpose = "impossible"});
  for (const SamplingOptions& options :
       {SamplingOptions{}, SamplingOptions{.top_k = 2}, SamplingOptions{.top_p = 0.99}}) {
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(SampleToken(logprobs.data(), 3, options, random), 1);
  }
}

TEST(Sampler, OneUniformNumberPerTokenWhateverTheOptions) {
  const std::vector<float> logprobs = Logprobs(Probabilities());
  RandomStream a({.seed = 1, .purpose = "one"}), b = a, c = a;
  c.Uniform();
  SampleToken(logprobs.data(), 8, {}, a);
  SampleToken(logprobs.data(), 8, {.top_k = 3, .top_p = 0.9, .min_p = 0.1}, b);
  const uint64_t next = c.NextU64();
  EXPECT_EQ(a.NextU64(), next);
  EXPECT_EQ(b.NextU64(), next);
}

}  // namespace
}  // namespace retort::rollout::sampler_test
