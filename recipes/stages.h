#pragma once
// The kinds of stages, and the options of those that only sample, judge or write.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/options.h"
#include "rollout/sampler.h"
#include "train/panel.h"
#include "train/problems.h"
#include "train/stage.h"

namespace retort::recipes {

enum class StageType { kPretrain, kSft, kGrpo, kCollect, kDistill, kEval, kExport };
constexpr auto EnumNames(StageType) {
  return std::array{
      std::pair{StageType::kPretrain, "pretrain"}, std::pair{StageType::kSft, "sft"},
      std::pair{StageType::kGrpo, "grpo"},         std::pair{StageType::kCollect, "collect"},
      std::pair{StageType::kDistill, "distill"},   std::pair{StageType::kEval, "eval"},
      std::pair{StageType::kExport, "export"}};
}

/// Samples and judges problems and stores every trace, step by step; trains nothing.
struct CollectOptions {
  train::ProblemOptions problems;
  std::vector<train::JudgeSpec> reward = train::DefaultPanel();
  int64_t samples = 1;
  int64_t prompts_per_step = 256;
  bool revision = false;
  rollout::SamplingOptions sampling;
  template <class V>
  void Visit(V& v) {
    v("problems", problems, "Where prompts come from; each is sampled once.");
    v("samples", samples, "Samples per problem.", Bounds{1, 1e6});
    v("prompts_per_step", prompts_per_step, "Problems stored in one transaction.", Bounds{1, 1e6});
    v("revision", revision,
      "Tell the model what was wrong with a wrong answer and let it answer once more; second turns "
      "are traces of the stage NAME/revision (CodeI/O++).");
    sampling.Visit(v);
  }
};

/// Accuracy on problems, at one or several temperatures; the first is the stage's accuracy.
struct EvalOptions {
  train::ProblemOptions problems;
  std::vector<train::JudgeSpec> reward = train::DefaultPanel();
  std::vector<double> temperatures{1.0, 0.6, 0.0};
  int64_t samples = 1;
  bool validation_loss = false;
  rollout::SamplingOptions sampling;
  EvalOptions() { problems.split = datasets::Split::kHeldOut; }
  template <class V>
  void Visit(V& v) {
    v("problems", problems, "What is asked.");
    v("temperatures", temperatures, "Evaluate at each of these; 0 is greedy.", Bounds{0, 100});
    v("samples", samples, "Samples per problem and temperature above 0.", Bounds{1, 1e6});
    v("validation_loss", validation_loss,
      "Also report the loss on the problems' worked solutions, and the expert loads it makes.");
    sampling.VisitAllButTemperature(v);
  }
};

/// Writes the model as a Hugging Face folder.
struct ExportOptions {
  std::string path = "export";
  template <class V>
  void Visit(V& v) {
    v("path", path, "Folder, relative to the run directory.");
  }
};

train::StageReport RunCollect(const train::StageContext& context, const CollectOptions& options);
/// Every sample is stored as a trace too: step i holds temperature i.
train::StageReport RunEval(const train::StageContext& context, const EvalOptions& options);
train::StageReport RunExport(const train::StageContext& context, const ExportOptions& options,
                             const std::filesystem::path& out);

/// What ends a completion of such a tokenizer, for generation_config.json.
model::GenerationConfig GenerationOf(const model::Tokenizer& tokenizer);
/// A Hugging Face folder that appears complete or not at all. `details` of its marker say what it
/// is.
struct ModelFolder {
  std::filesystem::path path;
  std::string owner;
  Json details = Json::object();
};
void WriteModelFolder(model::LanguageModel& model, const model::Tokenizer& tokenizer,
                      model::PromptTemplate prompt_template, const ModelFolder& folder);

}  // namespace retort::recipes
