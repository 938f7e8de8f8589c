#pragma once
// Pretraining and supervised fine-tuning: on problems with worked solutions, or word for word on
// files of texts, conversations and completions.

#include "datasets/generator.h"
#include "distill/next_token.h"
#include "distill/text_file.h"
#include "rollout/sampler.h"
#include "train/panel.h"
#include "train/problems.h"
#include "train/stage_kind.h"

namespace retort::distill {

/// Measured conditions for the decay and the end of a stage: samples on problems of their own. What
/// is measured is, of the family that does worst, the share of reasoning answers that are right.
struct ProbeOptions {
  int64_t every = 0;
  train::ProblemOptions problems;
  int64_t samples = 1;
  double decay_reasoning_accuracy = 0.3;
  double min_reasoning_accuracy = 0.95;
  rollout::SamplingOptions sampling;
  template <class V>
  void Visit(V& v) {
    v("every", every, "Measure every so many steps; 0 = never, the stage runs all its steps.",
      Bounds{0, 1e9});
    v("problems", problems, "What is sampled on.");
    v("samples", samples, "Samples per problem.", Bounds{1, 1e6});
    v("decay_reasoning_accuracy", decay_reasoning_accuracy,
      "Begin the decay when in every family this share of the answers that reason is right.",
      Bounds{0, 1});
    v("min_reasoning_accuracy", min_reasoning_accuracy,
      "End the stage, once the decay is over, when in every family this share is right.",
      Bounds{0, 1});
    v("sampling", sampling, "How to sample.");
  }
};

struct SupervisedOptions {
  train::ProblemOptions problems;
  /// Judges what the probe samples.
  std::vector<train::JudgeSpec> reward = train::DefaultPanel();
  double reasoning_share = 1;
  bool learn_prompt = false;
  TextOptions text;
  ProbeOptions until;
  NextTokenOptions training;
  template <class V>
  void Visit(V& v) {
    v("reward", reward, train::kRewardHelp);
    v("problems", problems, "What is learned from, unless there are train_files.");
    text.Visit(v);
    v("reasoning_share", reasoning_share,
      "Of problems, the share of examples that show the worked steps in the think block; the rest "
      "answer directly.",
      Bounds{0, 1});
    v("learn_prompt", learn_prompt,
      "Of problems, predict the prompt's tokens too, not only the completion's.");
    v("until", until, "A measured condition that ends the stage early.");
    training.Visit(v);
  }
  void Validate(const std::string& where) const;
  train::StageNeeds Needs() const;
};

train::StageReport RunSupervised(const train::StageContext& context,
                                 const SupervisedOptions& options);

const train::StageKind& PretrainKind();
const train::StageKind& SftKind();

}  // namespace retort::distill
