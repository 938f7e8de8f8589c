#include "train/stage_collect.h"

#include <algorithm>
#include <iterator>

#include "base/stopwatch.h"
#include "model/cost.h"
#include "train/accuracy.h"
#include "train/evaluation.h"
#include "train/revision.h"

namespace retort::train {
namespace {

// The last value of a metric that the stage has logged, 0 before the first.
double LastMetric(const StageContext& context, const char* name) {
  double last = 0;
  for (const auto& point : context.store.Metric(context.run, name)) {
    if (point.stage_index == context.stage_index) last = point.value;
  }
  return last;
}

}  // namespace

StageReport RunCollect(const StageContext& context, const CollectOptions& options) {
  Json about = Json::object();
  const std::vector<Problem> problems =
      ProblemsOf(context, options.problems, options.sampling.max_completion_length, about);
  const RewardPanel panel = context.Panel(options.reward);
  const auto count = static_cast<int64_t>(problems.size());
  const int64_t steps = (count + options.prompts_per_step - 1) / options.prompts_per_step;
  const double active = static_cast<double>(model::CountParameters(context.model.config()).active);
  JudgeWarnings warnings(context, panel);
  StageReport report;
  AccuracyTable table, revised;
  const auto count_tokens = [&](const rollout::EngineStats& stats) {
    report.tokens += stats.decoded_tokens;
    report.sampling_operations +=
        2 * active * static_cast<double>(stats.decoded_tokens + stats.prompt_tokens);
  };
  // What was collected before an interruption counts as if there had been none.
  for (int64_t step = 0; step < context.first_step; ++step) {
    for (const Trace& trace : context.store.TracesOf(context.Key(step))) {
      (trace.stage == RevisionStage(context.name) ? revised : table).Add(trace);
    }
  }
  report.tokens = static_cast<int64_t>(LastMetric(context, "num_tokens"));
  report.sampling_operations = LastMetric(context, "sampling_operations");
  for (int64_t step = context.first_step; step < steps; ++step) {
    if (context.Stopping()) {
      report.interrupted = true;
      return report;
    }
    const Stopwatch watch;
    const int64_t begin = step * options.prompts_per_step;
    SampleJob job{.problems = &problems,
                  .chosen = Indices(begin, std::min(begin + options.prompts_per_step, count)),
                  .samples = options.samples,
                  .sampling = options.sampling,
                  .seed = context.seed,
                  .purpose = context.Purpose("sample"),
                  .step = step};
    const SampleContext sampling = SamplingOf(context, panel);
    SampleResult result = SampleProblems(sampling, job);
    AccuracyTable own;
    own.Add(result.samples, problems);
    table.Add(result.samples, problems);
    warnings.Look(step, result.samples);
    count_tokens(result.stats);
    Metrics metrics;
    AddAccuracy(own, metrics);
    AddOutcomes(result.samples, metrics);
    if (options.revision) {
      RevisionResult revision = Revise(sampling, job, result, context.name);
      AccuracyTable second;
      second.Add(revision.second.samples, problems);
      revised.Add(revision.second.samples, problems);
      count_tokens(revision.second.stats);
      metrics.emplace_back("revision/count", second.all.count);
      metrics.emplace_back("revision/too_long", revision.too_long);
      metrics.emplace_back("revision/accuracy", second.all.accuracy());
      std::ranges::move(revision.second.samples, std::back_inserter(result.samples));
    }
    metrics.emplace_back("num_tokens", static_cast<double>(report.tokens));
    metrics.emplace_back("sampling_operations", report.sampling_operations);
    metrics.emplace_back("step_time", watch.seconds());
    context.recorder.Step({context.Key(step), context.name, metrics, result.samples, problems});
    context.Report(step + 1, steps, metrics);
  }
  report.steps = steps;
  report.details = ToJson(table.all);
  report.details.update(about);
  if (options.revision) report.details["revision"] = ToJson(revised.all);
  return report;
}

StageNeeds CollectOptions::Needs() const {
  return {.problems = {{.role = ProblemsNeeded::Role::kCollect,
                        .key = "problems",
                        .options = &problems,
                        .completion = sampling.max_completion_length,
                        .judges = &reward}},
          .stores_traces = true,
          .second_turns = revision};
}

const StageKind& CollectKind() {
  static const StageKind kind = MakeStageKind<RunCollect>(
      "collect", "Samples, judges and stores; trains nothing.", false, CollectOptions());
  return kind;
}

}  // namespace retort::train
