#pragma once
// The stage that samples, judges and stores every trace.

#include <vector>

#include "rollout/sampler.h"
#include "train/stage_kind.h"

namespace retort::train {

/// Samples and judges problems and stores every trace, step by step; trains nothing.
struct CollectOptions {
  ProblemOptions problems;
  std::vector<JudgeSpec> reward = DefaultPanel();
  int64_t samples = 1;
  int64_t prompts_per_step = 256;
  bool revision = false;
  rollout::SamplingOptions sampling;
  template <class V>
  void Visit(V& v) {
    v("reward", reward, kRewardHelp);
    v("problems", problems, "Where prompts come from; each is sampled once.");
    v("samples", samples, "Samples per problem.", Bounds{1, 1e6});
    v("prompts_per_step", prompts_per_step, "Problems stored in one transaction.", Bounds{1, 1e6});
    v("revision", revision,
      "Tell the model what was wrong with a wrong answer and let it answer once more; second turns "
      "are traces of the stage NAME/revision (CodeI/O++).");
    sampling.Visit(v);
  }
  void Validate(const std::string&) const {}
  StageNeeds Needs() const;
};

StageReport RunCollect(const StageContext& context, const CollectOptions& options);

const StageKind& CollectKind();

}  // namespace retort::train
