#pragma once
// The GRPO stage: sample groups, judge, advantages, policy loss, update, record (DESIGN section 3).
// Sources: Shao et al. 2024 (GRPO), DeepSeek-R1 §2.2, Yu et al. 2025 (token-level loss).

#include <cstdint>
#include <optional>
#include <vector>

#include "nn/adamw.h"
#include "nn/dtype.h"
#include "rl/advantage.h"
#include "rollout/sampler.h"
#include "train/importance.h"
#include "train/learner.h"
#include "train/panel.h"
#include "train/policy_loss.h"
#include "train/problems.h"
#include "train/stage_kind.h"

namespace retort::rl {

/// Names and defaults follow TRL's GRPOConfig where it has them.
struct GrpoOptions {
  train::ProblemOptions problems;
  std::vector<train::JudgeSpec> reward = train::DefaultPanel();
  int64_t steps = 50;
  int64_t prompts_per_step = 32;
  int64_t num_generations = 8;
  int64_t num_iterations = 1;
  int64_t minibatches = 1;
  int64_t ref_model_sync_steps = 0;
  int64_t micro_batch_tokens = 8192;
  int64_t save_steps = 10;
  std::optional<int64_t> save_total_limit;
  bool shuffle_advantages = false;
  std::optional<nn::Dtype> rollout_dtype;
  train::ImportanceOptions importance;
  train::OperationBudget budget;
  AdvantageOptions advantage;
  train::PolicyLossOptions loss;
  rollout::SamplingOptions sampling;
  nn::OptimizerOptions optimizer{.learning_rate = 1e-4, .warmup_steps = 5};
  train::BalanceSettings balance{.router_bias_update_speed = 0};

  template <class V>
  void Visit(V& v) {
    v("reward", reward, train::kRewardHelp);
    v("problems", problems, "Where prompts come from.");
    v("steps", steps, "Rollouts, each followed by its updates.", Bounds{0, 1e9});
    v("prompts_per_step", prompts_per_step, "Prompts of one rollout.", Bounds{1, 1e6});
    v("num_generations", num_generations, "Completions per prompt: the size of a group.",
      Bounds{1, 65536});
    v("num_iterations", num_iterations, "Passes over each rollout.", Bounds{1, 1000});
    v("minibatches", minibatches, "Updates per pass; groups stay whole.", Bounds{1, 1e6});
    v("ref_model_sync_steps", ref_model_sync_steps,
      "Replace the reference policy by the current one every so many steps; 0 = never.",
      Bounds{0, 1e9});
    v("micro_batch_tokens", micro_batch_tokens,
      "Tokens computed at a time; bounds memory, part of the recipe's bits.", Bounds{1, 1e9});
    v("shuffle_advantages", shuffle_advantages,
      "A control: shuffles advantages inside each group, so that nothing can be learned.");
    v("save_steps", save_steps, "Checkpoint every so many steps; 0 = at the end only.",
      Bounds{0, 1e9});
    v("save_total_limit", save_total_limit,
      "Keep at most so many checkpoints, the newest, and those that later stages start from; null "
      "keeps all.",
      Bounds{1, 1e9});
    v("rollout_dtype", rollout_dtype,
      "What matrix products multiply in the rollout; null: as in training. float8_e4m3 and q8_0 "
      "quantize the weights, for models whose decoding waits for memory.");
    importance.Visit(v);
    budget.Visit(v);
    advantage.Visit(v);
    loss.Visit(v);
    sampling.Visit(v);
    optimizer.Visit(v);
    balance.Visit(v);
  }
  /// Throws Error on combinations that would be dishonest or senseless (law 10: truncated or
  /// penalized sampling).
  void Validate(const std::string& where) const;
  train::StageNeeds Needs() const;
};

train::StageReport RunGrpo(const train::StageContext& context, const GrpoOptions& options);

const train::StageKind& GrpoKind();

}  // namespace retort::rl
