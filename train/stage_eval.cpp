#include "train/stage_eval.h"

#include <algorithm>
#include <iterator>

#include "base/stopwatch.h"
#include "train/accuracy.h"
#include "train/evaluation.h"

namespace retort::train {
namespace {

constexpr int64_t kValidationTokens = 8192;  // computed at a time
constexpr int64_t kPartProblems = 256;       // of an evaluation, stored at a time

int64_t SamplesPerProblem(const EvalOptions& options, int64_t step) {
  return options.temperatures[static_cast<size_t>(step)] > 0 ? options.samples : 1;
}

// What an interrupted evaluation stored of a temperature: the first problems, in order.
std::vector<Sample> StoredSamples(const StageContext& context, const EvalOptions& options,
                                  int64_t step, const std::vector<Problem>& problems) {
  std::vector<Sample> samples;
  for (Trace& trace : context.store.TracesOf(context.Key(step))) {
    const int64_t index = std::ssize(samples) / SamplesPerProblem(options, step);
    RETORT_CHECK(index < std::ssize(problems) &&
                     trace.problem.prompt == problems[static_cast<size_t>(index)].prompt,
                 "stage '", context.name, "': the stored trace ", trace.id,
                 " is no answer to problem ", index,
                 " of those that the stage asks. Begin anew in another --out");
    samples.emplace_back(std::move(trace)).problem_index = index;
  }
  return samples;
}

// Samples what is missing of one temperature, part by part: each is stored before the next, the
// last one with the metrics. `all` holds what was stored before and gets the rest. False when asked
// to stop.
bool EvaluateStep(const StageContext& context, const EvalOptions& options, int64_t step,
                  const std::vector<Problem>& problems, const RewardPanel& panel,
                  std::vector<Sample>& all) {
  const double temperature = options.temperatures[static_cast<size_t>(step)];
  const int64_t samples = SamplesPerProblem(options, step);
  const auto count = static_cast<int64_t>(problems.size());
  const Stopwatch watch;
  for (auto begin = std::ssize(all) / samples; begin < count;) {
    if (context.Stopping()) return false;
    const int64_t end = std::min(begin + kPartProblems, count);
    SampleJob job{.problems = &problems,
                  .chosen = Indices(begin, end),
                  .samples = samples,
                  .sampling = options.sampling,
                  .seed = context.seed,
                  .purpose = context.Purpose("sample"),
                  .step = step};
    job.sampling.temperature = temperature;
    SampleResult result = SampleProblems(SamplingOf(context, panel), job);
    begin = end;
    const auto fresh = std::ssize(result.samples);
    std::ranges::move(result.samples, std::back_inserter(all));
    datasets::StepRecord part{.key = context.Key(step),
                              .stage = context.name,
                              .metrics = {},
                              .samples = std::span(all).last(static_cast<size_t>(fresh)),
                              .problems = problems};
    if (begin < count) {
      context.store.AppendPart(part);
      continue;
    }
    AccuracyTable table;
    table.Add(all, problems);
    AddAccuracy(table, part.metrics);
    part.metrics.emplace_back("temperature", temperature);
    part.metrics.emplace_back("step_time", watch.seconds());
    AddOutcomes(all, part.metrics);
    context.recorder.Step(part);
    context.Report(step + 1, std::ssize(options.temperatures), part.metrics);
  }
  return true;
}

}  // namespace

StageReport RunEval(const StageContext& context, const EvalOptions& options) {
  Json about = Json::object();
  const std::vector<Problem> problems =
      ProblemsOf(context, options.problems, options.sampling.max_completion_length, about);
  const RewardPanel panel = context.Panel(options.reward);
  JudgeWarnings warnings(context, panel);
  StageReport report;
  Json by_temperature = Json::array();
  const auto steps = static_cast<int64_t>(options.temperatures.size());
  for (int64_t step = 0; step < steps; ++step) {
    std::vector<Sample> samples = StoredSamples(context, options, step, problems);
    if (!EvaluateStep(context, options, step, problems, panel, samples)) {
      report.interrupted = true;
      return report;
    }
    AccuracyTable table;
    table.Add(samples, problems);
    report.tokens += table.all.tokens;
    Json row = {{"temperature", options.temperatures[static_cast<size_t>(step)]}};
    warnings.Look(step, samples);
    row.update(ToJson(table.all));
    for (const auto& [family, accuracy] : table.families) {
      row["families"][family] = ToJson(accuracy);
    }
    if (step == 0) {
      report.details = ToJson(table.all);
      report.details["problems"] = problems.size();
    }
    by_temperature.push_back(std::move(row));
  }
  if (options.validation_loss) {
    std::vector<LearnGroup> groups;
    for (const Problem& problem : problems) {
      groups.push_back(WorkedGroup(context.tokenizer, context.prompt_template, problem,
                                   /*reasons=*/true));
    }
    const ValidationScore score =
        Validate(context.model, context.compute, groups, kValidationTokens);
    Metrics metrics{{"validation/loss", score.loss}};
    AddMaxViolation(score.max_violation, metrics);
    if (context.first_step <= steps) {
      context.recorder.Step({context.Key(steps), context.name, metrics});
    }
    for (const auto& [name, value] : metrics) report.details[name] = value;
  }
  report.steps = steps;
  report.details["temperatures"] = std::move(by_temperature);
  report.details.update(about);
  return report;
}

StageNeeds EvalOptions::Needs() const {
  return {.problems = {{.role = ProblemsNeeded::Role::kMeasure,
                        .key = "problems",
                        .options = &problems,
                        .completion = sampling.max_completion_length,
                        .judges = &reward}},
          .stores_traces = true};
}

void EvalOptions::Validate(const std::string& where) const {
  RETORT_CHECK(!temperatures.empty() || validation_loss, where,
               ".temperatures: expected at least one, or validation_loss");
}

const StageKind& EvalKind() {
  static const StageKind kind = MakeStageKind<RunEval>(
      "eval", "Measures accuracy; the accuracy of the stage is that at the first temperature.",
      false, EvalOptions());
  return kind;
}

}  // namespace retort::train
