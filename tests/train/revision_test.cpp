#include "train/revision.h"

#include <gtest/gtest.h>

#include "tests/support/stage_run.h"

namespace retort::train {
namespace {

class RevisionTest : public ::testing::Test {
 protected:
  RevisionTest() {
    testing::SetWeights(testing::AnsweringWeights(config_), *model_, compute_);
    for (int64_t i = 0; i < 8; ++i) job_.chosen.push_back(i);
    job_.sampling.max_completion_length = 12;
    first_ = SampleProblems(context_, job_);
  }
  RevisionResult Again(const SampleJob& job) { return Revise(context_, job, first_, "collect"); }
  static std::vector<std::vector<int32_t>> Tokens(const RevisionResult& result) {
    std::vector<std::vector<int32_t>> tokens;
    for (const Trace& trace : result.second.traces) tokens.push_back(trace.trajectory.completion);
    return tokens;
  }

  model::LlamaConfig config_ = testing::StageStudentConfig();
  Executor executor_{2};
  nn::Compute compute_{executor_};
  std::unique_ptr<model::LanguageModel> model_ = model::NewModel(config_, 1, compute_);
  model::Tokenizer tokenizer_ = model::Tokenizer::ByteLevel();
  RewardPanel panel_{DefaultPanel(), "reward"};
  std::vector<Problem> problems_ = GetProblems(testing::StageProblems());
  SampleContext context_{.model = *model_,
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
  for (size_t slot = 0; slot < first_.traces.size(); ++slot) {
    const Trace& first = first_.traces[slot];
    right += first_.judgements[slot].correct == true;
    if (first_.judgements[slot].correct != false) continue;
    ASSERT_LT(next, result.second.traces.size());
    const Trace& second = result.second.traces[next];
    SCOPED_TRACE(first.text + " | " + second.text);
    // The ids that were sampled, and behind them what the user says.
    const std::string extracted = first.verdicts[0].verdict.extracted;
    std::vector<int32_t> prompt = first.trajectory.prompt;
    const std::vector<int32_t>& said = first.trajectory.completion;
    prompt.insert(prompt.end(), said.begin(), said.end());
    const std::string message =
        (extracted.empty() ? "There is no answer." : extracted + " is wrong.") +
        std::string(" Try again, with another answer.");
    const auto turn =
        model::RenderNextTurn(tokenizer_, model::PromptTemplate::kShort, said, message);
    prompt.insert(prompt.end(), turn.begin(), turn.end());
    EXPECT_EQ(second.trajectory.prompt, prompt);
    EXPECT_EQ(second.stage, "collect/revision");
    EXPECT_EQ(second.step, 2);
    EXPECT_EQ(second.policy_version, 9);
    EXPECT_EQ(second.trajectory.sample, first.trajectory.sample);
    EXPECT_EQ(second.trajectory.logprobs.size(), second.trajectory.completion.size());
    EXPECT_EQ(second.problem.id, first.problem.id);
    EXPECT_EQ(second.problem.prompt, first.problem.prompt);
    const Json& revision = second.problem.extra["revision"];
    EXPECT_EQ(revision["prompt_tokens"], first.trajectory.prompt.size());
    EXPECT_EQ(revision["feedback"], panel_.Feedback(first.problem, second.verdicts));
    const Judgement judgement = panel_.Judge(
        {second.text, first.problem, static_cast<int64_t>(second.trajectory.completion.size()),
         second.trajectory.finish});
    EXPECT_EQ(result.second.judgements[next].correct, judgement.correct);
    EXPECT_EQ(second.reward, judgement.reward);
    ++next;
  }
  EXPECT_EQ(next, result.second.traces.size());
  EXPECT_GT(next, 3u);
  EXPECT_GT(right, 0u);
  EXPECT_EQ(Tokens(Again(job_)), Tokens(result));
}

TEST_F(RevisionTest, WhatNobodyJudgedIsNotRevised) {
  for (Judgement& judgement : first_.judgements) judgement = {};
  EXPECT_TRUE(Again(job_).second.traces.empty());
}

TEST_F(RevisionTest, WithoutPositionsLeftThereIsNoSecondTurn) {
  const size_t wrong = Again(job_).second.traces.size();
  SampleJob job = job_;
  job.sampling.max_completion_length = config_.max_position_embeddings;
  const RevisionResult result = Again(job);
  EXPECT_TRUE(result.second.traces.empty());
  EXPECT_EQ(result.too_long, static_cast<int64_t>(wrong));
}

TEST_F(RevisionTest, StoredVerdictsAreUsedAgain) {
  std::vector<Trace> stored = Again(job_).second.traces;
  for (Trace& trace : stored) {
    trace.verdicts[0].verdict = {VerdictStatus::kWrong, 0.25, "kept", "x"};
  }
  SampleJob job = job_;
  job.replay = &stored;
  for (const Trace& trace : Again(job).second.traces) {
    EXPECT_EQ(trace.reward, 0.25);
    EXPECT_EQ(trace.problem.extra["revision"]["feedback"], "x is wrong.");
  }
  stored[0].trajectory.completion.back() ^= 1;
  EXPECT_THROW(Again(job), Error);
}

}  // namespace
}  // namespace retort::train
