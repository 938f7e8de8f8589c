#include "rl/grpo.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/stopwatch.h"
#include "model/cost.h"
#include "train/accuracy.h"
#include "train/evaluation.h"
#include "train/policy_update.h"

namespace retort::rl {
namespace {

/// One rollout, judged, with its advantages.
struct Rollout {
  train::SampleResult sampled;
  Advantages advantages;
  train::PolicyRollout learned;  // refers to what was sampled
};

/// What there is to say of a step.
struct StepDone {
  const Rollout& rollout;
  const train::UpdateTotals& totals;
  const std::vector<double>& violations;
  double seconds = 0, update_seconds = 0;
};

train::PolicyUpdateOptions UpdateOptions(const GrpoOptions& options) {
  return {.loss = options.loss,
          .importance = options.importance,
          .optimizer = options.optimizer,
          .num_iterations = options.num_iterations,
          .minibatches = options.minibatches,
          .micro_batch_tokens = options.micro_batch_tokens,
          .max_completion_length = options.sampling.max_completion_length,
          .temperature = rollout::LogprobTemperature(options.sampling)};
}

class GrpoStage {
 public:
  GrpoStage(const train::StageContext& context, const GrpoOptions& options)
      : context_(context),
        options_(options),
        problems_(train::ProblemsOf(context, options.problems,
                                    options.sampling.max_completion_length, about_problems_)),
        order_(static_cast<int64_t>(problems_.size()), context.seed, context.Purpose("prompts")),
        panel_(context.Panel(options.reward)),
        warnings_(context, panel_,
                  options.advantage.unjudged == Unjudged::kWrong
                      ? ". To the policy they are wrong (unjudged: wrong)"
                      : ". The policy gets no advantage for them (unjudged: skip), which is better "
                        "than wrong: see that it does not learn to be unjudged"),
        learner_(context.model, context.compute,
                 {options.optimizer, options.balance, context.reduce}),
        rollout_precision_(context.model.precision()),
        active_(static_cast<double>(model::CountParameters(context.model.config()).active)) {
    if (options.rollout_dtype) rollout_precision_.products = *options.rollout_dtype;
    if (options.loss.beta != 0) {
      reference_ = std::make_unique<model::LanguageModel>(
          context.model.shared_network(), context.model.precision(), context.model.base());
      model::CopyWeights(context.model, *reference_);
    }
    if (!context.checkpoint.empty()) {
      train::LoadOptimizer(context.checkpoint, learner_.optimizer());
      if (reference_) train::LoadReference(context.checkpoint, *reference_);
      report_.tokens = context.state.value("tokens", int64_t{0});
      completions_ = context.state.value("completions", int64_t{0});
      unjudged_ = context.state.value("unjudged", int64_t{0});
      report_.operations = context.state.value("operations", 0.0);
      report_.sampling_operations = context.state.value("sampling_operations", 0.0);
    }
  }

  train::StageReport Run() {
    int64_t step = context_.first_step;
    bool stop = false;
    while (step < options_.steps && !options_.budget.Spent(report_.operations) && !stop) {
      Step(step++);
      stop = train::SaveWhenDue(context_, Progress(step), options_.steps, options_.save_steps);
    }
    report_.steps = step;
    report_.interrupted = stop;
    report_.details = about_problems_;
    report_.details["completions"] = completions_;
    report_.details["unjudged"] = unjudged_;
    if (!stop) context_.save(Progress(step));
    return report_;
  }

 private:
  bool OtherPrecision() const { return rollout_precision_ != context_.model.precision(); }

  // The steps of the whole stage as far as is known after `done`.
  int64_t Expected(int64_t done) const {
    return options_.budget.ExpectedSteps(options_.steps, done, report_.operations);
  }

  train::StageProgress Progress(int64_t step) {
    return {.step = step,
            .state = {{"tokens", report_.tokens},
                      {"completions", completions_},
                      {"unjudged", unjudged_},
                      {"operations", report_.operations},
                      {"sampling_operations", report_.sampling_operations}},
            .optimizer = &learner_.optimizer(),
            .reference = reference_.get()};
  }

  Rollout RollOut(int64_t step) {
    const std::string purpose = context_.Purpose("sample");
    const std::vector<Trace> replay = context_.StoredTraces(step);
    train::SampleJob job{.problems = &problems_,
                         .chosen = {},
                         .samples = options_.num_generations,
                         .sampling = options_.sampling,
                         .seed = context_.seed,
                         .purpose = purpose,
                         .step = step,
                         .policy_version = learner_.optimizer().steps(),
                         .replay = &replay};
    for (int64_t i = 0; i < options_.prompts_per_step; ++i) {
      job.chosen.push_back(order_.At(step * options_.prompts_per_step + i));
    }
    Rollout rollout;
    rollout.sampled =
        train::SampleProblems(train::SamplingOf(context_, panel_, rollout_precision_), job);
    std::vector<std::optional<double>> rewards;
    for (const Sample& sample : rollout.sampled.samples) rewards.push_back(sample.reward);
    const std::vector<int64_t> sizes(job.chosen.size(), options_.num_generations);
    rollout.advantages = ComputeAdvantages(options_.advantage, rewards, sizes);
    std::vector<double>& advantages = rollout.advantages.values;
    for (size_t g = 0; g < job.chosen.size(); ++g) {
      const auto first = static_cast<int64_t>(g) * options_.num_generations;
      if (options_.shuffle_advantages) ShuffleGroup(advantages, first, step);
      train::LearnGroup& group = rollout.learned.groups.emplace_back();
      for (int64_t i = first; i < first + options_.num_generations; ++i) {
        Sample& sample = rollout.sampled.samples[static_cast<size_t>(i)];
        const Trajectory& t = sample.trajectory;
        sample.advantage = advantages[static_cast<size_t>(i)];
        group.prompt = t.prompt;
        group.completions.push_back(t.completion);
        rollout.learned.samples.push_back(
            {.logprobs = t.logprobs,
             .advantages = std::vector<double>(t.logprobs.size(), sample.advantage),
             .truncated = t.finish == FinishReason::kLength});
      }
    }
    return rollout;
  }

  void ShuffleGroup(std::vector<double>& values, int64_t first, int64_t step) const {
    const auto begin = values.begin() + first;
    std::vector<double> group(begin, begin + options_.num_generations);
    RandomStream random({context_.seed, context_.Purpose("shuffle_advantages"),
                         static_cast<uint64_t>(step), static_cast<uint64_t>(first)});
    random.Shuffle(group);
    std::ranges::copy(group, begin);
  }

  /// How far the first group's log-probabilities lie from those of float32, when they are rounded.
  std::optional<train::PrecisionError> Precision(const Rollout& rollout) {
    constexpr auto kFloat32 = nn::Dtype::kFloat32;
    const nn::Precision& precision = context_.model.precision();
    if (precision.products == kFloat32 && precision.cache == kFloat32) return std::nullopt;
    train::MicroBatch batch;
    batch.Add(rollout.learned.groups.front());
    return train::MeasurePrecision(context_.model, context_.compute, batch,
                                   rollout::LogprobTemperature(options_.sampling));
  }

  void Step(int64_t step) {
    Profile* profile = context_.compute.profile;
    const Stopwatch whole;
    const Rollout rollout = [&] {
      const ProfileScope scope(profile, 0, "rollout");
      return RollOut(step);
    }();
    const Stopwatch sampled;
    const ProfileScope scope(profile, 0, "update");

    const std::optional<train::PrecisionError> precision = Precision(rollout);
    const train::PolicyUpdateOptions options = UpdateOptions(options_);
    train::PolicyUpdate update(options, learner_, reference_.get(), OtherPrecision());
    const train::UpdateTotals totals = update.Learn(
        rollout.learned, Expected(step) * options.num_iterations * options.minibatches);
    const std::vector<double> violations = learner_.BalanceRouters();
    if (reference_ && options_.ref_model_sync_steps > 0 &&
        (step + 1) % options_.ref_model_sync_steps == 0) {
      model::CopyWeights(context_.model, *reference_);
    }

    const rollout::EngineStats& stats = rollout.sampled.stats;
    Warn(step, rollout);
    report_.tokens += stats.decoded_tokens + totals.tokens;
    report_.operations += 6 * active_ * static_cast<double>(totals.tokens);
    report_.sampling_operations +=
        2 * active_ * static_cast<double>(stats.decoded_tokens + stats.prompt_tokens);
    datasets::StepRecord record{
        context_.Key(step), context_.name,
        StepMetrics({rollout, totals, violations, whole.seconds(), sampled.seconds()}),
        rollout.sampled.samples, problems_};
    if (precision) {
      record.metrics.emplace_back("precision/logp_difference/max", precision->max);
      record.metrics.emplace_back("precision/logp_difference/mean", precision->mean);
    }
    context_.recorder.Step(record);
    context_.Report(step + 1, Expected(step + 1), record.metrics);
  }

  void Warn(int64_t step, const Rollout& rollout) {
    warnings_.Look(step, rollout.sampled.samples);
    warnings_.Say("zero-variance", rollout.advantages.frac_reward_zero_std == 1,
                  StrCat("stage '", context_.name, "', step ", step,
                         ": the rewards of every group are all the same, so there is nothing to "
                         "learn from. Are the problems too hard or too easy for this model, or "
                         "does the reward not tell its answers apart?"));
    completions_ += static_cast<int64_t>(rollout.sampled.samples.size());
    for (const Sample& sample : rollout.sampled.samples) {
      unjudged_ += !Correct(sample.verdicts);
    }
  }

  train::Metrics StepMetrics(const StepDone& done) const {
    const Rollout& rollout = done.rollout;
    const train::UpdateTotals& totals = done.totals;
    train::Accuracy accuracy;
    double min_length = std::numeric_limits<double>::infinity(), max_length = 0;
    for (const Sample& sample : rollout.sampled.samples) {
      accuracy.Add(sample);
      const auto length = static_cast<double>(sample.trajectory.completion.size());
      min_length = std::min(min_length, length);
      max_length = std::max(max_length, length);
    }
    train::Metrics metrics{{"reward", rollout.advantages.reward},
                           {"reward_std", rollout.advantages.reward_std},
                           {"frac_reward_zero_std", rollout.advantages.frac_reward_zero_std},
                           {"rewards/unjudged", static_cast<double>(rollout.advantages.unjudged)},
                           {"completions/min_length", min_length},
                           {"completions/max_length", max_length},
                           {"loss", totals.sums.loss / static_cast<double>(totals.updates)},
                           {"entropy", totals.sums.mean_entropy()},
                           {"clip_ratio/low_mean", totals.sums.clip_ratio_low_mean()},
                           {"clip_ratio/high_mean", totals.sums.clip_ratio_high_mean()},
                           {"clip_ratio/region_mean", totals.sums.clip_ratio_region_mean()},
                           {"approx_kl", totals.sums.mean_approx_kl()},
                           {"sampling/sampling_logp_difference/max", totals.difference.max},
                           {"sampling/sampling_logp_difference/mean", totals.difference.mean()},
                           {"grad_norm", totals.grad_norm / static_cast<double>(totals.updates)},
                           {"learning_rate", totals.learning_rate},
                           {"num_tokens", static_cast<double>(report_.tokens)},
                           {"operations", report_.operations},
                           {"sampling_operations", report_.sampling_operations},
                           {"step_time", done.seconds},
                           {"step_time/judge", rollout.sampled.judge_seconds},
                           {"step_time/update", done.update_seconds}};
    train::AddAccuracy(accuracy, metrics);
    if (reference_) metrics.emplace_back("kl", totals.sums.mean_kl());
    if (totals.importance.count > 0) {
      metrics.emplace_back("sampling/importance_sampling_ratio/min", totals.importance.min);
      metrics.emplace_back("sampling/importance_sampling_ratio/mean", totals.importance.mean());
      metrics.emplace_back("sampling/importance_sampling_ratio/max", totals.importance.max);
    }
    for (const train::JudgeSpec& judge : panel_.judges()) {
      double sum = 0;
      int64_t judged = 0;
      for (const Sample& sample : rollout.sampled.samples) {
        for (const auto& [name, verdict] : sample.verdicts) {
          if (name != judge.name || verdict.status == VerdictStatus::kUnjudged) continue;
          sum += verdict.score;
          ++judged;
        }
      }
      metrics.emplace_back("rewards/" + judge.name + "/mean",
                           judged > 0 ? sum / static_cast<double>(judged) : NAN);
    }
    train::AddOutcomes(rollout.sampled.samples, metrics);
    train::AddMaxViolation(done.violations, metrics);
    return metrics;
  }

  const train::StageContext& context_;
  const GrpoOptions& options_;
  Json about_problems_ = Json::object();
  std::vector<Problem> problems_;
  train::ShuffledOrder order_;
  train::RewardPanel panel_;
  train::JudgeWarnings warnings_;
  train::Learner learner_;
  std::unique_ptr<model::LanguageModel> reference_;
  nn::Precision rollout_precision_;  // the model's, or one of its own
  double active_;
  train::StageReport report_;
  int64_t completions_ = 0, unjudged_ = 0;  // of the whole stage
};

}  // namespace

void GrpoOptions::Validate(const std::string& where) const {
  RETORT_CHECK(
      !sampling.Truncates() && !sampling.Penalizes(), where,
      ": top_k, top_p, min_p and penalties change what is sampled but not the "
      "log-probabilities that are trained on. Leave them at 0, 1 and 0, repetition_penalty "
      "at 1 and the others at 0 in a grpo stage");
  RETORT_CHECK(sampling.temperature > 0, where,
               ".temperature: got 0, but a group of greedy samples has no differences to learn "
               "from. Use a temperature above 0");
  RETORT_CHECK(num_generations >= 2, where,
               ".num_generations: got 1, but advantages compare the samples of a group. Use at "
               "least 2");
  RETORT_CHECK(
      !importance.clip_max || importance.clip_min.value_or(0) < *importance.clip_max, where,
      ".importance_sampling_clip_min: got ", importance.clip_min.value_or(0),
      ", expected less than importance_sampling_clip_max = ", importance.clip_max.value_or(0));
  RETORT_CHECK(minibatches <= prompts_per_step, where, ".minibatches: got ", minibatches,
               ", expected at most prompts_per_step = ", prompts_per_step);
}

train::StageReport RunGrpo(const train::StageContext& context, const GrpoOptions& options) {
  options.Validate(context.name);
  return GrpoStage(context, options).Run();
}

train::StageNeeds GrpoOptions::Needs() const {
  return {.problems = {{.role = train::ProblemsNeeded::Role::kLearn,
                        .key = "problems",
                        .options = &problems,
                        .completion = sampling.max_completion_length,
                        .judges = &reward,
                        .per_step = prompts_per_step}},
          .dtype = rollout_dtype,
          .stores_traces = true,
          .save_total_limit = save_total_limit};
}

const train::StageKind& GrpoKind() {
  static const train::StageKind kind = train::MakeStageKind<RunGrpo>(
      "grpo", "Samples groups of answers, judges them, and learns from the differences.", true,
      GrpoOptions());
  return kind;
}

}  // namespace retort::rl
