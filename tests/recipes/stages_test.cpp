#include "recipes/stages.h"

#include <cmath>
#include <memory>
#include <set>
#include <span>

#include "tests/recipes/run_fixture.h"
#include "tests/support/error_of.h"
#include "tests/support/stage_run.h"
#include "train/stage_collect.h"
#include "train/stage_eval.h"

namespace retort::recipes::stages_test {
namespace {

using testing::RunStage;
using testing::StageRun;
using train::CollectOptions;
using train::EvalOptions;

StageRun RunOf(const CollectOptions& options, const model::ModelConfig& config) {
  return RunStage({.config = config},
                  [&](const train::StageContext& context) { return RunCollect(context, options); });
}
StageRun RunOf(const EvalOptions& options, const model::ModelConfig& config) {
  return RunStage({.config = config},
                  [&](const train::StageContext& context) { return RunEval(context, options); });
}
template <class Options>
StageRun RunOf(const Options& options) {
  return RunOf(options, testing::StageStudentConfig());
}

std::vector<std::vector<int32_t>> Tokens(const StageRun& run) {
  std::vector<std::vector<int32_t>> tokens;
  for (const Trace& trace : run.traces) tokens.push_back(trace.trajectory.completion);
  return tokens;
}

/// What both kinds of stages do.
template <class Options>
class SamplingStage : public ::testing::Test {
 protected:
  static Options Small() {
    Options options;
    options.problems = testing::StageProblems(6);
    options.samples = 2;
    options.sampling.max_completion_length = 12;
    if constexpr (std::is_same_v<Options, EvalOptions>) options.temperatures = {1};
    return options;
  }
};
using Kinds = ::testing::Types<CollectOptions, EvalOptions>;
TYPED_TEST_SUITE(SamplingStage, Kinds);

/// Six short questions and a long one.
template <class Options>
Options WithALongQuestion(Options options, const TemporaryFolder& folder) {
  std::string text;
  for (const char* question : {"1+1", "1+2", "1+3+1+1+1+1+1+1", "1+4", "1+5", "2+2", "2+3"}) {
    text += ToJsonLine({{"prompt", question}, {"answer", "7"}}) + "\n";
  }
  options.problems.file = (folder.path() / "school.jsonl").string();
  options.problems.max_prompt_length = 10;
  WriteFileAtomic(options.problems.file, text);
  return options;
}

TYPED_TEST(SamplingStage, OverlongProblemsAreRefusedOrSkippedAndListed) {
  const TemporaryFolder folder;
  TypeParam options = WithALongQuestion(this->Small(), folder);
  const std::string refused = ErrorOf([&] { RunOf(options); });
  for (const char* part : {"1 of 7 problems", "'school.jsonl:3'", "17 tokens", "\"skip\""}) {
    EXPECT_NE(refused.find(part), std::string::npos) << refused;
  }
  options.problems.overlong = train::Overlong::kSkip;
  const StageRun run = RunOf(options);
  EXPECT_EQ(run.traces.size(), 12u);
  for (const Trace& trace : run.traces) EXPECT_NE(trace.problem.id, "school.jsonl:3");
  const Json& skipped = run.report.details["overlong"];
  EXPECT_EQ(skipped["skipped"], 1);
  EXPECT_EQ(skipped["first"][0]["id"], "school.jsonl:3");
  ASSERT_EQ(run.warnings.size(), 1u);
  EXPECT_NE(run.warnings[0].find("are skipped"), std::string::npos) << run.warnings[0];
}

TYPED_TEST(SamplingStage, WhatNobodyJudgedIsInNoMean) {
  TypeParam options = this->Small();
  options.reward = {{"code", 1, Json::object()}};  // there are no tests
  const StageRun run = RunOf(options);
  EXPECT_TRUE(run.report.details["accuracy"].is_null());
  EXPECT_EQ(run.report.details["unjudged"], 12);
  EXPECT_TRUE(std::isnan(run.Metric(0, "accuracy")));
  EXPECT_EQ(run.Metric(0, "completions/unjudged"), 12);
  ASSERT_EQ(run.warnings.size(), 1u);
  EXPECT_NE(run.warnings[0].find("'code' could judge none of 12"), std::string::npos);
}

TYPED_TEST(SamplingStage, AsksEachProblemAsOftenAsTold) {
  const TypeParam options = this->Small();
  const StageRun run = RunOf(options);
  const std::vector<Problem> problems = train::GetProblems(options.problems);
  ASSERT_EQ(run.traces.size(), 12u);
  for (size_t i = 0; i < run.traces.size(); ++i) {
    EXPECT_EQ(run.traces[i].problem.prompt, problems[i / 2].prompt);
    EXPECT_EQ(run.traces[i].trajectory.sample, static_cast<int64_t>(i % 2));
  }
  EXPECT_EQ(run.before, run.after);
  EXPECT_EQ(run.report.details["completions"], 12);
  int64_t tokens = 0, correct = 0;
  for (const Trace& trace : run.traces) {
    tokens += static_cast<int64_t>(trace.trajectory.completion.size());
    correct += trace.reward == 1;
  }
  EXPECT_EQ(run.report.tokens, tokens);
  EXPECT_DOUBLE_EQ(run.report.details["accuracy"], static_cast<double>(correct) / 12);
  EXPECT_DOUBLE_EQ(run.Metric(0, "accuracy"), static_cast<double>(correct) / 12);
  EXPECT_DOUBLE_EQ(run.Metric(0, "accuracy/addition"), static_cast<double>(correct) / 12);
}

TYPED_TEST(SamplingStage, JudgesByItsPanel) {
  TypeParam options = this->Small();
  options.reward = {{"math", 2, Json::object()},
                    {"format", 0.5, {{"allow_empty_think", true}, {"require_think", false}}}};
  const StageRun run = RunOf(options);
  double sum = 0;
  for (const Trace& trace : run.traces) {
    ASSERT_EQ(trace.verdicts.size(), 2u);
    EXPECT_EQ(trace.verdicts[1].verifier, "format");
    EXPECT_EQ(trace.reward,
              2 * trace.verdicts[0].verdict.score + 0.5 * trace.verdicts[1].verdict.score);
    sum += trace.reward.value();
  }
  EXPECT_GT(sum, 0);
}

TYPED_TEST(SamplingStage, CutsTheDistribution) {
  const auto tokens_with = [&](auto change) {
    TypeParam options = this->Small();
    change(options.sampling);
    return Tokens(RunOf(options));
  };
  const auto free = tokens_with([](auto&) {});
  const auto narrow = tokens_with([](auto& sampling) { sampling.top_k = 1; });
  EXPECT_NE(free, narrow);
  for (size_t i = 0; i < narrow.size(); i += 2) EXPECT_EQ(narrow[i], narrow[i + 1]);
  EXPECT_EQ(tokens_with([](auto& sampling) { sampling.top_p = 1e-6; }), narrow);
  EXPECT_EQ(tokens_with([](auto& sampling) { sampling.min_p = 1; }), narrow);
  EXPECT_NE(tokens_with([](auto& sampling) { sampling.repetition_penalty = 3; }), free);
  EXPECT_NE(tokens_with([](auto& sampling) { sampling.presence_penalty = 3; }), free);
  EXPECT_NE(tokens_with([](auto& sampling) { sampling.frequency_penalty = 3; }), free);
}

TYPED_TEST(SamplingStage, EndsCompletions) {
  TypeParam options = this->Small();
  options.sampling.max_completion_length = 3;
  for (const Trace& trace : RunOf(options).traces) {
    EXPECT_LE(trace.trajectory.completion.size(), 3u);
  }
  options = this->Small();
  options.sampling.stop = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  int64_t stopped = 0;
  for (const Trace& trace : RunOf(options).traces) {
    EXPECT_LE(std::ranges::count_if(trace.text, [](char c) { return c >= '0' && c <= '9'; }), 1);
    stopped += trace.trajectory.finish == FinishReason::kStopString;
  }
  EXPECT_GT(stopped, 0);
}

using Collect = SamplingStage<CollectOptions>;

TEST_F(Collect, StoresSoManyPromptsAtATime) {
  CollectOptions options = Small();
  const StageRun whole = RunOf(options);
  EXPECT_EQ(whole.steps.size(), 1u);
  options.prompts_per_step = 4;
  const StageRun run = RunOf(options);
  ASSERT_EQ(run.steps.size(), 2u);
  EXPECT_EQ(run.report.steps, 2);
  ASSERT_EQ(run.traces.size(), 12u);
  for (size_t i = 0; i < 12; ++i) EXPECT_EQ(run.traces[i].step, i < 8 ? 0 : 1);
  EXPECT_EQ(run.report.details["completions"], 12);
  EXPECT_GT(run.report.sampling_operations, 0);
}

TEST_F(Collect, SamplesAtItsTemperature) {
  CollectOptions options = Small();
  options.sampling.temperature = 0;
  const auto greedy = Tokens(RunOf(options));
  for (size_t i = 0; i < greedy.size(); i += 2) EXPECT_EQ(greedy[i], greedy[i + 1]);
  options.sampling.temperature = 1;
  EXPECT_NE(Tokens(RunOf(options)), greedy);
}

TEST_F(Collect, ARevisionStoresSecondTurnsOfWrongAnswers) {
  CollectOptions options = Small();
  options.prompts_per_step = 4;
  const StageRun without = RunOf(options);
  EXPECT_FALSE(without.report.details.contains("revision"));
  EXPECT_FALSE(without.HasMetric(0, "revision/count"));
  options.revision = true;
  std::vector<Trace> second;
  const StageRun run =
      RunStage({.config = testing::StageStudentConfig()}, [&](const train::StageContext& context) {
        const train::StageReport report = RunCollect(context, options);
        datasets::TraceFilter filter;
        filter.stage = "stage/revision";
        const datasets::TraceStore& store = context.store;
        store.ForEach(store.Select(filter), [&](const Trace& t) { second.push_back(t); });
        return report;
      });
  EXPECT_EQ(Tokens(run), Tokens(without));  // the first turns are as they were
  std::map<int64_t, size_t> per_step;
  size_t next = 0;
  for (const Trace& first : run.traces) {
    if (first.reward == 1) continue;
    ASSERT_LT(next, second.size());
    const Trace& trace = second[next++];
    ++per_step[trace.step];
    EXPECT_EQ(trace.step, first.step);
    EXPECT_EQ(trace.problem.prompt, first.problem.prompt);
    EXPECT_EQ(trace.trajectory.prompt, first.trajectory.prompt);
    const std::vector<int32_t>& said = first.trajectory.completion;
    ASSERT_GT(trace.trajectory.last_turn(), said.size());
    EXPECT_TRUE(
        std::ranges::equal(said, std::span(trace.trajectory.completion).first(said.size())));
  }
  EXPECT_EQ(next, second.size());
  ASSERT_GT(next, 0u);
  for (size_t step = 0; step < 2; ++step) {
    EXPECT_EQ(run.Metric(step, "revision/count"), per_step[static_cast<int64_t>(step)]);
    EXPECT_EQ(run.Metric(step, "revision/too_long"), 0);
    EXPECT_EQ(run.Metric(step, "accuracy"), without.Metric(step, "accuracy"));
  }
  EXPECT_EQ(run.report.details["revision"]["completions"], next);
  EXPECT_EQ(run.report.details["accuracy"], without.report.details["accuracy"]);
  EXPECT_GT(run.report.tokens, without.report.tokens);
  EXPECT_GT(run.report.sampling_operations, without.report.sampling_operations);
}

class RevisionRun : public RunFixture {};

// A run that is killed inside a revised collection and resumed ends in the same bits; its student
// learns from the conversations.
TEST_F(RevisionRun, ResumesToTheSameBits) {
  Json recipe = SmallRecipe();
  for (Json& stage : recipe["stages"]) {
    if (stage["name"] == "collect") stage["revision"] = true;
    if (stage["name"] == "distill") {
      stage["select"] = {{"stage", "collect/revision"}};
      stage["turns"] = "all";
    }
  }
  const fs::path whole = folder_ / "whole", cut = folder_ / "cut";
  RunWhole(recipe, whole, {});
  How how;
  how.watch = [](RunEvents& events) {
    auto collecting = std::make_shared<bool>(false);
    events.stage_started = [=](size_t, size_t, const Stage& stage) {
      *collecting = stage.type->type == "collect";
    };
    events.progress = [=](int64_t done, int64_t, const train::Metrics&) {
      if (*collecting && done == 1) ::raise(SIGKILL);
    };
  };
  EXPECT_TRUE(RunChild(recipe, cut, how).killed);
  const ChildEnd end = GoOn(recipe, cut, {});
  EXPECT_EQ(end.code, 0) << end.message;
  ExpectSame(cut, whole, "resumed");
}

using Eval = SamplingStage<EvalOptions>;

TEST_F(Eval, MeasuresAtEveryTemperature) {
  EvalOptions options = Small();
  options.temperatures = {0, 1, 50};
  const StageRun run = RunOf(options);
  ASSERT_EQ(run.steps.size(), 3u);
  const Json& rows = run.report.details["temperatures"];
  ASSERT_EQ(rows.size(), 3u);
  std::map<int64_t, int64_t> counts;
  std::map<int64_t, double> logprob;
  for (const Trace& trace : run.traces) {
    ++counts[trace.step];
    for (const float value : trace.trajectory.logprobs) logprob[trace.step] += value;
  }
  for (size_t step = 0; step < 3; ++step) {
    EXPECT_EQ(run.Metric(step, "temperature"), options.temperatures[step]);
    EXPECT_EQ(rows[step]["temperature"], options.temperatures[step]);
    // Greedy decoding has one answer.
    EXPECT_EQ(counts[static_cast<int64_t>(step)], step == 0 ? 6 : 12);
    EXPECT_EQ(rows[step]["completions"], step == 0 ? 6 : 12);
    EXPECT_EQ(rows[step]["families"]["addition"]["completions"], step == 0 ? 6 : 12);
  }
  EXPECT_LT(logprob[2], 2 * logprob[1]);  // at 50 all tokens are nearly as likely
  EXPECT_EQ(run.report.details["problems"], 6);
  EXPECT_EQ(run.report.details["completions"], 6);  // of the first temperature
  EXPECT_EQ(run.report.details["accuracy"], rows[0]["accuracy"]);
  EXPECT_EQ(EvalOptions().problems.split, datasets::Split::kHeldOut);
}

TEST_F(Eval, ReportsTheLossOfWorkedSolutionsWhenAsked) {
  EvalOptions options = Small();
  const model::ModelConfig config = testing::StagePolicyConfig();
  const StageRun without = RunOf(options, config);
  EXPECT_EQ(without.steps.size(), 1u);
  EXPECT_FALSE(without.report.details.contains("validation/loss"));
  options.validation_loss = true;
  double loss = 0;
  const StageRun run = RunStage({.config = config}, [&](const train::StageContext& context) {
    std::vector<train::LearnGroup> groups;
    for (const Problem& problem : train::GetProblems(options.problems)) {
      groups.push_back(
          train::WorkedGroup(context.tokenizer, context.prompt_template, problem, true));
    }
    loss = train::Validate(context.model, context.compute, groups, 100).loss;
    return RunEval(context, options);
  });
  ASSERT_EQ(run.steps.size(), 2u);
  EXPECT_GT(loss, 0);
  EXPECT_NEAR(run.Metric(1, "validation/loss"), loss, 1e-6 * loss);
  EXPECT_EQ(run.report.details["validation/loss"], run.Metric(1, "validation/loss"));
  EXPECT_EQ(run.report.details["moe/max_violation"], run.Metric(1, "moe/max_violation"));
  EXPECT_EQ(run.before, run.after);
  EXPECT_EQ(Tokens(run), Tokens(without));
}

class StartFrom : public RunFixture {
 protected:
  /// "b" is written after "a" has learned; both have a start of their own.
  static Json TwoModels() {
    return ParseJson(R"({
      "name": "two",
      "models": {
        "a": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1},
        "b": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1}},
      "stages": [
        {"name": "learn", "type": "sft", "model": "a", "steps": 2, "batch_size": 2,
         "warmup_steps": 0, "problems": {"generator": {"families": ["addition:1"], "count": 8}}},
        {"name": "a", "type": "export", "model": "a", "path": "a"},
        {"name": "b", "type": "export", "model": "b", "path": "b"}]})",
                     "two");
  }
};

TEST_F(StartFrom, CopiesTheWeightsOfAnotherModelAsTheyAreThen) {
  Json recipe = TwoModels();
  const fs::path without = folder_ / "without", with = folder_ / "with";
  RunWhole(recipe, without, {});
  EXPECT_NE(ReadFile(without / "a" / "model.safetensors"),
            ReadFile(without / "b" / "model.safetensors"));
  recipe["stages"][2]["start_from"] = "a";
  RunWhole(recipe, with, {});
  EXPECT_EQ(ReadFile(with / "b" / "model.safetensors"),
            ReadFile(without / "a" / "model.safetensors"));
}

TEST_F(StartFrom, AnUnknownModelIsRefused) {
  Json recipe = TwoModels();
  recipe["stages"][2]["start_from"] = "c";
  try {
    ReadRecipe(recipe, "two");
    FAIL() << "no error";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("stages[2].start_from: 'c'"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace retort::recipes::stages_test
