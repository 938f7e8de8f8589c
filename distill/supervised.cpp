#include "distill/supervised.h"

#include <algorithm>
#include <cmath>

#include "distill/perplexity.h"
#include "distill/text_data.h"
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

train::RowsPlace PlaceOf(const train::StageContext& context) {
  return {.tokenizer = context.tokenizer,
          .prompt_template = context.prompt_template.frame,
          .positions = train::Positions(context.model.config()),
          .seed = context.seed,
          .name = context.name,
          .threads = context.compute.executor.threads(),
          .stop = context.stop_requested};
}

NextTokenTask TextTask(TextData& data) {
  NextTokenTask task;
  task.examples = data.examples();
  task.example = [&data](int64_t n) { return data.Example(n); };
  return task;
}

// `problems` must outlive the task.
NextTokenTask ProblemTask(const train::StageContext& context, const SupervisedOptions& options,
                          const std::vector<Problem>& problems) {
  for (const Problem& problem : problems) {
    RETORT_CHECK(!problem.answer.empty(), context.name, ": problem '", problem.id,
                 "' has no answer to learn");
  }
  NextTokenTask task;
  task.examples = static_cast<int64_t>(problems.size());
  task.example = [&, order = train::ShuffledOrder(task.examples, context.seed,
                                                  context.Purpose("examples"))](int64_t n) mutable {
    const Problem& problem = problems[static_cast<size_t>(order.At(n))];
    // One for each example, so that a resumed run tosses the same.
    RandomStream coin({context.seed, context.Purpose("reasoning"), 0, static_cast<uint64_t>(n)});
    train::LearnGroup group = train::WorkedGroup(context.tokenizer, context.prompt_template,
                                                 problem, coin.Uniform() < options.reasoning_share);
    group.learn_prompt = options.learn_prompt;
    return std::vector{group};
  };
  return task;
}

train::Metrics Evaluate(const train::StageContext& context, const SupervisedOptions& options,
                        const EvalText& text) {
  model::Workspace workspace(context.compute);
  const TextScore score = text.Score(*context.model.Packed(context.compute), workspace,
                                     options.training.micro_batch_tokens);
  train::Metrics metrics{{"eval_loss", score.loss()}, {"eval_perplexity", score.perplexity()}};
  if (score.bytes > 0) metrics.emplace_back("eval_bits_per_byte", score.bits_per_byte());
  return metrics;
}

train::RowsLook LookAtRows(const SupervisedOptions& options, const train::RowsPlace& place) {
  train::RowsLook look;
  if (!options.text.train_files.empty()) {
    const auto data = std::make_shared<TextData>(options.text, place);
    look.warnings = data->Remarks();
    if (const std::string other = OtherTemplate(*data, place); !other.empty()) {
      look.warnings.push_back(other);
    }
    for (const TextFile& file : data->files()) {
      look.rows += file.counts().used();
      for (const train::RowPreview& row : file.counts().first) {
        if (look.first.size() < 3) look.first.push_back(row);
      }
    }
    look.batch = [data, &options](int64_t step) {
      return BatchOf(options.training, TextTask(*data), step);
    };
  }
  if (!options.text.eval_file.empty()) {
    const EvalText text(options.text.eval_file, options.text, place);
    if (std::ranges::count(options.text.train_files, options.text.eval_file) > 0) {
      look.warnings.push_back(options.text.eval_file +
                              ": is learned from, too, so its loss says nothing about other texts");
    } else {
      for (const std::string& remark : text.counts().Remarks()) look.warnings.push_back(remark);
    }
  }
  return look;
}

}  // namespace

train::StageReport RunSupervised(const train::StageContext& context,
                                 const SupervisedOptions& options) {
  options.Validate(context.name);
  Json about = Json::object();
  std::vector<Problem> problems;
  std::optional<TextData> data;
  std::optional<EvalText> text;
  NextTokenTask task;
  if (options.text.train_files.empty()) {
    problems = train::ProblemsOf(context, options.problems, std::nullopt, about);
    task = ProblemTask(context, options, problems);
  } else {
    data.emplace(options.text, PlaceOf(context));
    for (const std::string& remark : data->Remarks()) {
      context.Warn(StrCat("stage '", context.name, "': ", remark));
    }
    about["train_files"] = data->Report();
    task = TextTask(*data);
  }
  if (!options.text.eval_file.empty()) {
    text.emplace(options.text.eval_file, options.text, PlaceOf(context));
    about["eval_file"] = text->counts().ToJson();
    task.evaluate_every = options.text.eval_steps;
    task.evaluate = [&] { return Evaluate(context, options, *text); };
  }
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

void SupervisedOptions::Validate(const std::string& where) const {
  training.Validate(where);
  text.Validate(where);
  if (text.train_files.empty()) return;
  RETORT_CHECK(WriteOptions(problems) == WriteOptions(train::ProblemOptions()), where,
               ": learns from problems or from train_files, got both; remove one");
  RETORT_CHECK(reasoning_share == 1, where,
               ".reasoning_share: has no effect on train_files, whose rows are learned as they "
               "are; remove it");
}

train::StageNeeds SupervisedOptions::Needs() const {
  using Role = train::ProblemsNeeded::Role;
  train::StageNeeds needs{.save_total_limit = training.save_total_limit};
  if (text.train_files.empty()) {
    needs.problems.push_back({.role = Role::kLearn, .key = "problems", .options = &problems});
  }
  if (!text.train_files.empty() || !text.eval_file.empty()) {
    std::vector<std::string> files = text.train_files;
    if (!text.eval_file.empty()) files.push_back(text.eval_file);
    needs.rows = {
        .key = text.train_files.empty() ? "eval_file" : "train_files",
        .files = std::move(files),
        .look = [this](const train::RowsPlace& place) { return LookAtRows(*this, place); }};
  }
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
      "pretrain", "Learns worked problems from scratch, every token of them, or files of texts.",
      true, options);
  return kind;
}

const train::StageKind& SftKind() {
  static const train::StageKind kind = train::MakeStageKind<RunSupervised>(
      "sft",
      "Learns worked problems, the completion's tokens only, or files of conversations, "
      "completions and texts.",
      true, SupervisedOptions());
  return kind;
}

}  // namespace retort::distill
