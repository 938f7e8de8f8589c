#include "recipes/stages.h"

#include <numeric>

#include "base/file.h"
#include "model/cost.h"
#include "train/evaluation.h"
#include "train/revision.h"

namespace retort::recipes {
namespace {

constexpr int64_t kValidationTokens = 8192;  // computed at a time

Json ToJson(const train::Accuracy& accuracy) {
  return {{"accuracy", train::NumberOrNull(accuracy.accuracy())},
          {"unjudged", accuracy.unjudged},
          {"reasoning_share", accuracy.reasoning_share()},
          {"reasoning_accuracy", train::NumberOrNull(accuracy.reasoning_accuracy())},
          {"direct_accuracy", train::NumberOrNull(accuracy.direct_accuracy())},
          {"mean_completion_length", accuracy.mean_length()},
          {"completions", accuracy.count}};
}

// What a run that was interrupted stored of a step, second turns apart.
struct StoredTurns {
  std::vector<Trace> first, second;
};

StoredTurns StoredTurnsOf(const train::StageContext& context, int64_t step) {
  StoredTurns turns;
  for (Trace& trace : context.StoredTraces(step)) {
    const bool second = trace.stage == train::RevisionStage(context.name);
    (second ? turns.second : turns.first).push_back(std::move(trace));
  }
  return turns;
}

train::Metrics ToMetrics(const train::AccuracyTable& table) {
  train::Metrics metrics{{"accuracy", table.all.accuracy()},
                         {"reasoning/share", table.all.reasoning_share()},
                         {"reasoning/accuracy", table.all.reasoning_accuracy()},
                         {"reasoning/direct_accuracy", table.all.direct_accuracy()},
                         {"completions/unjudged", static_cast<double>(table.all.unjudged)},
                         {"completions/mean_length", table.all.mean_length()},
                         {"completions/clipped_ratio",
                          1 - train::Accuracy::Share(table.all.finished, table.all.count)}};
  for (const auto& [family, accuracy] : table.families) {
    metrics.emplace_back("accuracy/" + family, accuracy.accuracy());
  }
  return metrics;
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
  for (int64_t step = context.first_step; step < steps; ++step) {
    if (context.Stopping()) {
      report.interrupted = true;
      return report;
    }
    const StoredTurns stored = StoredTurnsOf(context, step);
    train::SampleJob job{.problems = &problems,
                         .chosen = {},
                         .samples = options.samples,
                         .sampling = options.sampling,
                         .seed = context.seed,
                         .purpose = context.Purpose("sample"),
                         .step = step,
                         .replay = &stored.first};
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
      job.replay = &stored.second;
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
    context.recorder.Step({context.Key(step), context.name, metrics, std::move(traces)});
    context.Report(step + 1, steps, metrics);
  }
  report.steps = steps;
  report.details = ToJson(table.all);
  report.details.update(about);
  if (options.revision) report.details["revision"] = ToJson(revised.all);
  return report;
}

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
    if (context.Stopping()) {
      report.interrupted = true;
      return report;
    }
    const double temperature = options.temperatures[static_cast<size_t>(step)];
    const std::vector<Trace> replay = context.StoredTraces(step);
    train::SampleJob job{.problems = &problems,
                         .chosen = std::vector<int64_t>(problems.size()),
                         .samples = temperature > 0 ? options.samples : 1,
                         .sampling = options.sampling,
                         .seed = context.seed,
                         .purpose = context.Purpose("sample"),
                         .step = step,
                         .replay = &replay};
    job.sampling.temperature = temperature;
    std::iota(job.chosen.begin(), job.chosen.end(), int64_t{0});
    const train::SampleResult result =
        train::SampleProblems(train::SamplingOf(context, panel), job);
    train::AccuracyTable table;
    table.Add(result);
    warnings.Look(step, result.traces);
    report.tokens += result.stats.decoded_tokens;
    train::Metrics metrics = ToMetrics(table);
    metrics.emplace_back("temperature", temperature);
    train::AddOutcomes(result.traces, metrics);
    context.recorder.Step({context.Key(step), context.name, metrics, result.traces});
    context.Report(step + 1, steps, metrics);

    Json row = {{"temperature", temperature}};
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
    context.recorder.Step({context.Key(steps), context.name, metrics, {}});
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
                      model::PromptTemplate prompt_template, const std::filesystem::path& folder) {
  AtomicDirectory directory(folder);
  model::SavePretrained(model, tokenizer, GenerationOf(tokenizer), prompt_template,
                        directory.temporary());
  directory.Commit();
}

train::StageReport RunExport(const train::StageContext& context, const ExportOptions& options,
                             const std::filesystem::path& out) {
  const std::filesystem::path folder = out / options.path;
  WriteModelFolder(context.model, context.tokenizer, context.prompt_template, folder);
  train::StageReport report;
  report.details["path"] = folder.string();
  return report;
}

}  // namespace retort::recipes
