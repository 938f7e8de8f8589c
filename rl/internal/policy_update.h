#pragma once
// The updates that one rollout is used for: `num_iterations` passes of `minibatches` optimizer
// steps each. Private to this room.

#include <vector>

#include "rl/grpo.h"
#include "train/evaluation.h"

namespace retort::rl {

/// One rollout, judged, with its advantages.
struct Rollout {
  train::SampleResult samples;
  Advantages advantages;
  std::vector<double> values;             // per trace, after the control's shuffle
  std::vector<train::LearnGroup> groups;  // prompt g and its completions
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
  int64_t tokens = 0;  // computed forward and backward
};

/// For one rollout. Borrows all it is given.
class PolicyUpdate {
 public:
  /// `reference` may be null; `other_precision`: the rollout was sampled with one of its own, so
  /// the log-probabilities that came with it are not the old ones.
  PolicyUpdate(const GrpoOptions& options, train::Learner& learner, model::LanguageModel* reference,
               bool other_precision)
      : options_(options),
        learner_(learner),
        reference_(reference),
        other_precision_(other_precision) {}

  /// `stage_updates`: optimizer steps of the whole stage, which the schedule is fitted to.
  UpdateTotals Learn(const Rollout& rollout, int64_t stage_updates);

 private:
  struct Part;
  void Update(const Part& part, bool first, bool fresh, int64_t stage_updates,
              UpdateTotals& totals);
  template <class Body>
  void ForMicroBatches(const Part& part, const Body& body) const;
  std::vector<std::vector<float>> OldLogp(const Part& all);

  const GrpoOptions& options_;
  train::Learner& learner_;
  model::LanguageModel* reference_;
  bool other_precision_;
  std::vector<std::vector<float>> old_logp_;  // per trace; empty where the first pass finds it
};

}  // namespace retort::rl
