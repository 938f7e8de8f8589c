#include "distill/next_token.h"

#include <algorithm>
#include <cmath>

#include "base/stopwatch.h"
#include "model/cost.h"

namespace retort::distill {
namespace {

class NextTokenLoop {
 public:
  NextTokenLoop(const train::StageContext& context, const NextTokenOptions& options,
                const NextTokenTask& task)
      : context_(context),
        options_(options),
        task_(task),
        learner_(context.model, context.compute,
                 {options.optimizer, options.balance, context.reduce}),
        active_(static_cast<double>(model::CountParameters(context.model.config()).active)),
        total_(TotalSteps()),
        decay_from_(total_ - options.decay_steps),
        end_(total_) {
    if (!context.checkpoint.empty()) {
      train::LoadOptimizer(context.checkpoint, learner_.optimizer());
      report_.tokens = context.state.value("tokens", int64_t{0});
      report_.operations = context.state.value("operations", 0.0);
      decay_from_ = context.state.value("decay_from", decay_from_);
      end_ = context.state.value("end", end_);
      last_loss_ = context.state.value("last_loss", last_loss_);
      const Json evaluation = context.state.value("evaluation", Json::object());
      for (const auto& [name, value] : evaluation.items()) {
        evaluation_.emplace_back(name, value);
      }
    }
  }

  train::StageReport Run() {
    int64_t step = context_.first_step;
    bool stop = false;
    while (step < end_ && !options_.budget.Spent(report_.operations) && !stop) {
      Step(step++);
      stop = train::SaveWhenDue(context_, Progress(step), end_, options_.save_steps);
    }
    report_.steps = step;
    report_.interrupted = stop;
    report_.details["final_loss"] = last_loss_;
    for (const auto& [name, value] : evaluation_) report_.details[name] = value;
    if (!stop) context_.save(Progress(step));
    return report_;
  }

 private:
  int64_t TotalSteps() const {
    if (options_.num_train_epochs == 0) return options_.steps;
    return static_cast<int64_t>(
        std::ceil(options_.num_train_epochs * static_cast<double>(task_.examples) /
                  static_cast<double>(options_.batch_size)));
  }

  // The steps of the whole stage as far as is known after `done`.
  int64_t Expected(int64_t done, int64_t steps) const {
    return options_.budget.ExpectedSteps(steps, done, report_.operations);
  }

  double Rate(int64_t step) const {
    const int64_t total = Expected(step, total_);
    const double rate = nn::LearningRate(options_.optimizer, step, total);
    const int64_t decay_from = std::min(decay_from_, total - options_.decay_steps);
    if (step < decay_from || options_.decay_steps == 0) return rate;
    // Linear from the peak to the floor, and then the floor.
    const auto gone = static_cast<double>(step - decay_from);
    const double left = std::max(0.0, 1 - gone / static_cast<double>(options_.decay_steps));
    const double floor = options_.optimizer.min_lr_ratio;
    return rate * (floor + (1 - floor) * left);
  }

  train::StageProgress Progress(int64_t step) {
    train::StageProgress progress{.step = step,
                                  .state = {{"tokens", report_.tokens},
                                            {"operations", report_.operations},
                                            {"last_loss", last_loss_}},
                                  .optimizer = &learner_.optimizer()};
    // What a measurement has decided; the rest follows from the options, which may get more steps.
    if (decay_from_ != total_ - options_.decay_steps) progress.state["decay_from"] = decay_from_;
    if (end_ != total_) progress.state["end"] = end_;
    for (const auto& [name, value] : evaluation_) progress.state["evaluation"][name] = value;
    return progress;
  }

  bool Evaluates(int64_t step, bool last) const {
    const int64_t every = task_.evaluate_every;
    return task_.evaluate && (last || (every > 0 && (step + 1) % every == 0));
  }

  // What a measurement after `steps` steps means for the schedule.
  void Decide(int64_t steps, double measured) {
    if (steps < decay_from_ && measured >= task_.decay_at) {
      decay_from_ = steps;
    } else if (steps >= decay_from_ + options_.decay_steps && measured >= task_.end_at) {
      end_ = steps;
    }
  }

  void Step(int64_t step) {
    const Stopwatch watch;
    const std::vector<train::LearnGroup> groups = BatchOf(options_, task_, step);
    int64_t predictions = 0;
    for (const train::LearnGroup& group : groups) predictions += group.Predictions();
    auto sequences = std::ssize(groups);
    learner_.reduce().Totals(predictions, sequences);

    double loss = 0;
    int64_t tokens = 0;
    for (const auto& pieces : train::CutIntoMicroBatches(groups, options_.micro_batch_tokens)) {
      train::MicroBatch micro;
      for (const train::GroupPiece& piece : pieces) micro.Add(groups, piece);
      tokens += micro.batch().size();
      const double share = static_cast<double>(micro.sequences()) / static_cast<double>(sequences);
      learner_.Accumulate(micro, 1, share, [&](const train::Scores& scores) {
        for (const float logprob : scores.logprob) loss -= logprob;
        // Of the whole batch's predictions: how it is cut changes no gradient.
        const auto weight = static_cast<float>(-1.0 / static_cast<double>(predictions));
        return train::ScoreGradients{std::vector<float>(scores.logprob.size(), weight), {}};
      });
    }
    double balance_loss = learner_.balance_loss();
    learner_.reduce().Totals(loss, balance_loss);
    const double rate = Rate(step);
    const double norm = learner_.Step(rate);
    const std::vector<double> violations = learner_.BalanceRouters();
    last_loss_ = loss / static_cast<double>(predictions);
    report_.tokens += tokens;
    // Two a parameter and token forward, four backward.
    report_.operations += 6 * active_ * static_cast<double>(tokens);

    train::Metrics metrics{{"loss", last_loss_},
                           {"grad_norm", norm},
                           {"learning_rate", rate},
                           {"num_tokens", static_cast<double>(report_.tokens)},
                           {"operations", report_.operations}};
    if (balance_loss != 0) metrics.emplace_back("balance_loss", balance_loss);
    train::AddMaxViolation(violations, metrics);
    const bool probe = task_.probe && task_.probe_every > 0 && (step + 1) % task_.probe_every == 0;
    if (probe) Decide(step + 1, task_.probe(step, metrics));
    const bool last = step + 1 == end_ || options_.budget.Spent(report_.operations);
    const bool evaluate = Evaluates(step, last);
    if (evaluate) {
      evaluation_ = task_.evaluate();
      metrics.insert(metrics.end(), evaluation_.begin(), evaluation_.end());
    }
    metrics.emplace_back("step_time", watch.seconds());
    if (probe || evaluate || (step + 1) % options_.logging_steps == 0 || last) {
      context_.recorder.Step({context_.Key(step), context_.name, metrics});
    }
    context_.Report(step + 1, Expected(step + 1, end_), metrics);
  }

  const train::StageContext& context_;
  const NextTokenOptions& options_;
  const NextTokenTask& task_;
  train::Learner learner_;
  double active_;
  int64_t total_;       // steps if nothing ends the stage early
  int64_t decay_from_;  // first step of the decay
  int64_t end_;         // steps the stage will do
  double last_loss_ = 0;
  train::Metrics evaluation_;  // the last one
  train::StageReport report_;
};

}  // namespace

void NextTokenOptions::Validate(const std::string& where) const {
  RETORT_CHECK(decay_steps == 0 || optimizer.lr_scheduler_type == nn::Schedule::kConstant, where,
               ": decay_steps needs lr_scheduler_type \"constant\", got \"",
               EnumName(optimizer.lr_scheduler_type), "\"");
  RETORT_CHECK(num_train_epochs > 0 || decay_steps <= steps, where, ": decay_steps = ", decay_steps,
               " does not fit steps = ", steps);
}

std::vector<train::LearnGroup> BatchOf(const NextTokenOptions& options, const NextTokenTask& task,
                                       int64_t step) {
  std::vector<train::LearnGroup> groups;
  for (int64_t i = 0; i < options.batch_size; ++i) {
    for (train::LearnGroup& group : task.example(step * options.batch_size + i)) {
      groups.push_back(std::move(group));
    }
  }
  return groups;
}

train::StageReport TrainNextToken(const train::StageContext& context,
                                  const NextTokenOptions& options, const NextTokenTask& task) {
  options.Validate(context.name);
  return NextTokenLoop(context, options, task).Run();
}

}  // namespace retort::distill
