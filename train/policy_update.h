#pragma once
// The updates that one rollout is used for: `num_iterations` passes of `minibatches` optimizer
// steps each, by a policy loss over advantages per token, whoever made them.

#include <cstdint>
#include <span>
#include <vector>

#include "nn/adamw.h"
#include "train/importance.h"
#include "train/learner.h"
#include "train/policy_loss.h"

namespace retort::train {

/// A completion that was sampled, as the loss sees it.
struct PolicySample {
  std::span<const float> logprobs;  ///< [length], as it was sampled
  std::vector<double> advantages;   ///< [length]
  bool truncated = false;           ///< it hit the length limit
};

/// One rollout. The samples are those of the groups' completions, in order; every group has as
/// many.
struct PolicyRollout {
  std::vector<LearnGroup> groups;
  std::vector<PolicySample> samples;
};

struct PolicyUpdateOptions {
  PolicyLossOptions loss;
  ImportanceOptions importance;
  nn::OptimizerOptions optimizer;
  int64_t num_iterations = 1;
  int64_t minibatches = 1;  ///< groups stay whole
  int64_t micro_batch_tokens = 8192;
  int64_t max_completion_length = 0;  ///< for dr_grpo
  float temperature = 1;              ///< of the log-probabilities
};

/// Between the log-probabilities of the rollout and those of the policy that is about to learn.
struct LogpDifference {
  float max = 0;
  double sum = 0;
  int64_t count = 0;

  void Add(std::span<const float> learned, std::span<const float> sampled);
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
};

/// What is added up over the updates of one rollout.
struct UpdateTotals {
  PolicyLossSums sums;
  double grad_norm = 0;
  double learning_rate = 0;
  LogpDifference difference;
  ImportanceSums importance;
  int64_t updates = 0;
  int64_t tokens = 0;  ///< computed forward and backward
};

/// For one rollout. Borrows all it is given.
class PolicyUpdate {
 public:
  /// `reference` may be null; `other_precision`: the rollout was sampled with one of its own, so
  /// the log-probabilities that came with it are not the old ones.
  PolicyUpdate(const PolicyUpdateOptions& options, Learner& learner,
               model::LanguageModel* reference, bool other_precision)
      : options_(options),
        learner_(learner),
        reference_(reference),
        other_precision_(other_precision) {}

  /// `stage_updates`: optimizer steps of the whole stage, which the schedule is fitted to.
  UpdateTotals Learn(const PolicyRollout& rollout, int64_t stage_updates);

 private:
  struct Part;
  void Update(const Part& part, bool fresh);
  template <class Body>
  void ForMicroBatches(const Part& part, const Body& body) const;
  std::vector<std::vector<float>> OldLogp(const Part& all);

  const PolicyUpdateOptions& options_;
  Learner& learner_;
  model::LanguageModel* reference_;
  bool other_precision_;
  int64_t stage_updates_ = 0;
  UpdateTotals totals_;
  std::vector<std::vector<float>> old_logp_;  // per sample; empty where the first pass finds it
};

}  // namespace retort::train
