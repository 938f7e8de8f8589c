#include "train/revision.h"

#include <algorithm>
#include <limits>

#include "train/problems.h"

namespace retort::train {
namespace {

constexpr std::string_view kSuffix = "/revision";
constexpr const char* kAgain = " Try again, with another answer.";

}  // namespace

std::string RevisionStage(const std::string& stage) { return StrCat(stage, kSuffix); }

LearnGroup LastTurnOf(const Trace& trace) {
  const Trajectory& t = trace.trajectory;
  const auto answer = t.completion.begin() + static_cast<std::ptrdiff_t>(t.last_turn());
  LearnGroup group{t.prompt, {{answer, t.completion.end()}}};
  group.prompt.insert(group.prompt.end(), t.completion.begin(), answer);
  return group;
}

LearnGroup ConversationOf(const StageContext& context, const Trace& trace) {
  const Trajectory& t = trace.trajectory;
  LearnGroup group{t.prompt, {t.completion}};
  if (t.said.empty()) return group;
  std::vector<int32_t>& learned = group.completions[0];
  const std::vector<int32_t> turn = model::RenderNextTurn(
      context.tokenizer, context.prompt_template, LastTurnOf(trace).completions[0], trace.feedback);
  const size_t needed = group.prompt.size() + learned.size() + turn.size() - 1;
  if (static_cast<int64_t>(needed) <= Positions(context.model.config())) {
    learned.insert(learned.end(), turn.begin(), turn.end());
  }
  return group;
}

namespace {

// The first turn and what was said to it, before the second turn.
void Prepend(const Trajectory& first, size_t reply, Trajectory& second) {
  const std::vector<int32_t> context = std::move(second.prompt);
  second.prompt = first.prompt;
  const auto said = context.begin() + std::ssize(first.prompt);
  second.said.assign(context.size() - first.prompt.size() + second.completion.size(), 1);
  std::fill_n(second.said.begin() + std::ssize(first.completion), reply, 0);
  second.completion.insert(second.completion.begin(), said, context.end());
  std::vector<float> logprobs = first.logprobs;
  logprobs.resize(logprobs.size() + reply, std::numeric_limits<float>::quiet_NaN());
  second.logprobs.insert(second.logprobs.begin(), logprobs.begin(), logprobs.end());
}

}  // namespace

RevisionResult Revise(const SampleContext& context, const SampleJob& job, const SampleResult& first,
                      const std::string& stage) {
  RevisionResult result;
  std::vector<std::vector<int32_t>> prompts;
  std::vector<size_t> replies;  // tokens that the user says
  SampleJob again = job;
  again.chosen.clear();
  for (size_t slot = 0; slot < first.samples.size(); ++slot) {
    const Sample& sample = first.samples[slot];
    if (Correct(sample.verdicts).value_or(true)) continue;  // right, or nobody knows
    const Trajectory& t = sample.trajectory;
    const Problem& problem = (*job.problems)[static_cast<size_t>(sample.problem_index)];
    const std::string feedback = context.panel.Feedback(problem, sample.verdicts) + kAgain;
    std::vector<int32_t> prompt = t.prompt;
    prompt.insert(prompt.end(), t.completion.begin(), t.completion.end());
    const std::vector<int32_t> turn =
        model::RenderNextTurn(context.tokenizer, context.prompt_template, t.completion, feedback);
    prompt.insert(prompt.end(), turn.begin(), turn.end());
    // As the rollout counts: the last token needs no position.
    if (static_cast<int64_t>(prompt.size()) + job.sampling.max_completion_length - 1 >
        Positions(context.weights->network().config())) {
      ++result.too_long;
      continue;
    }
    prompts.push_back(std::move(prompt));
    replies.push_back(turn.size());
    again.chosen.push_back(sample.problem_index);
    again.names.push_back(static_cast<int64_t>(slot));
  }
  again.prompts = &prompts;
  again.samples = 1;
  again.purpose = job.purpose + "/revision";
  result.second = SampleProblems(context, again);
  for (size_t i = 0; i < result.second.samples.size(); ++i) {
    Sample& second = result.second.samples[i];
    const Trajectory& t = first.samples[static_cast<size_t>(again.names[i])].trajectory;
    second.stage = RevisionStage(stage);
    second.trajectory.sample = t.sample;
    second.feedback = context.panel.Feedback(
        (*job.problems)[static_cast<size_t>(second.problem_index)], second.verdicts);
    Prepend(t, replies[i], second.trajectory);
  }
  return result;
}

}  // namespace retort::train
