#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "nn/moe.h"
#include "tests/support/complex_step.h"
#include "tests/support/moe_twin.h"

namespace retort::nn::balance_test {
namespace {

using testing::Complex;
using testing::RelativeDifference;

struct Batch {
  RouterShape shape;
  int64_t tokens;
  std::vector<TokenRange> sequences;
  std::vector<float> scores;     // [T, E]
  std::vector<int32_t> experts;  // [T, K], other than the best scores
};

Batch MakeBatch(const RouterShape& shape, int64_t tokens, std::vector<TokenRange> sequences) {
  Batch batch{shape, tokens, std::move(sequences), {}, {}};
  RandomStream random({.seed = 3, .purpose = "scores"});
  for (int64_t i = 0; i < tokens * shape.experts; ++i) {
    batch.scores.push_back(static_cast<float>(0.05 + 0.9 * random.Uniform()));
  }
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t first =
        static_cast<int64_t>(random.Below(static_cast<uint64_t>(shape.experts - shape.top_k + 1)));
    for (int64_t k = 0; k < shape.top_k; ++k) {
      batch.experts.push_back(static_cast<int32_t>(first + k));
    }
  }
  return batch;
}

// A group of three on one prompt, one alone, one empty, and two more on another prompt.
Batch GroupedBatch() {
  return MakeBatch({6, 2, 1, 1, {}, true, 1}, 40,
                   {{0, 7, 7, 4},
                    {0, 7, 11, 3},
                    {0, 7, 14, 6},
                    {0, 0, 20, 5},
                    {0, 0, 25, 0},
                    {25, 5, 30, 4},
                    {25, 5, 34, 1}});  // tokens 35 … 39 are in no sequence
}
// A prompt longer than any block a sum may be cut into.
Batch LongBatch() {
  return MakeBatch({4, 2, 1, 1, {}, true, 1}, 280, {{0, 262, 262, 4}, {0, 262, 266, 14}});
}

BalanceArgs Args(const Batch& batch, bool per_batch, std::vector<float>* dscores = nullptr) {
  BalanceArgs args;
  args.shape = batch.shape;
  args.scores = {batch.scores.data(), batch.tokens, batch.shape.experts};
  args.experts = batch.experts.data();
  args.sequences = batch.sequences;
  args.alpha = 0.5;
  args.per_batch = per_batch;
  if (dscores) args.dscores = {dscores->data(), batch.tokens, batch.shape.experts};
  return args;
}

std::vector<int64_t> Rows(const TokenRange& s) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < s.prefix_count; ++i) rows.push_back(s.prefix_begin + i);
  for (int64_t i = 0; i < s.count; ++i) rows.push_back(s.begin + i);
  return rows;
}

// Every sequence spelled out, its prefix included.
template <class S>
S Twin(const Batch& batch, const std::vector<S>& scores, bool per_batch) {
  std::vector<int64_t> all;
  S loss = 0;
  for (const TokenRange& sequence : batch.sequences) {
    const auto rows = Rows(sequence);
    all.insert(all.end(), rows.begin(), rows.end());
    if (!per_batch && !rows.empty()) {
      loss += 0.5 * testing::BalanceTwin<S>(batch.shape, scores, rows, {});
    }
  }
  if (per_batch) loss = 0.5 * testing::BalanceTwin<S>(batch.shape, scores, all, batch.experts);
  return loss;
}

double RunLoss(const BalanceArgs& args, int threads = 1) {
  const Executor executor(threads);
  Compute compute(executor);
  return BalanceLoss(compute, args);
}

TEST(BalanceLoss, MatchesTwinAndComplexStep) {
  for (const Batch& batch : {GroupedBatch(), LongBatch()}) {
    for (const bool per_batch : {false, true}) {
      const std::vector<double> point(batch.scores.begin(), batch.scores.end());
      const auto want = testing::ComplexStepGradient(
          [&](const std::vector<Complex>& s) { return Twin(batch, s, per_batch); }, point);
      std::vector<float> dscores(batch.scores.size(), 0.0f);
      const double loss = RunLoss(Args(batch, per_batch, &dscores));
      EXPECT_NEAR(loss, Twin(batch, point, per_batch), 1e-9 * loss);
      EXPECT_LT(RelativeDifference(dscores, want), 1e-5);
      // Without a place for it, only the value.
      EXPECT_EQ(RunLoss(Args(batch, per_batch)), loss);
    }
  }
}

TEST(BalanceLoss, GradientIsAdded) {
  const Batch batch = GroupedBatch();
  std::vector<float> zero(batch.scores.size(), 0.0f), one(batch.scores.size(), 1.0f);
  RunLoss(Args(batch, false, &zero));
  RunLoss(Args(batch, false, &one));
  for (size_t i = 0; i < zero.size(); ++i) EXPECT_FLOAT_EQ(one[i], 1 + zero[i]);
  // Tokens in no sequence get nothing.
  for (size_t i = 35 * 6; i < zero.size(); ++i) EXPECT_EQ(zero[i], 0.0f);
}

TEST(BalanceLoss, SameBitsOnAnyNumberOfThreads) {
  const Batch batch = LongBatch();
  for (const bool per_batch : {false, true}) {
    std::vector<float> first(batch.scores.size(), 0.0f);
    const double loss = RunLoss(Args(batch, per_batch, &first));
    for (const int threads : {2, 3, 8}) {
      std::vector<float> dscores(batch.scores.size(), 0.0f);
      EXPECT_EQ(RunLoss(Args(batch, per_batch, &dscores), threads), loss);
      EXPECT_EQ(dscores, first);
    }
  }
}

TEST(BalanceLoss, PerfectBalanceCostsAlphaPerSequence) {
  Batch batch = MakeBatch({4, 1, 1, 1, {}, true, 1}, 8, {{0, 0, 0, 4}, {0, 0, 4, 4}});
  for (int64_t t = 0; t < 8; ++t) {
    for (int64_t e = 0; e < 4; ++e) {
      batch.scores[static_cast<size_t>(t * 4 + e)] = e == t % 4 ? 0.7f : 0.1f;
    }
    batch.experts[static_cast<size_t>(t)] = static_cast<int32_t>(t % 4);
  }
  EXPECT_NEAR(RunLoss(Args(batch, false)), 2 * 0.5, 1e-6);
  EXPECT_NEAR(RunLoss(Args(batch, true)), 0.5, 1e-6);
  BalanceArgs doubled = Args(batch, false);
  doubled.alpha = 1;
  EXPECT_NEAR(RunLoss(doubled), 2.0, 1e-6);
}

TEST(BalanceLoss, OnlyTheClassicLossLooksAtTheChoicesMade) {
  Batch batch = GroupedBatch();
  const double sequence_wise = RunLoss(Args(batch, false)), classic = RunLoss(Args(batch, true));
  for (size_t i = 0; i < batch.experts.size(); i += 2) {
    batch.experts[i] = 0;
    batch.experts[i + 1] = 1;
  }
  EXPECT_EQ(RunLoss(Args(batch, false)), sequence_wise);
  EXPECT_NE(RunLoss(Args(batch, true)), classic);
}

TEST(CountLoads, CountsASharedPrefixOncePerSequence) {
  for (const Batch& batch : {GroupedBatch(), LongBatch()}) {
    std::vector<int64_t> want(static_cast<size_t>(batch.shape.experts), 0), got;
    for (const TokenRange& sequence : batch.sequences) {
      for (const int64_t row : Rows(sequence)) {
        for (int64_t k = 0; k < batch.shape.top_k; ++k) {
          ++want[static_cast<size_t>(
              batch.experts[static_cast<size_t>(row * batch.shape.top_k + k)])];
        }
      }
    }
    CountLoads(Args(batch, false), got);
    EXPECT_EQ(got, want);
    CountLoads(Args(batch, false), got);  // adds up over micro-batches
    for (int64_t& load : want) load *= 2;
    EXPECT_EQ(got, want);
  }
}

TEST(MaxViolation, IsTheExcessOverTheMean) {
  const std::vector<int64_t> loads = {5, 1, 2, 0}, none = {0, 0}, even = {3, 3};
  EXPECT_DOUBLE_EQ(MaxViolation(loads), 1.5);
  EXPECT_EQ(MaxViolation(none), 0);
  EXPECT_EQ(MaxViolation(even), 0);
}

TEST(UpdateRouterBias, MovesByTheSignOfTheShortfall) {
  const std::vector<int64_t> loads = {5, 1, 2, 0};
  std::vector<float> bias = {0.5f, 0.5f, 0.5f, 0.5f};
  UpdateRouterBias(loads, 0.25, bias.data());
  EXPECT_EQ(bias, (std::vector<float>{0.25f, 0.75f, 0.5f, 0.75f}));  // a mean load stays
}

TEST(UpdateRouterBias, EvensOutASkewedRouter) {
  // Fixed logits that favour low ids; only the bias may spread the load.
  const int64_t tokens = 512, experts = 16;
  const RouterShape shape{experts, 2, 1, 1, {}, true, 1};
  RandomStream random({.seed = 5, .purpose = "skew"});
  std::vector<float> logits, bias(16, 0.0f);
  for (int64_t i = 0; i < tokens * experts; ++i) {
    logits.push_back(static_cast<float>(random.Normal() - 0.2 * static_cast<double>(i % experts)));
  }
  const Executor executor(1);
  Compute compute(executor);
  std::vector<float> scores(logits.size()), weights(tokens * 2);
  std::vector<int32_t> chosen(tokens * 2);
  const TokenRange all{0, 0, 0, tokens};
  double first = 0, last = 0;
  for (int step = 0; step < 300; ++step) {
    Route(compute, {shape,
                    {logits.data(), tokens, experts},
                    bias.data(),
                    {scores.data(), tokens, experts},
                    chosen.data(),
                    weights.data()});
    BalanceArgs args;
    args.shape = shape;
    args.experts = chosen.data();
    args.sequences = {&all, 1};
    std::vector<int64_t> loads;
    CountLoads(args, loads);
    last = MaxViolation(loads);
    if (step == 0) first = last;
    UpdateRouterBias(loads, 2e-3, bias.data());
  }
  EXPECT_GT(first, 2.0);
  EXPECT_LT(last, 0.1);
}

}  // namespace
}  // namespace retort::nn::balance_test
