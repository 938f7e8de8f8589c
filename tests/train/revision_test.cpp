#include "train/revision.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/stage_run.h"

namespace retort::train::revision_test {
namespace {

class RevisionTest : public ::testing::Test {
 protected:
  RevisionTest() {
    testing::SetWeights(testing::AnsweringWeights(config_), *model_);
    context_.weights = model_->Packed(compute_);
    for (int64_t i = 0; i < 8; ++i) job_.chosen.push_back(i);
    job_.sampling.max_completion_length = 12;
    first_ = SampleProblems(context_, job_);
  }
  RevisionResult Again(const SampleJob& job) { return Revise(context_, job, first_, "collect"); }
  static std::vector<std::vector<int32_t>> Tokens(const RevisionResult& result) {
    std::vector<std::vector<int32_t>> tokens;
    for (const Sample& sample : result.second.samples) {
      tokens.push_back(sample.trajectory.completion);
    }
    return tokens;
  }

  model::LlamaConfig config_ = testing::StageStudentConfig();
  Executor executor_{2};
  nn::Compute compute_{executor_};
  std::unique_ptr<model::LanguageModel> model_ = model::NewModel(config_, 1);
  model::Tokenizer tokenizer_ = model::Tokenizer::ByteLevel();
  RewardPanel panel_{DefaultPanel(), "reward"};
  std::vector<Problem> problems_ = GetProblems(testing::StageProblems());
  SampleContext context_{.weights = {},
                         .compute = compute_,
                         .tokenizer = tokenizer_,
                         .panel = panel_,
                         .engine = {},
                         .progress = {},
                         .stop = {}};
  SampleJob job_{.problems = &problems_,
                 .chosen = {},
                 .samples = 3,
                 .sampling = {},
                 .seed = 1,
                 .purpose = "collect/sample",
                 .step = 2,
                 .policy_version = 9};
  SampleResult first_;
};

TEST_F(RevisionTest, EveryWrongAnswerIsAnsweredAndTriedAgain) {
  const RevisionResult result = Again(job_);
  EXPECT_EQ(result.too_long, 0);
  size_t next = 0, right = 0;
  for (size_t slot = 0; slot < first_.samples.size(); ++slot) {
    const Sample& first = first_.samples[slot];
    right += Correct(first.verdicts) == true;
    if (Correct(first.verdicts) != false) continue;
    ASSERT_LT(next, result.second.samples.size());
    const Sample& second = result.second.samples[next];
    SCOPED_TRACE(first.text + " | " + second.text);
    const Problem& problem = problems_[static_cast<size_t>(first.problem_index)];
    // The ids that were sampled, behind them what the user says, and the second answer.
    const std::string extracted = first.verdicts[0].verdict.extracted;
    const std::vector<int32_t>& said = first.trajectory.completion;
    const std::string message =
        (extracted.empty() ? "There is no answer." : extracted + " is wrong.") +
        std::string(" Try again, with another answer.");
    const auto turn =
        model::RenderNextTurn(tokenizer_, model::PromptTemplate::kShort, said, message);
    const Trajectory& t = second.trajectory;
    EXPECT_EQ(t.prompt, first.trajectory.prompt);
    ASSERT_EQ(t.last_turn(), said.size() + turn.size());
    std::vector<int32_t> before = said;
    before.insert(before.end(), turn.begin(), turn.end());
    const auto answer = t.completion.begin() + static_cast<std::ptrdiff_t>(t.last_turn());
    EXPECT_TRUE(std::equal(t.completion.begin(), answer, before.begin(), before.end()));
    ASSERT_EQ(t.said.size(), t.completion.size());
    ASSERT_EQ(t.logprobs.size(), t.completion.size());
    for (size_t i = 0; i < t.completion.size(); ++i) {
      const bool users = i >= said.size() && i < before.size();
      EXPECT_EQ(t.said[i], users ? 0 : 1);
      EXPECT_EQ(std::isnan(t.logprobs[i]), users);
      if (i < said.size()) {
        EXPECT_EQ(t.logprobs[i], first.trajectory.logprobs[i]);
      }
    }
    EXPECT_EQ(second.text, tokenizer_.Decode({answer, t.completion.end()}));
    EXPECT_EQ(second.stage, "collect/revision");
    EXPECT_EQ(second.policy_version, 9);
    EXPECT_EQ(t.sample, first.trajectory.sample);
    EXPECT_EQ(second.problem_index, first.problem_index);
    EXPECT_EQ(second.feedback, panel_.Feedback(problem, second.verdicts));
    const Judgement judgement =
        panel_.Judge({second.text, problem, std::distance(answer, t.completion.end()), t.finish});
    EXPECT_EQ(Correct(second.verdicts), judgement.correct);
    EXPECT_EQ(second.reward, judgement.reward);
    ++next;
  }
  EXPECT_EQ(next, result.second.samples.size());
  EXPECT_GT(next, 3u);
  EXPECT_GT(right, 0u);
  EXPECT_EQ(Tokens(Again(job_)), Tokens(result));
}

TEST_F(RevisionTest, WhatNobodyJudgedIsNotRevised) {
  for (Sample& sample : first_.samples) sample.verdicts.clear();
  EXPECT_TRUE(Again(job_).second.samples.empty());
}

TEST_F(RevisionTest, WithoutPositionsLeftThereIsNoSecondTurn) {
  const size_t wrong = Again(job_).second.samples.size();
  SampleJob job = job_;
  job.sampling.max_completion_length = config_.max_position_embeddings;
  const RevisionResult result = Again(job);
  EXPECT_TRUE(result.second.samples.empty());
  EXPECT_EQ(result.too_long, static_cast<int64_t>(wrong));
}

TEST_F(RevisionTest, StoredVerdictsAreUsedAgain) {
  const RevisionResult again = Again(job_);
  std::vector<Trace> stored(again.second.samples.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    Trace& trace = stored[i];
    static_cast<Sample&>(trace) = again.second.samples[i];
    trace.verdicts[0].verdict = {VerdictStatus::kWrong, 0.25, "kept", "x"};
  }
  SampleJob job = job_;
  job.replay = &stored;
  for (const Sample& sample : Again(job).second.samples) {
    EXPECT_EQ(sample.reward, 0.25);
    EXPECT_EQ(sample.feedback, "x is wrong.");
  }
  stored[0].trajectory.completion.back() ^= 1;
  EXPECT_THROW(Again(job), Error);
}

}  // namespace
}  // namespace retort::train::revision_test
