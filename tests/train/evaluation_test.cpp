#include "train/evaluation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "tests/support/stage_run.h"
#include "verifiers/registry.h"

namespace retort::train::evaluation_test {
namespace {

TEST(Outcomes, AreReasonsWithoutTheirDetailsCountedPerVerifier) {
  const auto judged = [](const char* verifier, const char* reason) {
    Sample sample;
    sample.verdicts = {{verifier, {VerdictStatus::kWrong, 0, reason, ""}}};
    return sample;
  };
  std::vector<Sample> samples = {
      judged("code", "wrong-answer/3"), judged("code", "wrong-answer/11"),
      judged("code", "accepted"),       judged("code", "bad-tests: tests[2]: no/args"),
      judged("math", "accepted"),       judged("code", "")};
  samples[2].verdicts.push_back({"format", {VerdictStatus::kRight, 1, "well-formed", ""}});
  Metrics metrics;
  AddOutcomes(samples, metrics);
  EXPECT_EQ(metrics, (Metrics{{"rewards/code/accepted", 1},
                              {"rewards/code/bad-tests", 1},
                              {"rewards/code/wrong-answer", 2},
                              {"rewards/format/well-formed", 1},
                              {"rewards/math/accepted", 1}}));
}

TEST(JudgeWarnings, AJudgeThatLeavesMuchOpenIsNamedWithItsReason) {
  Sample judged, unjudged;
  judged.verdicts = {{"math", {VerdictStatus::kWrong, 0, "different", ""}}};
  unjudged.verdicts = {{"math", {VerdictStatus::kUnjudged, 0, "no-tests: none", ""}}};
  std::vector<Sample> samples(9, judged);
  EXPECT_EQ(ManyUnjudged("math", samples), "");
  samples.push_back(unjudged);
  EXPECT_EQ(ManyUnjudged("math", samples), "");  // one in ten
  samples.pop_back();
  samples.back() = unjudged;
  EXPECT_NE(ManyUnjudged("math", samples).find("not judge 1 of 9"), std::string::npos);
  EXPECT_EQ(ManyUnjudged("code", std::vector{unjudged}), "");  // it took none
  const std::string text = ManyUnjudged("math", std::vector{unjudged, unjudged});
  for (const char* part : {"'math'", "none of 2", "no-tests: none"}) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
  unjudged.verdicts[0].verdict.reason = "error: problem 'p': broken";
  EXPECT_NE(FailedJudge(std::vector{judged, unjudged}).find("problem 'p': broken"),
            std::string::npos);
  EXPECT_EQ(FailedJudge(std::vector{judged}), "");
}

class SampleProblemsTest : public ::testing::Test {
 protected:
  SampleProblemsTest() {
    testing::SetWeights(testing::AnsweringWeights(testing::StageStudentConfig()), *model_);
    job_.chosen = {5, 0, 3};
    job_.sampling.max_completion_length = 16;
  }
  SampleResult Draw(const SampleJob& job) {
    return SampleProblems({.weights = model_->Packed(compute_),
                           .compute = compute_,
                           .tokenizer = tokenizer_,
                           .panel = panel_,
                           .engine = {},
                           .progress = progress_,
                           .stop = stop_,
                           .judge_threads = judge_threads_},
                          job);
  }
  std::string MessageOf(const SampleJob& job) {
    try {
      Draw(job);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  /// As they come back from the store.
  static std::vector<Trace> AsTraces(const SampleResult& result) {
    std::vector<Trace> traces(result.samples.size());
    for (size_t i = 0; i < traces.size(); ++i) static_cast<Sample&>(traces[i]) = result.samples[i];
    return traces;
  }
  static std::vector<std::vector<int32_t>> Tokens(const SampleResult& result) {
    std::vector<std::vector<int32_t>> tokens;
    for (const Sample& sample : result.samples) {
      tokens.push_back(sample.trajectory.completion);
    }
    return tokens;
  }

  Executor executor_{2};
  nn::Compute compute_{executor_};
  std::unique_ptr<model::LanguageModel> model_ = model::NewModel(testing::StageStudentConfig(), 1);
  model::Tokenizer tokenizer_ = model::Tokenizer::ByteLevel();
  /// The math judge's, after a hook.
  class Hooked : public verifiers::Verifier {
   public:
    Hooked(std::unique_ptr<Verifier> verifier, const std::function<void()>& before)
        : verifier_(std::move(verifier)), before_(before) {}
    Verdict Judge(const verifiers::Response& response) const override {
      if (before_) before_();
      return verifier_->Judge(response);
    }

   private:
    std::unique_ptr<Verifier> verifier_;
    const std::function<void()>& before_;
  };
  RewardPanel panel_{{{"math", 2, Json::object()}, {"format", 0.5, Json::object()}},
                     "reward",
                     [this](const std::string& name, const Json& options,
                            const std::string& where) -> std::unique_ptr<verifiers::Verifier> {
                       auto made = verifiers::MakeVerifier(name, options, where);
                       if (name == "format") return made;
                       return std::make_unique<Hooked>(std::move(made), before_judging_);
                     }};
  std::vector<Problem> problems_ = GetProblems(testing::StageProblems());
  std::function<void(int64_t)> progress_;
  std::function<bool()> stop_;
  int judge_threads_ = 0;
  std::function<void()> before_judging_;
  SampleJob job_{.problems = &problems_,
                 .chosen = {},
                 .samples = 4,
                 .sampling = {},
                 .seed = 1,
                 .purpose = "stage/sample",
                 .step = 2,
                 .policy_version = 9};
};

TEST_F(SampleProblemsTest, AProblemDrawnAgainHasOtherSamples) {
  const SampleResult once = Draw(job_);
  job_.chosen = {5, 0, 5, 3, 5};
  const SampleResult again = Draw(job_);
  const auto group = [](const SampleResult& result, size_t g) {
    const auto all = Tokens(result);
    return std::vector(all.begin() + static_cast<std::ptrdiff_t>(4 * g),
                       all.begin() + static_cast<std::ptrdiff_t>(4 * g + 4));
  };
  EXPECT_EQ(group(again, 0), group(once, 0));  // all other draws keep their bits
  EXPECT_EQ(group(again, 1), group(once, 1));
  EXPECT_EQ(group(again, 3), group(once, 2));
  EXPECT_NE(group(again, 2), group(again, 0));
  EXPECT_NE(group(again, 4), group(again, 2));
  for (size_t i = 0; i < 20; ++i) {  // inside its own group
    EXPECT_EQ(again.samples[i].trajectory.sample, static_cast<int64_t>(i % 4));
  }
  // The k-th draw has the samples from k * 4 on.
  job_.chosen = {5};
  job_.samples = 12;
  const auto twelve = Tokens(Draw(job_));
  for (size_t k = 0; k < 3; ++k) {
    const auto expected = group(again, 2 * k);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(),
                           twelve.begin() + static_cast<std::ptrdiff_t>(4 * k)));
  }
}

TEST_F(SampleProblemsTest, TracesStandInOrderWithTheirJudgements) {
  std::vector<int64_t> done;
  progress_ = [&](int64_t count) { done.push_back(count); };
  const SampleResult result = Draw(job_);
  ASSERT_EQ(result.samples.size(), 12u);
  std::vector<int64_t> counts(12);
  std::iota(counts.begin(), counts.end(), 1);
  EXPECT_EQ(done, counts);
  int64_t tokens = 0;
  for (size_t i = 0; i < 12; ++i) {
    const Sample& sample = result.samples[i];
    const Problem& problem = problems_[static_cast<size_t>(job_.chosen[i / 4])];
    EXPECT_EQ(sample.problem_index, job_.chosen[i / 4]);
    EXPECT_EQ(sample.trajectory.prompt,
              model::RenderPrompt(tokenizer_, model::PromptTemplate::kShort, problem.prompt));
    EXPECT_EQ(sample.trajectory.sample, static_cast<int64_t>(i % 4));
    EXPECT_EQ(sample.text, tokenizer_.Decode(sample.trajectory.completion));
    EXPECT_EQ(sample.policy_version, 9);
    const Judgement judgement = panel_.Judge(
        {sample.text, problem, static_cast<int64_t>(sample.trajectory.completion.size()),
         sample.trajectory.finish});
    EXPECT_EQ(Correct(sample.verdicts), judgement.correct);
    EXPECT_EQ(sample.reward, judgement.reward);
    ASSERT_EQ(sample.verdicts.size(), 2u);
    EXPECT_EQ(sample.verdicts[1].verifier, "format");
    tokens += static_cast<int64_t>(sample.trajectory.completion.size());
  }
  EXPECT_EQ(result.stats.decoded_tokens, tokens);
}

TEST_F(SampleProblemsTest, AsManyAnswersAreJudgedAtATimeAsWasAskedFor) {
  const SampleResult sampled = Draw(job_);
  const auto tokens = Tokens(sampled);
  std::set<std::pair<size_t, std::vector<int32_t>>> different;  // in their groups
  for (size_t i = 0; i < tokens.size(); ++i) different.emplace(i / 4, tokens[i]);
  const auto judged = static_cast<int>(different.size());
  std::atomic<int> inside{0};
  int most = 0;
  std::mutex mutex;
  before_judging_ = [&] {
    {
      const std::lock_guard lock(mutex);
      most = std::max(most, ++inside);
    }
    // The first ones wait for each other, which they could not if fewer were allowed.
    while (inside < judge_threads_) std::this_thread::yield();
  };
  judge_threads_ = judged;  // all of them
  EXPECT_EQ(Tokens(Draw(job_)), tokens);
  EXPECT_EQ(inside, judged);

  inside = most = 0;
  judge_threads_ = 1;
  before_judging_ = [&] {
    most = std::max(most, ++inside);
    std::this_thread::yield();
    --inside;
  };
  EXPECT_EQ(Tokens(Draw(job_)), tokens);
  EXPECT_EQ(most, 1);
}

TEST_F(SampleProblemsTest, WhatAGroupSaysTwiceIsJudgedOnce) {
  std::atomic<int> judged{0};
  before_judging_ = [&] { ++judged; };
  job_.sampling.temperature = 0;  // the four samples of a problem are the same
  const SampleResult result = Draw(job_);
  EXPECT_EQ(judged, 3);
  for (size_t i = 0; i < 12; ++i) {
    const Sample& sample = result.samples[i];
    EXPECT_EQ(sample.trajectory.sample, static_cast<int64_t>(i % 4));
    const Judgement judgement = panel_.Judge(
        {sample.text, problems_[static_cast<size_t>(job_.chosen[i / 4])],
         static_cast<int64_t>(sample.trajectory.completion.size()), sample.trajectory.finish});
    EXPECT_EQ(sample.reward, judgement.reward);
    ASSERT_EQ(sample.verdicts.size(), 2u);
    EXPECT_EQ(sample.verdicts[0].verdict.reason, judgement.verdicts[0].verdict.reason);
  }
}

TEST_F(SampleProblemsTest, SeedPurposeAndStepNameTheSamples) {
  const auto tokens = Tokens(Draw(job_));
  EXPECT_EQ(Tokens(Draw(job_)), tokens);
  SampleJob other = job_;
  other.seed = 2;
  EXPECT_NE(Tokens(Draw(other)), tokens);
  other = job_;
  other.purpose = "other/sample";
  EXPECT_NE(Tokens(Draw(other)), tokens);
  other = job_;
  other.step = 3;
  EXPECT_NE(Tokens(Draw(other)), tokens);
  other = job_;  // the samples of a problem do not depend on its company
  other.chosen = {3};
  EXPECT_EQ(Tokens(Draw(other)),
            (std::vector<std::vector<int32_t>>(tokens.begin() + 8, tokens.end())));
}

TEST_F(SampleProblemsTest, PromptsMayBeGivenAsIds) {
  std::vector<std::vector<int32_t>> prompts{{'a', 'b'}, {'c'}, {'d', 'e'}};
  SampleJob job = job_;
  job.prompts = &prompts;
  const SampleResult result = Draw(job);
  ASSERT_EQ(result.samples.size(), 12u);
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(result.samples[i].trajectory.prompt, prompts[i / 4]);
    EXPECT_EQ(result.samples[i].problem_index, job.chosen[i / 4]);
  }
}

TEST_F(SampleProblemsTest, StoredVerdictsAreUsedAgain) {
  const SampleResult first = Draw(job_);
  std::vector<Trace> stored = AsTraces(first);
  // Verdicts that no judge would give: if they come back, nobody judged.
  for (Trace& trace : stored) {
    trace.verdicts[0].verdict = {VerdictStatus::kWrong, 0.25, "kept", "x"};
    trace.verdicts[1].verdict = {VerdictStatus::kUnjudged, 0, "down", ""};
  }
  SampleJob job = job_;
  job.replay = &stored;
  const SampleResult again = Draw(job);
  EXPECT_EQ(Tokens(again), Tokens(first));
  for (size_t i = 0; i < again.samples.size(); ++i) {
    EXPECT_EQ(Correct(again.samples[i].verdicts), false);
    EXPECT_EQ(again.samples[i].reward, 0.5);
    EXPECT_EQ(again.samples[i].verdicts[0].verdict.reason, "kept");
    EXPECT_EQ(again.samples[i].verdicts[1].verdict.reason, "down");
  }
  const std::vector<Trace> nothing;
  job.replay = &nothing;
  EXPECT_EQ(Draw(job).samples[0].verdicts[0].verdict.reason,
            first.samples[0].verdicts[0].verdict.reason);
}

TEST_F(SampleProblemsTest, ARunThatIsNotReproducedIsAnError) {
  std::vector<Trace> stored = AsTraces(Draw(job_));
  SampleJob job = job_;
  job.replay = &stored;
  stored[7].trajectory.completion.back() ^= 1;
  const std::string message = MessageOf(job);
  EXPECT_NE(message.find("stage/sample step 2, sample 7"), std::string::npos) << message;
  stored.pop_back();
  EXPECT_NE(MessageOf(job).find("stored 11 traces"), std::string::npos) << MessageOf(job);
}

TEST_F(SampleProblemsTest, StopsWhenAsked) {
  stop_ = [] { return true; };
  EXPECT_NE(MessageOf(job_).find("interrupted"), std::string::npos) << MessageOf(job_);
}

}  // namespace
}  // namespace retort::train::evaluation_test
