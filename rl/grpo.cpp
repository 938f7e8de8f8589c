#include "rl/grpo.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "model/cost.h"
#include "train/evaluation.h"

namespace retort::rl {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

/// One rollout, judged, with its advantages.
struct Rollout {
  train::SampleResult samples;
  Advantages advantages;
  std::vector<double> values;             // per trace, after the control's shuffle
  std::vector<train::LearnGroup> groups;  // prompt g and its completions
  // Per trace, of the policy as it learns: empty where that is how it was sampled, or before the
  // only update, whose pass finds them.
  std::vector<std::vector<float>> old_logp;
};

/// Between the log-probabilities of the rollout and those of the policy that is about to learn.
struct LogpDifference {
  float max = 0;
  double sum = 0;
  int64_t count = 0;

  void Add(std::span<const float> learned, std::span<const float> sampled) {
    for (size_t i = 0; i < learned.size(); ++i) {
      const float difference = std::abs(learned[i] - sampled[i]);
      max = std::max(max, difference);
      sum += difference;
      ++count;
    }
  }
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

class GrpoStage {
 public:
  GrpoStage(const train::StageContext& context, const GrpoOptions& options)
      : context_(context),
        options_(options),
        problems_(train::GetProblems(options.problems)),
        order_(static_cast<int64_t>(problems_.size()), context.seed, context.Purpose("prompts")),
        panel_(options.reward, context.name + ".reward"),
        learner_(context.model, context.compute, options.optimizer, options.balance),
        active_(static_cast<double>(model::CountParameters(context.model.config()).active)) {
    const nn::Dtype dtype = options.rollout_dtype.value_or(context.compute.dtype);
    if (dtype != context.compute.dtype) {
      rollout_compute_.emplace(context.compute.executor,
                               nn::Precision{dtype, context.compute.cache_dtype});
    }
    if (options.loss.beta != 0) {
      reference_ = model::NewModel(context.model.config(), 0, context.compute);
      model::CopyWeights(context.model, *reference_, context.compute);
    }
    if (!context.checkpoint.empty()) {
      train::LoadOptimizer(context.checkpoint, context.model, learner_.optimizer());
      if (reference_) train::LoadReference(context.checkpoint, *reference_, context.compute);
      report_.tokens = context.state.value("tokens", int64_t{0});
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
    if (!stop) context_.save(Progress(step));
    return report_;
  }

 private:
  // The steps of the whole stage as far as is known after `done`.
  int64_t Expected(int64_t done) const {
    return options_.budget.ExpectedSteps(options_.steps, done, report_.operations);
  }

  train::StageProgress Progress(int64_t step) {
    return {.step = step,
            .state = {{"tokens", report_.tokens},
                      {"operations", report_.operations},
                      {"sampling_operations", report_.sampling_operations}},
            .optimizer = &learner_.optimizer(),
            .reference = reference_.get()};
  }

  Rollout Sample(int64_t step) {
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
    nn::Compute& compute = rollout_compute_ ? *rollout_compute_ : context_.compute;
    if (rollout_compute_) {
      compute.profile = context_.compute.profile;
      context_.model.Pack(compute);
    }
    rollout.samples = train::SampleProblems(train::SamplingOf(context_, panel_, compute), job);
    if (rollout_compute_) context_.model.Pack(context_.compute);
    std::vector<std::optional<double>> rewards;
    for (const train::Judgement& judgement : rollout.samples.judgements) {
      rewards.push_back(judgement.reward);
    }
    const std::vector<int64_t> sizes(job.chosen.size(), options_.num_generations);
    rollout.advantages = ComputeAdvantages(options_.advantage, rewards, sizes);
    rollout.values = rollout.advantages.values;
    for (size_t g = 0; g < job.chosen.size(); ++g) {
      const auto first = static_cast<int64_t>(g) * options_.num_generations;
      if (options_.shuffle_advantages) ShuffleGroup(rollout.values, first, step);
      train::LearnGroup& group = rollout.groups.emplace_back();
      for (int64_t i = first; i < first + options_.num_generations; ++i) {
        Trace& trace = rollout.samples.traces[static_cast<size_t>(i)];
        trace.advantage = rollout.values[static_cast<size_t>(i)];
        group.prompt = trace.trajectory.prompt;
        group.completions.push_back(trace.trajectory.completion);
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

  /// The traces of one piece of a group, as the loss wants them.
  struct PieceBatch {
    std::vector<int64_t> offsets{0};
    std::vector<double> advantages;
    std::vector<uint8_t> truncated;
    std::vector<float> old_logp, sampling_logp;

    /// `old` is what the learning policy gave the tokens, when that is known.
    void Add(const Trace& trace, std::span<const float> old) {
      const Trajectory& t = trace.trajectory;
      offsets.push_back(offsets.back() + static_cast<int64_t>(t.completion.size()));
      advantages.push_back(trace.advantage);
      truncated.push_back(t.finish == FinishReason::kLength);
      sampling_logp.insert(sampling_logp.end(), t.logprobs.begin(), t.logprobs.end());
      old_logp.insert(old_logp.end(), old.begin(), old.end());
    }
    PolicyBatch View() const {
      PolicyBatch batch;
      batch.offsets = offsets;
      batch.advantages = advantages;
      batch.truncated = truncated;
      batch.old_logp = old_logp;
      return batch;
    }
  };

  /// Groups [begin, end) of a rollout and their traces.
  struct Part {
    const Rollout& rollout;
    size_t begin, end;
    int64_t samples;  // of each group

    std::span<const train::LearnGroup> groups() const {
      return std::span(rollout.groups).subspan(begin, end - begin);
    }
    size_t Index(int64_t group, int64_t sample) const {
      return (begin + static_cast<size_t>(group)) * static_cast<size_t>(samples) +
             static_cast<size_t>(sample);
    }
    void AddTo(PieceBatch& arrays, const train::GroupPiece& piece) const {
      for (int64_t i = piece.first; i < piece.first + piece.count; ++i) {
        const size_t t = Index(piece.group, i);
        const Trace& trace = rollout.samples.traces[t];
        arrays.Add(trace,
                   rollout.old_logp.empty() ? trace.trajectory.logprobs : rollout.old_logp[t]);
      }
    }
  };

  /// body(batch, pieces) for each micro-batch.
  template <class Body>
  void ForMicroBatches(std::span<const train::LearnGroup> groups, const Body& body) const {
    for (const auto& pieces : train::CutIntoMicroBatches(groups, options_.micro_batch_tokens)) {
      train::MicroBatch micro;
      for (const train::GroupPiece& piece : pieces) micro.Add(train::TakePiece(groups, piece));
      body(micro, pieces);
    }
  }

  /// What the policy that learns gives to the tokens that another precision has sampled.
  std::vector<std::vector<float>> OldLogp(const Part& all) {
    std::vector<std::vector<float>> old(all.rollout.samples.traces.size());
    ForMicroBatches(all.groups(), [&](const train::MicroBatch& micro, const auto& pieces) {
      const train::Scores scores = learner_.Score(micro, temperature());
      auto next = scores.logprob.begin();
      for (const train::GroupPiece& piece : pieces) {
        for (int64_t i = piece.first; i < piece.first + piece.count; ++i) {
          const size_t t = all.Index(piece.group, i);
          const auto count = all.rollout.samples.traces[t].trajectory.completion.size();
          old[t].assign(next, next + static_cast<std::ptrdiff_t>(count));
          next += static_cast<std::ptrdiff_t>(count);
        }
      }
    });
    return old;
  }

  float temperature() const { return rollout::LogprobTemperature(options_.sampling); }

  /// One optimizer step, of `stage_updates` in the stage. `first`: of the rollout; `fresh`: on
  /// groups that this rollout's updates have not seen.
  void Update(const Part& part, bool first, bool fresh, int64_t stage_updates,
              UpdateTotals& totals) {
    PieceBatch whole;
    for (size_t g = 0; g < part.groups().size(); ++g) {
      part.AddTo(whole, {static_cast<int64_t>(g), 0, options_.num_generations});
    }
    LossTotals loss_totals{.max_completion_length = options_.sampling.max_completion_length};
    loss_totals.Add(options_.loss, whole.View());

    const bool corrects = rollout_compute_ && options_.importance.correction;
    ForMicroBatches(part.groups(), [&](const train::MicroBatch& micro, const auto& pieces) {
      PieceBatch arrays;
      for (const train::GroupPiece& piece : pieces) part.AddTo(arrays, piece);
      std::vector<float> ref_logp;
      if (reference_) {
        ref_logp = train::ScoreWith(*reference_, context_.compute, micro, temperature()).logprob;
      }
      totals.tokens += micro.batch().size();
      const double share =
          static_cast<double>(micro.sequences()) / static_cast<double>(loss_totals.sequences);
      learner_.Accumulate(micro, temperature(), share, [&](const train::Scores& scores) {
        if (rollout_compute_ && part.rollout.old_logp.empty()) arrays.old_logp = scores.logprob;
        if (rollout_compute_ ? fresh : first) {
          totals.difference.Add(rollout_compute_ ? arrays.old_logp : scores.logprob,
                                arrays.sampling_logp);
        }
        std::vector<float> importance;
        if (corrects) {
          ImportanceSums seen;
          importance = ImportanceWeights(options_.importance, arrays.offsets, arrays.old_logp,
                                         arrays.sampling_logp, fresh ? totals.importance : seen);
        }
        train::ScoreGradients gradients;
        gradients.logprob.resize(scores.logprob.size());
        gradients.entropy.resize(options_.loss.entropy_coef != 0 ? scores.entropy.size() : 0);
        PolicyBatch batch = arrays.View();
        batch.logp = scores.logprob;
        batch.ref_logp = ref_logp;
        batch.entropy = scores.entropy;
        batch.importance = importance;
        totals.sums.Add(
            PolicyLoss(options_.loss, loss_totals, batch, {gradients.logprob, gradients.entropy}));
        return gradients;
      });
    });
    totals.learning_rate =
        nn::LearningRate(options_.optimizer, learner_.optimizer().steps(), stage_updates);
    totals.grad_norm += learner_.Step(totals.learning_rate);
    ++totals.updates;
  }

  /// How far the first group's log-probabilities lie from those of float32, when they are rounded.
  std::optional<train::PrecisionError> Precision(const Rollout& rollout) {
    constexpr auto kFloat32 = nn::Dtype::kFloat32;
    nn::Compute& compute = context_.compute;
    if (compute.dtype == kFloat32 && compute.cache_dtype == kFloat32) return std::nullopt;
    train::MicroBatch batch;
    batch.Add(rollout.groups.front());
    return train::MeasurePrecision(context_.model, compute, batch, temperature());
  }

  void Step(int64_t step) {
    Profile* profile = context_.compute.profile;
    const Clock::time_point start = Clock::now();
    Rollout rollout = [&] {
      const ProfileScope scope(profile, 0, "rollout");
      return Sample(step);
    }();
    const Clock::time_point sampled = Clock::now();
    const ProfileScope scope(profile, 0, "update");

    const std::optional<train::PrecisionError> precision = Precision(rollout);
    UpdateTotals totals;
    const size_t count = rollout.groups.size();
    const auto parts = static_cast<size_t>(options_.minibatches);
    const int64_t updates = options_.num_iterations * options_.minibatches;
    if (rollout_compute_ && updates > 1) {
      rollout.old_logp = OldLogp({rollout, 0, count, options_.num_generations});
    }
    for (int64_t iteration = 0; iteration < options_.num_iterations; ++iteration) {
      for (size_t part = 0; part < parts; ++part) {
        const size_t begin = count * part / parts, end = count * (part + 1) / parts;
        Update({rollout, begin, end, options_.num_generations}, totals.updates == 0, iteration == 0,
               Expected(step) * updates, totals);
      }
    }
    const std::vector<double> violations = learner_.BalanceRouters();
    if (reference_ && options_.ref_model_sync_steps > 0 &&
        (step + 1) % options_.ref_model_sync_steps == 0) {
      model::CopyWeights(context_.model, *reference_, context_.compute);
    }

    const rollout::EngineStats& stats = rollout.samples.stats;
    report_.tokens += stats.decoded_tokens + totals.tokens;
    report_.operations += 6 * active_ * static_cast<double>(totals.tokens);
    report_.sampling_operations +=
        2 * active_ * static_cast<double>(stats.decoded_tokens + stats.prompt_tokens);
    datasets::StepRecord record{
        context_.Key(step), context_.name,
        StepMetrics(rollout, totals, violations, Seconds(start), Seconds(sampled)),
        rollout.samples.traces};
    if (precision) {
      record.metrics.emplace_back("precision/logp_difference/max", precision->max);
      record.metrics.emplace_back("precision/logp_difference/mean", precision->mean);
    }
    context_.recorder.Step(record);
    context_.Report(step + 1, Expected(step + 1), record.metrics);
  }

  train::Metrics StepMetrics(const Rollout& rollout, const UpdateTotals& totals,
                             const std::vector<double>& violations, double seconds,
                             double update_seconds) const {
    train::Accuracy accuracy;
    double min_length = std::numeric_limits<double>::infinity(), max_length = 0;
    for (size_t i = 0; i < rollout.samples.traces.size(); ++i) {
      const Trace& trace = rollout.samples.traces[i];
      accuracy.Add(trace, rollout.samples.judgements[i].correct);
      const auto length = static_cast<double>(trace.trajectory.completion.size());
      min_length = std::min(min_length, length);
      max_length = std::max(max_length, length);
    }
    train::Metrics metrics{{"reward", rollout.advantages.reward},
                           {"reward_std", rollout.advantages.reward_std},
                           {"frac_reward_zero_std", rollout.advantages.frac_reward_zero_std},
                           {"rewards/unjudged", static_cast<double>(rollout.advantages.unjudged)},
                           {"accuracy", accuracy.accuracy()},
                           {"reasoning/share", accuracy.reasoning_share()},
                           {"reasoning/accuracy", accuracy.reasoning_accuracy()},
                           {"reasoning/direct_accuracy", accuracy.direct_accuracy()},
                           {"completions/mean_length", accuracy.mean_length()},
                           {"completions/min_length", min_length},
                           {"completions/max_length", max_length},
                           {"completions/clipped_ratio",
                            1 - train::Accuracy::Share(accuracy.finished, accuracy.count)},
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
                           {"step_time", seconds},
                           {"step_time/judge", rollout.samples.judge_seconds},
                           {"step_time/update", update_seconds}};
    if (reference_) metrics.emplace_back("kl", totals.sums.mean_kl());
    if (totals.importance.count > 0) {
      metrics.emplace_back("sampling/importance_sampling_ratio/min", totals.importance.min);
      metrics.emplace_back("sampling/importance_sampling_ratio/mean", totals.importance.mean());
      metrics.emplace_back("sampling/importance_sampling_ratio/max", totals.importance.max);
    }
    for (size_t j = 0; j < options_.reward.size(); ++j) {
      double sum = 0;
      int64_t judged = 0;
      for (const train::Judgement& judgement : rollout.samples.judgements) {
        const Verdict& verdict = judgement.verdicts[j].verdict;
        if (verdict.status == VerdictStatus::kUnjudged) continue;
        sum += verdict.score;
        ++judged;
      }
      metrics.emplace_back("rewards/" + options_.reward[j].verifier + "/mean",
                           judged > 0 ? sum / static_cast<double>(judged) : 0);
    }
    train::AddMaxViolation(violations, metrics);
    return metrics;
  }

  const train::StageContext& context_;
  const GrpoOptions& options_;
  std::vector<Problem> problems_;
  train::ShuffledOrder order_;
  train::RewardPanel panel_;
  train::Learner learner_;
  std::unique_ptr<model::LanguageModel> reference_;
  std::optional<nn::Compute> rollout_compute_;  // where the rollout has a precision of its own
  double active_;
  train::StageReport report_;
};

}  // namespace

void Validate(const GrpoOptions& options, const std::string& where) {
  RETORT_CHECK(!options.sampling.Truncates(), where,
               ": top_k, top_p and min_p change what is sampled but not the log-probabilities that "
               "are trained on. Leave them at 0, 1 and 0 in a grpo stage");
  RETORT_CHECK(options.sampling.temperature > 0, where,
               ".temperature: got 0, but a group of greedy samples has no differences to learn "
               "from. Use a temperature above 0");
  RETORT_CHECK(options.num_generations >= 2, where,
               ".num_generations: got 1, but advantages compare the samples of a group. Use at "
               "least 2");
  const ImportanceOptions& importance = options.importance;
  RETORT_CHECK(
      !importance.clip_max || importance.clip_min.value_or(0) < *importance.clip_max, where,
      ".importance_sampling_clip_min: got ", importance.clip_min.value_or(0),
      ", expected less than importance_sampling_clip_max = ", importance.clip_max.value_or(0));
  RETORT_CHECK(options.minibatches <= options.prompts_per_step, where, ".minibatches: got ",
               options.minibatches,
               ", expected at most prompts_per_step = ", options.prompts_per_step);
}

train::StageReport RunGrpo(const train::StageContext& context, const GrpoOptions& options) {
  Validate(options, context.name);
  return GrpoStage(context, options).Run();
}

}  // namespace retort::rl
