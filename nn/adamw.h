#pragma once
// AdamW (Loshchilov & Hutter 2019) with decoupled decay, the global norm and clipping by it, and
// the learning-rate schedules.

#include <array>
#include <cstdint>
#include <utility>

#include "base/options.h"
#include "nn/compute.h"
#include "nn/parameters.h"

namespace retort::nn {

enum class Schedule { kConstant, kLinear, kCosine };
constexpr auto EnumNames(Schedule) {
  return std::array{std::pair{Schedule::kConstant, "constant"},
                    std::pair{Schedule::kLinear, "linear"}, std::pair{Schedule::kCosine, "cosine"}};
}

/// Names and defaults follow transformers' TrainingArguments where it has them.
struct OptimizerOptions {
  double learning_rate = 1e-3;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.95;
  double adam_epsilon = 1e-8;
  double weight_decay = 0.0;
  double max_grad_norm = 1.0;
  Schedule lr_scheduler_type = Schedule::kConstant;
  int64_t warmup_steps = 0;
  double min_lr_ratio = 0.0;
  template <class V>
  void Visit(V& v) {
    v("learning_rate", learning_rate, "Peak learning rate.", Bounds{0, 10});
    v("adam_beta1", adam_beta1, "Decay of the first moment.", Bounds{0, 0.999999});
    v("adam_beta2", adam_beta2, "Decay of the second moment.", Bounds{0, 0.9999999});
    v("adam_epsilon", adam_epsilon, "Added to the root of the second moment.", Bounds{1e-20, 1});
    v("weight_decay", weight_decay, "Decoupled decay of matrices, times the rate.", Bounds{0, 10});
    v("max_grad_norm", max_grad_norm, "Clip gradients to this global norm; 0 = off.",
      Bounds{0, 1e9});
    v("lr_scheduler_type", lr_scheduler_type, "How the rate falls after warm-up.");
    v("warmup_steps", warmup_steps, "Steps of linear warm-up from 0.", Bounds{0, 1e9});
    v("min_lr_ratio", min_lr_ratio, "Final rate of linear and cosine, as a share of the peak.",
      Bounds{0, 1});
  }
};

/// Rate for step `step` (0-based) of `total`. Warm-up reaches the peak at step == warmup_steps.
double LearningRate(const OptimizerOptions& options, int64_t step, int64_t total);

/// The square root of the sum of squares of all trainable parameters, the same on any number of
/// threads. Throws Error naming the parameter where one is not finite.
double GlobalNorm(Compute& compute, const ParameterStore& gradients);
/// What clipping to `max_norm` multiplies gradients by, as torch.nn.utils.clip_grad_norm_; 1 for a
/// `max_norm` of 0.
double ClipFactor(double norm, double max_norm);

/// The first and second moments of every parameter, and the step that they make.
class AdamW {
 public:
  AdamW(const OptimizerOptions& options, const ParameterStore& like)
      : options_(options), first_(like.Like()), second_(like.Like()) {}

  struct Gradients {
    const ParameterStore& store;
    double factor = 1;  ///< multiplies them (clipping)
  };
  /// One update of the trainable parameters.
  void Update(Compute& compute, const Gradients& gradients, double learning_rate,
              ParameterStore& values);

  const OptimizerOptions& options() const { return options_; }
  int64_t steps() const { return steps_; }

  /// The state, for checkpoints.
  ParameterStore& first() { return first_; }
  ParameterStore& second() { return second_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  OptimizerOptions options_;
  ParameterStore first_, second_;
  int64_t steps_ = 0;
};

}  // namespace retort::nn
