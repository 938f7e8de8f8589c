#include "distill/supervised.h"

#include <algorithm>
#include <cmath>

#include "train/accuracy.h"
#include "train/evaluation.h"

namespace retort::distill {
namespace {

// Samples the model on the probe's problems; the reasoning accuracy of the worst family.
class Probe {
 public:
  Probe(const train::StageContext& context, const SupervisedOptions& options)
      : context_(context),
        options_(options.until),
        problems_(train::ProblemsOf(context, options_.problems,
                                    options_.sampling.max_completion_length, about_problems_)),
        panel_(context.Panel(options.reward)),
        warnings_(context, panel_) {}

  double Measure(int64_t step, train::Metrics& metrics) {
    train::SampleJob job{.problems = &problems_,
                         .chosen = train::Indices(0, std::ssize(problems_)),
                         .samples = options_.samples,
                         .sampling = options_.sampling,
                         .seed = context_.seed,
                         .purpose = context_.Purpose("probe"),
                         .step = step};
    train::AccuracyTable table;
    const train::SampleResult result =
        train::SampleProblems(train::SamplingOf(context_, panel_), job);
    table.Add(result.samples, problems_);
    warnings_.Look(step, result.samples);
    double worst = 1;
    for (const auto& [family, accuracy] : table.families) {
      const double reached = accuracy.reasoning_accuracy();
      worst = std::min(worst, std::isnan(reached) ? 0 : reached);  // unjudged: not reached
      metrics.emplace_back("probe/reasoning_accuracy/" + family, accuracy.reasoning_accuracy());
      metrics.emplace_back("probe/direct_accuracy/" + family, accuracy.direct_accuracy());
    }
    metrics.emplace_back("probe/accuracy", table.all.accuracy());
    metrics.emplace_back("probe/unjudged", static_cast<double>(table.all.unjudged));
    metrics.emplace_back("probe/unjudged_share", table.all.unjudged_share());
    metrics.emplace_back("probe/reasoning_share", table.all.reasoning_share());
    metrics.emplace_back("probe/reasoning_accuracy", table.all.reasoning_accuracy());
    return worst;
  }

 private:
  const train::StageContext& context_;
  const ProbeOptions& options_;
  Json about_problems_ = Json::object();
  std::vector<Problem> problems_;
  train::RewardPanel panel_;
  train::JudgeWarnings warnings_;
};

}  // namespace

train::StageReport RunSupervised(const train::StageContext& context,
                                 const SupervisedOptions& options) {
  Json about = Json::object();
  const std::vector<Problem> problems =
      train::ProblemsOf(context, options.problems, std::nullopt, about);
  for (const Problem& problem : problems) {
    RETORT_CHECK(!problem.answer.empty(), context.name, ": problem '", problem.id,
                 "' has no answer to learn");
  }
  train::ShuffledOrder order(static_cast<int64_t>(problems.size()), context.seed,
                             context.Purpose("examples"));
  NextTokenTask task;
  task.examples = static_cast<int64_t>(problems.size());
  task.example = [&](int64_t n) {
    const Problem& problem = problems[static_cast<size_t>(order.At(n))];
    // One for each example, so that a resumed run tosses the same.
    RandomStream coin({context.seed, context.Purpose("reasoning"), 0, static_cast<uint64_t>(n)});
    train::LearnGroup group = train::WorkedGroup(context.tokenizer, context.prompt_template,
                                                 problem, coin.Uniform() < options.reasoning_share);
    group.learn_prompt = options.learn_prompt;
    return group;
  };
  std::unique_ptr<Probe> probe;
  if (options.until.every > 0) {
    probe = std::make_unique<Probe>(context, options);
    task.probe_every = options.until.every;
    task.decay_at = options.until.decay_reasoning_accuracy;
    task.end_at = options.until.min_reasoning_accuracy;
    task.probe = [&](int64_t step, train::Metrics& metrics) {
      return probe->Measure(step, metrics);
    };
  }
  train::StageReport report = TrainNextToken(context, options.training, task);
  report.details.update(about);
  return report;
}

train::StageNeeds SupervisedOptions::Needs() const {
  using Role = train::ProblemsNeeded::Role;
  train::StageNeeds needs{
      .problems = {{.role = Role::kLearn, .key = "problems", .options = &problems}},
      .save_total_limit = training.save_total_limit};
  if (until.every > 0) {
    needs.problems.push_back({.role = Role::kProbe,
                              .key = "until.problems",
                              .options = &until.problems,
                              .completion = until.sampling.max_completion_length,
                              .judges = &reward});
  }
  return needs;
}

const train::StageKind& PretrainKind() {
  SupervisedOptions options;
  options.learn_prompt = true;
  static const train::StageKind kind = train::MakeStageKind<RunSupervised>(
      "pretrain", "Learns worked problems from scratch, every token of them.", true, options);
  return kind;
}

const train::StageKind& SftKind() {
  static const train::StageKind kind = train::MakeStageKind<RunSupervised>(
      "sft", "Learns worked problems, the completion's tokens only.", true, SupervisedOptions());
  return kind;
}

}  // namespace retort::distill
