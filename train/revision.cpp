#include "train/revision.h"

#include "train/problems.h"

namespace retort::train {
namespace {

constexpr std::string_view kSuffix = "/revision";
constexpr const char* kAgain = " Try again, with another answer.";

}  // namespace

std::string RevisionStage(const std::string& stage) { return StrCat(stage, kSuffix); }

LearnGroup ConversationOf(const StageContext& context, const Trace& trace) {
  const Trajectory& t = trace.trajectory;
  LearnGroup group{t.prompt, {t.completion}};
  if (!trace.stage.ends_with(kSuffix)) return group;
  const Json& extra = trace.problem.extra;
  const Json revision = extra.is_object() ? extra.value("revision", Json()) : Json();
  const Json tokens = revision.is_object() ? revision.value("prompt_tokens", Json()) : Json();
  const auto question = tokens.is_number_integer() ? tokens.get<int64_t>() : 0;
  RETORT_CHECK(question > 0 && question < static_cast<int64_t>(t.prompt.size()), context.name,
               ": trace ", trace.id, " of stage '", trace.stage,
               "' does not say in extra.revision.prompt_tokens where its question ends");
  std::vector<int32_t>& learned = group.completions[0];
  learned.insert(learned.begin(), t.prompt.begin() + question, t.prompt.end());
  group.prompt.resize(static_cast<size_t>(question));
  const std::vector<int32_t> turn =
      model::RenderNextTurn(context.tokenizer, context.prompt_template, t.completion,
                            revision.value("feedback", std::string()));
  const size_t needed = group.prompt.size() + learned.size() + turn.size() - 1;
  if (static_cast<int64_t>(needed) <= Positions(context.model.config())) {
    learned.insert(learned.end(), turn.begin(), turn.end());
  }
  return group;
}

RevisionResult Revise(const SampleContext& context, const SampleJob& job, const SampleResult& first,
                      const std::string& stage) {
  RevisionResult result;
  std::vector<Problem> problems(first.traces.size());
  std::vector<std::vector<int32_t>> prompts;
  SampleJob again = job;
  again.chosen.clear();
  for (size_t slot = 0; slot < first.traces.size(); ++slot) {
    const Judgement& judgement = first.judgements[slot];
    if (judgement.correct.value_or(true)) continue;  // right, or nobody knows
    const Trace& trace = first.traces[slot];
    const Trajectory& t = trace.trajectory;
    const std::string feedback = context.panel.Feedback(trace.problem, judgement.verdicts) + kAgain;
    std::vector<int32_t> prompt = t.prompt;
    prompt.insert(prompt.end(), t.completion.begin(), t.completion.end());
    const std::vector<int32_t> turn =
        model::RenderNextTurn(context.tokenizer, context.prompt_template, t.completion, feedback);
    prompt.insert(prompt.end(), turn.begin(), turn.end());
    // As the rollout counts: the last token needs no position.
    if (static_cast<int64_t>(prompt.size()) + job.sampling.max_completion_length - 1 >
        Positions(context.model.config())) {
      ++result.too_long;
      continue;
    }
    problems[slot] = trace.problem;
    problems[slot].extra["revision"] = {{"prompt_tokens", t.prompt.size()}};
    prompts.push_back(std::move(prompt));
    again.chosen.push_back(static_cast<int64_t>(slot));
  }
  again.problems = &problems;
  again.prompts = &prompts;
  again.samples = 1;
  again.purpose = job.purpose + "/revision";
  result.second = SampleProblems(context, again);
  for (size_t i = 0; i < result.second.traces.size(); ++i) {
    Trace& trace = result.second.traces[i];
    const auto slot = static_cast<size_t>(again.chosen[i]);
    trace.stage = RevisionStage(stage);
    trace.trajectory.sample = first.traces[slot].trajectory.sample;
    trace.problem.extra["revision"]["feedback"] =
        context.panel.Feedback(trace.problem, trace.verdicts);
  }
  return result;
}

}  // namespace retort::train
