#pragma once
// The stage that measures accuracy.

#include <vector>

#include "rollout/sampler.h"
#include "train/stage_kind.h"

namespace retort::train {

/// Accuracy on problems, at one or several temperatures; the first is the stage's accuracy. Every
/// sample is stored as a trace too: step i holds temperature i.
struct EvalOptions {
  ProblemOptions problems;
  std::vector<JudgeSpec> reward = DefaultPanel();
  std::vector<double> temperatures{1.0, 0.6, 0.0};
  int64_t samples = 1;
  bool validation_loss = false;
  rollout::SamplingOptions sampling;
  EvalOptions() { problems.split = datasets::Split::kHeldOut; }
  template <class V>
  void Visit(V& v) {
    v("reward", reward, kRewardHelp);
    v("problems", problems, "What is asked.");
    v("temperatures", temperatures, "Evaluate at each of these; 0 is greedy.", Bounds{0, 100});
    v("samples", samples, "Samples per problem and temperature above 0.", Bounds{1, 1e6});
    v("validation_loss", validation_loss,
      "Also report the loss on the problems' worked solutions, and the expert loads it makes.");
    WithoutField<V> others{v, "temperature"};
    sampling.Visit(others);
  }
  void Validate(const std::string& where) const;
  StageNeeds Needs() const;
};

StageReport RunEval(const StageContext& context, const EvalOptions& options);

const StageKind& EvalKind();

}  // namespace retort::train
