#include "recipes/stages.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/folder.h"
#include "base/stopwatch.h"
#include "model/cost.h"
#include "train/evaluation.h"
#include "train/revision.h"

namespace retort::recipes {
namespace {

constexpr int64_t kValidationTokens = 8192;  // computed at a time
constexpr int64_t kPartProblems = 256;       // of an evaluation, stored at a time

Json ToJson(const train::Accuracy& accuracy) {
  return {{"accuracy", train::NumberOrNull(accuracy.accuracy())},
          {"unjudged", accuracy.unjudged},
          {"reasoning_share", accuracy.reasoning_share()},
          {"reasoning_accuracy", train::NumberOrNull(accuracy.reasoning_accuracy())},
          {"direct_accuracy", train::NumberOrNull(accuracy.direct_accuracy())},
          {"mean_completion_length", accuracy.mean_length()},
          {"completions", accuracy.count}};
}

train::Metrics ToMetrics(const train::AccuracyTable& table) {
  train::Metrics metrics{{"accuracy", table.all.accuracy()},
                         {"reasoning/share", table.all.reasoning_share()},
                         {"reasoning/accuracy", table.all.reasoning_accuracy()},
                         {"reasoning/direct_accuracy", table.all.direct_accuracy()},
                         {"completions/unjudged", static_cast<double>(table.all.unjudged)},
                         {"unjudged_share", table.all.unjudged_share()},
                         {"completions/mean_length", table.all.mean_length()},
                         {"completions/clipped_ratio",
                          1 - train::Accuracy::Share(table.all.finished, table.all.count)}};
  for (const auto& [family, accuracy] : table.families) {
    metrics.emplace_back("accuracy/" + family, accuracy.accuracy());
  }
  return metrics;
}

// The last value of a metric that the stage has logged, 0 before the first.
double LastMetric(const train::StageContext& context, const char* name) {
  double last = 0;
  for (const auto& point : context.recorder.store().Metric(context.recorder.run(), name)) {
    if (point.stage_index == context.stage_index) last = point.value;
  }
  return last;
}

}  // namespace

train::StageReport RunCollect(const train::StageContext& context, const CollectOptions& options) {
  Json about = Json::object();
  const std::vector<Problem> problems =
      train::ProblemsOf(context, options.problems, options.sampling.max_completion_length, about);
  const train::RewardPanel panel(options.reward, context.name + ".reward");
  const auto count = static_cast<int64_t>(problems.size());
  const int64_t steps = (count + options.prompts_per_step - 1) / options.prompts_per_step;
  const double active = static_cast<double>(model::CountParameters(context.model.config()).active);
  train::JudgeWarnings warnings(context, panel);
  train::StageReport report;
  train::AccuracyTable table, revised;
  const auto count_tokens = [&](const rollout::EngineStats& stats) {
    report.tokens += stats.decoded_tokens;
    report.sampling_operations +=
        2 * active * static_cast<double>(stats.decoded_tokens + stats.prompt_tokens);
  };
  // What was collected before an interruption counts as if there had been none.
  for (int64_t step = 0; step < context.first_step; ++step) {
    for (const Trace& trace : context.recorder.store().TracesOf(context.Key(step))) {
      (trace.stage == train::RevisionStage(context.name) ? revised : table).Add(trace);
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
    train::SampleJob job{.problems = &problems,
                         .chosen = {},
                         .samples = options.samples,
                         .sampling = options.sampling,
                         .seed = context.seed,
                         .purpose = context.Purpose("sample"),
                         .step = step};
    const int64_t begin = step * options.prompts_per_step;
    job.chosen.resize(static_cast<size_t>(std::min(options.prompts_per_step, count - begin)));
    std::iota(job.chosen.begin(), job.chosen.end(), begin);
    const train::SampleContext sampling = train::SamplingOf(context, panel);
    const train::SampleResult result = train::SampleProblems(sampling, job);
    train::AccuracyTable own;
    own.Add(result);
    table.Add(result);
    warnings.Look(step, result.traces);
    count_tokens(result.stats);
    train::Metrics metrics = ToMetrics(own);
    train::AddOutcomes(result.traces, metrics);
    std::vector<Trace> traces = result.traces;
    if (options.revision) {
      const train::RevisionResult revision = train::Revise(sampling, job, result, context.name);
      train::AccuracyTable second;
      second.Add(revision.second);
      revised.Add(revision.second);
      count_tokens(revision.second.stats);
      metrics.emplace_back("revision/count", second.all.count);
      metrics.emplace_back("revision/too_long", revision.too_long);
      metrics.emplace_back("revision/accuracy", second.all.accuracy());
      const std::vector<Trace>& more = revision.second.traces;
      traces.insert(traces.end(), more.begin(), more.end());
    }
    metrics.emplace_back("num_tokens", static_cast<double>(report.tokens));
    metrics.emplace_back("sampling_operations", report.sampling_operations);
    metrics.emplace_back("step_time", watch.seconds());
    context.recorder.Step({context.Key(step), context.name, metrics, std::move(traces)});
    context.Report(step + 1, steps, metrics);
  }
  report.steps = steps;
  report.details = ToJson(table.all);
  report.details.update(about);
  if (options.revision) report.details["revision"] = ToJson(revised.all);
  return report;
}

namespace {

// Samples what is missing of one temperature, part by part: each is stored before the next, the
// last one with the metrics. `traces` holds what was stored before and gets the rest. False when
// asked to stop.
bool EvaluateStep(const train::StageContext& context, const EvalOptions& options, int64_t step,
                  const std::vector<Problem>& problems, const train::RewardPanel& panel,
                  std::vector<Trace>& traces) {
  const double temperature = options.temperatures[static_cast<size_t>(step)];
  const int64_t samples = temperature > 0 ? options.samples : 1;
  const auto count = static_cast<int64_t>(problems.size());
  for (auto begin = static_cast<int64_t>(traces.size()) / samples; begin < count;) {
    if (context.Stopping()) return false;
    const Stopwatch watch;
    train::SampleJob job{.problems = &problems,
                         .chosen = {},
                         .samples = samples,
                         .sampling = options.sampling,
                         .seed = context.seed,
                         .purpose = context.Purpose("sample"),
                         .step = step};
    job.sampling.temperature = temperature;
    job.chosen.resize(static_cast<size_t>(std::min(kPartProblems, count - begin)));
    std::iota(job.chosen.begin(), job.chosen.end(), begin);
    train::SampleResult result = train::SampleProblems(train::SamplingOf(context, panel), job);
    begin += static_cast<int64_t>(job.chosen.size());
    std::ranges::move(result.traces, std::back_inserter(traces));
    datasets::StepRecord part{context.Key(step),
                              context.name,
                              {},
                              {traces.end() - std::ssize(result.traces), traces.end()}};
    if (begin < count) {
      context.recorder.store().AppendPart(part);
      continue;
    }
    train::AccuracyTable table;
    for (const Trace& trace : traces) table.Add(trace);
    part.metrics = ToMetrics(table);
    part.metrics.emplace_back("temperature", temperature);
    part.metrics.emplace_back("step_time", watch.seconds());
    train::AddOutcomes(traces, part.metrics);
    context.recorder.Step(part);
    context.Report(step + 1, std::ssize(options.temperatures), part.metrics);
  }
  return true;
}

}  // namespace

train::StageReport RunEval(const train::StageContext& context, const EvalOptions& options) {
  Json about = Json::object();
  const std::vector<Problem> problems =
      train::ProblemsOf(context, options.problems, options.sampling.max_completion_length, about);
  const train::RewardPanel panel(options.reward, context.name + ".reward");
  train::JudgeWarnings warnings(context, panel);
  train::StageReport report;
  Json by_temperature = Json::array();
  const auto steps = static_cast<int64_t>(options.temperatures.size());
  for (int64_t step = 0; step < steps; ++step) {
    std::vector<Trace> traces = context.recorder.store().TracesOf(context.Key(step));
    if (!EvaluateStep(context, options, step, problems, panel, traces)) {
      report.interrupted = true;
      return report;
    }
    train::AccuracyTable table;
    for (const Trace& trace : traces) table.Add(trace);
    report.tokens += table.all.tokens;
    Json row = {{"temperature", options.temperatures[static_cast<size_t>(step)]}};
    warnings.Look(step, traces);
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
    std::vector<train::LearnGroup> groups;
    for (const Problem& problem : problems) {
      groups.push_back(train::WorkedGroup(context.tokenizer, context.prompt_template, problem,
                                          /*reasons=*/true));
    }
    const train::ValidationScore score =
        train::Validate(context.model, context.compute, groups, kValidationTokens);
    train::Metrics metrics{{"validation/loss", score.loss}};
    train::AddMaxViolation(score.max_violation, metrics);
    if (context.first_step <= steps) {
      context.recorder.Step({context.Key(steps), context.name, metrics, {}});
    }
    for (const auto& [name, value] : metrics) report.details[name] = value;
  }
  report.steps = steps;
  report.details["temperatures"] = std::move(by_temperature);
  report.details.update(about);
  return report;
}

model::GenerationConfig GenerationOf(const model::Tokenizer& tokenizer) {
  model::GenerationConfig generation;
  for (const int32_t id : model::StopIds(tokenizer)) generation.eos_token_id.push_back(id);
  return generation;
}

void WriteModelFolder(model::LanguageModel& model, const model::Tokenizer& tokenizer,
                      model::PromptTemplate prompt_template, const ModelFolder& folder) {
  AtomicFolder directory(folder.path, folder.owner, folder.details);
  model::SavePretrained(model, tokenizer, GenerationOf(tokenizer), prompt_template,
                        directory.temporary());
  directory.Commit();
}

train::StageReport RunExport(const train::StageContext& context, const ExportOptions& options,
                             const std::filesystem::path& out) {
  const std::filesystem::path folder = out / options.path;
  WriteModelFolder(context.model, context.tokenizer, context.prompt_template,
                   {folder, context.owner, {{"kind", "export"}, {"stage", context.name}}});
  train::StageReport report;
  report.details["path"] = std::filesystem::absolute(folder).lexically_normal().string();
  return report;
}

}  // namespace retort::recipes
