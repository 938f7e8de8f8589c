#include "recipes/stages.h"

#include <numeric>

#include "base/file.h"
#include "model/cost.h"
#include "train/evaluation.h"

namespace retort::recipes {
namespace {

constexpr int64_t kValidationTokens = 8192;  // computed at a time

Json ToJson(const train::Accuracy& accuracy) {
  return {{"accuracy", accuracy.accuracy()},
          {"reasoning_share", accuracy.reasoning_share()},
          {"reasoning_accuracy", accuracy.reasoning_accuracy()},
          {"direct_accuracy", accuracy.direct_accuracy()},
          {"mean_completion_length", accuracy.mean_length()},
          {"completions", accuracy.count}};
}

train::Metrics ToMetrics(const train::AccuracyTable& table) {
  train::Metrics metrics{{"accuracy", table.all.accuracy()},
                         {"reasoning/share", table.all.reasoning_share()},
                         {"reasoning/accuracy", table.all.reasoning_accuracy()},
                         {"reasoning/direct_accuracy", table.all.direct_accuracy()},
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
  const std::vector<Problem> problems = train::GetProblems(options.problems);
  const train::RewardPanel panel(options.reward, context.name + ".reward");
  const auto count = static_cast<int64_t>(problems.size());
  const int64_t steps = (count + options.prompts_per_step - 1) / options.prompts_per_step;
  const double active = static_cast<double>(model::CountParameters(context.model.config()).active);
  train::StageReport report;
  train::AccuracyTable table;
  for (int64_t step = context.first_step; step < steps; ++step) {
    if (context.Stopping()) {
      report.interrupted = true;
      return report;
    }
    const std::vector<Trace> replay = context.StoredTraces(step);
    train::SampleJob job{.problems = &problems,
                         .chosen = {},
                         .samples = options.samples,
                         .sampling = options.sampling,
                         .seed = context.seed,
                         .purpose = context.Purpose("sample"),
                         .step = step,
                         .replay = &replay};
    const int64_t begin = step * options.prompts_per_step;
    job.chosen.resize(static_cast<size_t>(std::min(options.prompts_per_step, count - begin)));
    std::iota(job.chosen.begin(), job.chosen.end(), begin);
    const train::SampleResult result =
        train::SampleProblems(train::SamplingOf(context, panel), job);
    train::AccuracyTable own;
    own.Add(result);
    table.Add(result);
    report.tokens += result.stats.decoded_tokens;
    report.sampling_operations +=
        2 * active * static_cast<double>(result.stats.decoded_tokens + result.stats.prompt_tokens);
    train::Metrics metrics = ToMetrics(own);
    train::AddOutcomes(result.traces, metrics);
    context.recorder.Step({context.Key(step), context.name, metrics, result.traces});
    context.Report(step + 1, steps, metrics);
  }
  report.steps = steps;
  report.details = ToJson(table.all);
  return report;
}

train::StageReport RunEval(const train::StageContext& context, const EvalOptions& options) {
  const std::vector<Problem> problems = train::GetProblems(options.problems);
  const train::RewardPanel panel(options.reward, context.name + ".reward");
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
