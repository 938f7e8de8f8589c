#pragma once
// The loop of every stage that learns to predict given tokens: pretraining, supervised fine-tuning
// and distillation on traces. The loss is the mean of -log p over the predicted tokens of a batch.

#include <cstdint>
#include <functional>
#include <optional>

#include "nn/adamw.h"
#include "train/learner.h"
#include "train/micro_batch.h"
#include "train/stage.h"

namespace retort::distill {

struct NextTokenOptions {
  int64_t steps = 1000;
  double num_train_epochs = 0;
  int64_t batch_size = 64;
  int64_t micro_batch_tokens = 8192;
  int64_t logging_steps = 10;
  int64_t decay_steps = 0;
  int64_t save_steps = 200;
  std::optional<int64_t> save_total_limit;
  train::OperationBudget budget;
  nn::OptimizerOptions optimizer{.learning_rate = 2e-3, .weight_decay = 0.1, .warmup_steps = 100};
  train::BalanceSettings balance;

  template <class V>
  void Visit(V& v) {
    v("steps", steps, "Optimizer steps at most.", Bounds{0, 1e9});
    v("num_train_epochs", num_train_epochs, "Passes over the examples instead of steps; 0 = off.",
      Bounds{0, 1e6});
    v("batch_size", batch_size, "Sequences per optimizer step.", Bounds{1, 1e6});
    v("micro_batch_tokens", micro_batch_tokens,
      "Tokens computed at a time; bounds memory, part of the recipe's bits.", Bounds{1, 1e9});
    v("logging_steps", logging_steps, "Record metrics every so many steps.", Bounds{1, 1e9});
    v("decay_steps", decay_steps,
      "Let a constant rate fall linearly over the last so many steps (warm-up, stable, decay).",
      Bounds{0, 1e9});
    v("save_steps", save_steps, "Checkpoint every so many steps; 0 = at the end only.",
      Bounds{0, 1e9});
    v("save_total_limit", save_total_limit,
      "Keep at most so many checkpoints, the newest, and those that later stages start from; null "
      "keeps all.",
      Bounds{1, 1e9});
    budget.Visit(v);
    optimizer.Visit(v);
    balance.Visit(v);
  }
  /// Throws Error on options that contradict each other.
  void Validate(const std::string& where) const;
};

/// What is learned from, and when to stop early.
struct NextTokenTask {
  int64_t examples = 0;  ///< size of one epoch
  /// The n-th of the endless reading, pure: a sequence, or those that are packed into one.
  std::function<std::vector<train::LearnGroup>(int64_t n)> example;
  /// A measurement every `probe_every` steps (0 = never): at `decay_at` the decay begins before its
  /// time, and at `end_at`, once the decay is over, the stage ends before its time.
  int64_t probe_every = 0;
  double decay_at = 1;
  double end_at = 1;
  std::function<double(int64_t step, train::Metrics& metrics)> probe;
  /// Measured every `evaluate_every` steps (0 = never) and at the end, which is reported.
  int64_t evaluate_every = 0;
  std::function<train::Metrics()> evaluate;
};

/// What step `step` learns from.
std::vector<train::LearnGroup> BatchOf(const NextTokenOptions& options, const NextTokenTask& task,
                                       int64_t step);

train::StageReport TrainNextToken(const train::StageContext& context,
                                  const NextTokenOptions& options, const NextTokenTask& task);

}  // namespace retort::distill
