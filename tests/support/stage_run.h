#pragma once
// Runs one stage on a tiny model in a folder of its own and keeps what it leaves behind.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/fingerprint.h"
#include "base/folder.h"
#include "model/template.h"
#include "tests/support/tiny_models.h"
#include "train/problems.h"
#include "train/stage.h"

namespace retort::testing {

inline model::DeepseekConfig StagePolicyConfig() {
  model::DeepseekConfig c;
  c.hidden_size = 16;
  c.num_hidden_layers = 2;
  c.intermediate_size = 24;
  c.n_routed_experts = 4;
  c.moe_intermediate_size = 8;
  c.num_attention_heads = 2;
  c.kv_lora_rank = 8;
  c.qk_nope_head_dim = 8;
  c.qk_rope_head_dim = 4;
  c.v_head_dim = 8;
  c.initializer_range = 0.1;
  return c;
}

inline model::LlamaConfig StageStudentConfig() {
  model::LlamaConfig c;
  c.hidden_size = 16;
  c.num_hidden_layers = 1;
  c.intermediate_size = 24;
  c.initializer_range = 0.1;
  return c;
}

inline train::ProblemOptions StageProblems(int64_t count = 24) {
  train::ProblemOptions problems;
  problems.generator.families = {"addition:1"};
  problems.generator.count = count;
  return problems;
}

inline std::vector<float> AllWeights(const model::LanguageModel& model) {
  return Numbers(model.values());
}

inline void SetWeights(const std::vector<float>& weights, model::LanguageModel& model) {
  size_t next = 0;
  nn::ParameterStore& values = model.ChangeValues();
  for (const nn::ParameterInfo& p : values.layout().all()) {
    for (float& value : values[p.name]) value = weights.at(next++);
  }
}

/// Weights that answer "addition:1" in the right form and sometimes rightly, so that the rewards
/// of a group differ: some steps on worked problems, a third of them with steps. Made once per
/// configuration and program.
inline const std::vector<float>& AnsweringWeights(const model::ModelConfig& config) {
  static std::map<std::string, std::vector<float>> made;
  std::vector<float>& weights = made[model::WriteModelOptions(config).dump()];
  if (!weights.empty()) return weights;
  const Executor executor(1);
  nn::Compute compute(executor);
  const auto model = model::NewModel(config, 1);
  const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  const std::vector<Problem> problems = train::GetProblems(StageProblems(30));
  train::Learner learner(*model, compute, {.optimizer = {.learning_rate = 0.02}});
  for (size_t step = 0; step < 60; ++step) {
    train::MicroBatch batch;
    for (size_t i = 0; i < 8; ++i) {
      const Problem& problem = problems[(step * 8 + i) % problems.size()];
      batch.Add({model::RenderPrompt(tokenizer, model::PromptTemplate::kShort, problem.prompt),
                 {model::RenderCompletion(tokenizer,
                                          {i % 3 == 0 ? problem.solution : "", problem.answer})}});
    }
    learner.Accumulate(batch, 1, 1, [](const train::Scores& scores) {
      const auto count = static_cast<float>(scores.logprob.size());
      return train::ScoreGradients{std::vector<float>(scores.logprob.size(), -1 / count), {}};
    });
    learner.Step(0.02);
    learner.BalanceRouters();
  }
  return weights = AllWeights(*model);
}

/// As if another rank held the very same batch: every sum is twice one rank's.
inline train::Reduce AlsoHeldByAnother() {
  return {[](std::span<float> floats, std::span<double> doubles) {
    for (float& number : floats) number *= 2;
    for (double& number : doubles) number *= 2;
  }};
}

struct StageSetup {
  model::ModelConfig config;
  bool answering = true;  ///< starts from AnsweringWeights
  uint64_t seed = 1;
  int threads = 1;
  nn::Precision precision = {};
  std::string name = "stage";
  model::PromptFormat prompt_template = {};
  model::GenerationConfig generation = {};
  model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  std::function<void(datasets::TraceStore&, int64_t run)> prepare = {};
  std::function<bool()> stop_requested = {};
  train::Reduce reduce = {};
};

struct StageRun {
  train::StageReport report;
  std::vector<datasets::StepRecord> steps;     ///< metrics by name, in order of the steps
  std::vector<Trace> traces;                   ///< of this stage, in order of their ids
  std::vector<float> before, after;            ///< weights
  std::vector<int64_t> saved;                  ///< steps done at each save
  std::vector<std::vector<float>> weights;     ///< at each save
  std::vector<std::vector<float>> references;  ///< weights of the reference at each save, if any
  std::vector<datasets::Selection> selections;
  std::vector<std::string> warnings;
  int64_t packs = 0;  ///< of weights

  double Metric(size_t step, const std::string& name) const {
    for (const auto& [key, value] : steps.at(step).metrics) {
      if (key == name) return value;
    }
    ADD_FAILURE() << "step " << step << " has no metric " << name;
    return 0;
  }
  bool HasMetric(size_t step, const std::string& name) const {
    for (const auto& [key, value] : steps.at(step).metrics) {
      if (key == name) return true;
    }
    return false;
  }
  /// A hash of all that a stage does, but for times: two runs are the same or they are not.
  std::string Everything() const {
    Json json = {
        {"report", {report.steps, report.tokens, report.operations, report.sampling_operations}},
        {"details", report.details},
        {"saved", saved},
        {"after", after},
        {"references", references}};
    for (const auto& step : steps) {
      Json row = {step.key.step};
      for (const auto& [name, value] : step.metrics) {
        if (!name.starts_with("step_time")) row.push_back({name, value});
      }
      json["steps"].push_back(row);
    }
    for (const Trace& trace : traces) json["traces"].push_back(datasets::TraceToJson(trace, true));
    for (const auto& selection : selections) json["selections"].push_back(selection.hash);
    return Fingerprint().Add(ToJsonLine(json)).Hex();
  }
};

/// `run`: train::StageReport(const train::StageContext&).
template <class Run>
StageRun RunStage(const StageSetup& setup, const Run& run) {
  const TemporaryFolder folder;
  const Executor executor(setup.threads);
  nn::Compute compute(executor);
  const auto model = model::NewModel(setup.config, 1, setup.precision);
  if (setup.answering) SetWeights(AnsweringWeights(setup.config), *model);
  datasets::TraceStore store(folder.path() / "traces.db", datasets::TraceStore::Mode::kWrite);
  const int64_t id = store.CreateRun("test", Json::object());
  if (setup.prepare) setup.prepare(store, id);
  train::Recorder recorder(folder.path(), store, id);
  StageRun result;
  result.before = AllWeights(*model);
  const train::StageContext context{
      .compute = compute,
      .model = *model,
      .tokenizer = setup.tokenizer,
      .generation = setup.generation,
      .prompt_template = setup.prompt_template,
      .recorder = recorder,
      .store = store,
      .run = id,
      .seed = setup.seed,
      .name = setup.name,
      .stage_index = 1,
      .checkpoint = {},
      .reduce = setup.reduce,
      .progress = {},
      .stop_requested = setup.stop_requested,
      .save =
          [&](const train::StageProgress& progress) {
            result.saved.push_back(progress.step);
            result.weights.push_back(AllWeights(*model));
            if (progress.reference) result.references.push_back(AllWeights(*progress.reference));
          },
      .warn = [&](const std::string& text) { result.warnings.push_back(text); }};
  result.report = run(context);
  result.after = AllWeights(*model);
  result.packs = model->packs();
  for (const datasets::StepRecord& step : store.Steps(id)) {
    if (step.key.stage_index == 1) result.steps.push_back(step);
  }
  datasets::TraceFilter filter;
  filter.stage = setup.name;
  store.ForEach(store.Select(filter), [&](const Trace& trace) { result.traces.push_back(trace); });
  result.selections = store.Selections();
  return result;
}

}  // namespace retort::testing
