#pragma once
// What every learner shares: forward, a loss that is a pure function of a few numbers per token
// (law 2), backward, and the optimizer step. Not thread-safe.

#include <cstdint>
#include <functional>
#include <vector>

#include "base/options.h"
#include "model/language_model.h"
#include "nn/adamw.h"
#include "train/micro_batch.h"
#include "train/reduce.h"

namespace retort::train {

/// How a mixture of experts is kept in balance. Loss-free balancing moves the router bias by
/// `router_bias_update_speed` after a step; the two losses act through the gradient.
struct BalanceSettings {
  double router_bias_update_speed = 0.001;
  double seq_aux_loss_alpha = 0;
  double aux_loss_alpha = 0;
  template <class V>
  void Visit(V& v) {
    v("router_bias_update_speed", router_bias_update_speed,
      "Step of loss-free balancing (DeepSeek-V3's gamma); 0 = off.", Bounds{0, 1});
    v("seq_aux_loss_alpha", seq_aux_loss_alpha, "Weight of the sequence-wise balance loss.",
      Bounds{0, 100});
    v("aux_loss_alpha", aux_loss_alpha,
      "Weight of the classic auxiliary loss, taken per micro-batch.", Bounds{0, 100});
  }
};

/// Per prediction of a micro-batch.
struct Scores {
  std::vector<float> logprob;
  std::vector<float> entropy;
};
/// d(loss) / d(logprob) and d(loss) / d(entropy) per prediction; `entropy` may stay empty.
struct ScoreGradients {
  std::vector<float> logprob;
  std::vector<float> entropy;
};

/// Log-probabilities and entropies of a micro-batch without remembering anything.
Scores ScoreWith(const model::PackedWeights& weights, model::Workspace& workspace,
                 const MicroBatch& batch, float temperature = 1);

/// How far the log-probabilities of the model's precision lie from those of float32, in nats.
struct PrecisionError {
  double max = 0;
  double mean = 0;
};
/// Packs the weights for float32 besides.
PrecisionError MeasurePrecision(model::LanguageModel& model, nn::Compute& compute,
                                const MicroBatch& batch, float temperature = 1);

/// Teacher-forced mean loss over a whole set, and how unevenly it loads the experts of each MoE
/// layer (max/mean - 1; empty for a dense model). Nothing is learned.
struct ValidationScore {
  double loss = 0;
  std::vector<double> max_violation;
};
ValidationScore Validate(model::LanguageModel& model, nn::Compute& compute,
                         std::span<const LearnGroup> groups, int64_t micro_batch_tokens);

struct LearnerOptions {
  nn::OptimizerOptions optimizer = {};
  BalanceSettings balance = {};
  Reduce reduce = {};
};

class Learner {
 public:
  /// Borrows the model, which it learns in its precision, and the compute.
  Learner(model::LanguageModel& model, nn::Compute& compute, const LearnerOptions& options = {});

  Scores Score(const MicroBatch& batch, float temperature = 1) {
    return ScoreWith(*model_.Packed(compute_), workspace_, batch, temperature);
  }

  /// Adds the gradient of `loss` to gradients(). `share` is this micro-batch's part of the
  /// whole batch's sequences, by which balance losses are weighted.
  using Loss = std::function<ScoreGradients(const Scores&)>;
  void Accumulate(const MicroBatch& batch, float temperature, double share, const Loss& loss);

  /// Reduces the gradients, takes their norm, clips, updates, and sets them to zero. Returns the
  /// norm before clipping; one that is not finite throws Error and leaves the weights as they were.
  double Step(double learning_rate);

  /// Moves the router biases against the loads of all ranks counted since the last call, and
  /// returns the violation max/mean - 1 of each MoE layer (empty for a dense model).
  std::vector<double> BalanceRouters();
  /// Balance loss of this rank accumulated since the last BalanceRouters.
  double balance_loss() const { return balance_loss_; }

  nn::AdamW& optimizer() { return optimizer_; }
  const nn::ParameterStore& gradients() const { return gradients_; }
  const Reduce& reduce() const { return options_.reduce; }
  model::LanguageModel& model() { return model_; }
  nn::Compute& compute() { return compute_; }
  /// Bytes of activations at their most.
  size_t peak_bytes() const { return tape_.arena.peak_bytes() + arena_.peak_bytes(); }
  /// For whoever scores beside the learner, between its passes.
  model::Workspace& workspace() { return workspace_; }

 private:
  model::LanguageModel& model_;
  nn::Compute& compute_;
  model::Workspace workspace_;
  nn::ParameterStore gradients_;
  LearnerOptions options_;
  nn::AdamW optimizer_;
  model::Tape tape_;
  nn::Arena arena_;
  std::vector<std::vector<int64_t>> loads_;  // per MoE layer, per expert
  double balance_loss_ = 0;
};

}  // namespace retort::train
