#include "train/micro_batch.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"

namespace retort::train::micro_batch_test {
namespace {

using Ids = std::vector<int32_t>;

TEST(MicroBatch, PredictsEveryCompletionTokenFromTheRowBeforeIt) {
  MicroBatch batch;
  batch.Add({{1, 2, 3}, {{4, 5, 6}, {7}, {}}});
  batch.Add({{8}, {{9, 10}}});
  // Rows: 1 2 3 | 4 5 | - | - || 8 | 9; the last token of a completion is only predicted.
  EXPECT_EQ(batch.batch().tokens(), (Ids{1, 2, 3, 4, 5, 8, 9}));
  EXPECT_EQ(batch.batch().positions(), (Ids{0, 1, 2, 3, 4, 0, 1}));
  EXPECT_EQ(batch.rows(), (Ids{2, 3, 4, 2, 5, 6}));
  EXPECT_EQ(batch.targets(), (Ids{4, 5, 6, 7, 9, 10}));
  EXPECT_EQ(batch.sequences(), 4);
  EXPECT_EQ(batch.begin(1), 3);
  EXPECT_EQ(batch.length(1), 1);
  EXPECT_EQ(batch.length(2), 0);
  EXPECT_EQ(batch.begin(3), 4);
  EXPECT_EQ(batch.length(3), 2);
}

TEST(MicroBatch, LearnsThePromptWhenAsked) {
  MicroBatch batch;
  batch.Add({{1, 2, 3}, {{4}}, /*learn_prompt=*/true});
  EXPECT_EQ(batch.rows(), (Ids{0, 1, 2}));
  EXPECT_EQ(batch.targets(), (Ids{2, 3, 4}));
  EXPECT_EQ(batch.begin(0), 2);
}

TEST(MicroBatch, LearnsTheTokensThatItIsTold) {
  LearnGroup group{{1, 2}, {{3, 4, 5, 6}}};
  group.learned = {false, true, false, true};
  EXPECT_EQ(group.Predictions(), 2);
  MicroBatch batch;
  batch.Add(group);
  batch.Add({{7}, {{8}}});
  // All of it is read, whether or not it is learned.
  EXPECT_EQ(batch.batch().tokens(), (Ids{1, 2, 3, 4, 5, 7}));
  EXPECT_EQ(batch.rows(), (Ids{2, 4, 5}));
  EXPECT_EQ(batch.targets(), (Ids{4, 6, 8}));
  EXPECT_EQ(batch.length(0), 2);
  EXPECT_EQ(batch.begin(1), 2);
  group.learned.pop_back();
  EXPECT_THROW(MicroBatch().Add(group), Error);
  group.completions.push_back({1, 2, 3});
  EXPECT_THROW(MicroBatch().Add(group), Error);
}

TEST(MicroBatch, CountsPredictions) {
  EXPECT_EQ((LearnGroup{{1, 2, 3}, {{4, 5}, {6}}}.Predictions()), 3);
  EXPECT_EQ((LearnGroup{{1, 2, 3}, {{4, 5}}, /*learn_prompt=*/true}.Predictions()), 4);
}

TEST(MicroBatch, NeedsAPrompt) { EXPECT_THROW(MicroBatch().Add({{}, {{1}}}), Error); }

TEST(Cut, KeepsOrderLimitsAndEverySequenceOnce) {
  RandomStream random({.seed = 1, .purpose = "cuts"});
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<LearnGroup> groups(random.Below(6));
    for (LearnGroup& group : groups) {
      group.prompt.assign(1 + random.Below(8), 1);
      group.completions.resize(1 + random.Below(5));
      for (auto& completion : group.completions) completion.assign(random.Below(9), 2);
    }
    const auto max_tokens = static_cast<int64_t>(1 + random.Below(40));
    std::vector<std::pair<int64_t, int64_t>> seen, expected;
    for (size_t g = 0; g < groups.size(); ++g) {
      for (size_t s = 0; s < groups[g].completions.size(); ++s) expected.push_back({g, s});
    }
    for (const auto& cut : CutIntoMicroBatches(groups, max_tokens)) {
      int64_t tokens = 0, sequences = 0;
      for (const GroupPiece& piece : cut) {
        MicroBatch taken;
        taken.Add(groups, piece);
        EXPECT_GT(piece.count, 0);
        EXPECT_EQ(taken.sequences(), piece.count);
        tokens += taken.batch().size();
        sequences += piece.count;
        for (int64_t s = 0; s < piece.count; ++s) seen.push_back({piece.group, piece.first + s});
      }
      EXPECT_GT(sequences, 0);
      EXPECT_TRUE(tokens <= max_tokens || sequences == 1) << tokens << " of " << max_tokens;
    }
    EXPECT_EQ(seen, expected);
  }
}

TEST(Cut, LeavesAGroupWholeWhenItFitsInAMicroBatchOfItsOwn) {
  const std::vector<LearnGroup> groups = {{Ids(4, 1), {Ids(4, 2)}},              // 7 rows
                                          {Ids(4, 1), {Ids(4, 2), Ids(4, 2)}}};  // 10 rows
  const auto cuts = CutIntoMicroBatches(groups, 10);
  ASSERT_EQ(cuts.size(), 2u);
  EXPECT_EQ(cuts[1].size(), 1u);
  EXPECT_EQ(cuts[1][0].count, 2);
}

}  // namespace
}  // namespace retort::train::micro_batch_test
