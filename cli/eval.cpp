// retort eval: samples a model on problems and judges what it says. The same seed gives the same
// answers, whatever the threads.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "base/plural.h"
#include "base/stopwatch.h"
#include "cli/commands.h"
#include "cli/judge_flags.h"
#include "cli/partial_output.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/model_argument.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/progress.h"
#include "cli/parts/table.h"
#include "cli/prompt_template.h"
#include "cli/sampling_flags.h"
#include "datasets/trace_store.h"
#include "model/pretrained.h"
#include "train/accuracy.h"
#include "train/evaluation.h"
#include "train/problems.h"

namespace retort::cli {
namespace {

struct EvalCommand {
  std::string folder;
  train::ProblemOptions problems;
  JudgeFlags judges;
  int64_t samples = 1;
  int64_t seed = 0;
  SamplingFlags sampling;
  std::string prompt_template = "auto";
  std::string system;
  std::string out;
  bool resume = false;
  nn::Precision precision;
  int threads = 0;
  bool json = false;
};

std::vector<std::string> RowOf(const std::string& name, const train::Accuracy& accuracy) {
  return {name,
          Thousands(accuracy.count),
          Percent(accuracy.accuracy()),
          Thousands(accuracy.unjudged),
          Fixed(accuracy.mean_length(), 1),
          Percent(accuracy.finished_share()),
          Percent(accuracy.reasoning_share()),
          Percent(accuracy.reasoning_accuracy()),
          Percent(accuracy.direct_accuracy())};
}

// What the rows of --out depend on.
Json Identity(const EvalCommand& command, const std::vector<Problem>& problems,
              const train::RewardPanel& panel) {
  Json texts = Json::array();
  for (const Problem& problem : problems) {
    texts.push_back({problem.id, problem.prompt, problem.answer, problem.extra});
  }
  Json judges = Json::array();
  for (const train::JudgeSpec& judge : panel.judges()) {
    judges.push_back({judge.verifier, judge.weight, judge.options});
  }
  return {"eval",
          model::HashOfModel(command.folder),
          std::move(texts),
          std::move(judges),
          command.samples,
          command.seed,
          WriteOptions(command.sampling.options),
          command.prompt_template,
          command.system,
          EnumName(command.precision.products),
          EnumName(command.precision.cache)};
}

// A row of --out, read back as far as the tables look at it.
Trace TraceFromRow(const std::string& row, const Problem& problem) {
  const Json json = ParseJson(row, "a row of FILE.partial");
  Trace trace;
  trace.problem = problem;
  trace.text = json.value("response", "");
  trace.trajectory.completion.resize(json.value("length", size_t{0}));
  for (const auto& [finish, name] : EnumNames(FinishReason{})) {
    if (json["finish_reason"] == name) trace.trajectory.finish = finish;
  }
  for (const Json& verdict : json["verdicts"]) {
    NamedVerdict& named = trace.verdicts.emplace_back();
    named.verifier = verdict.value("verifier", "");
    for (const auto& [status, name] : EnumNames(VerdictStatus{})) {
      if (verdict["verdict"] == name) named.verdict.status = status;
    }
    if (verdict["score"].is_number()) named.verdict.score = verdict["score"];
  }
  return trace;
}

struct Evaluation {
  train::AccuracyTable accuracy;  ///< of the problems that are done
  size_t problems_done = 0;
  int64_t tokens = 0;  ///< sampled now
  double seconds = 0;
  bool interrupted = false;
  bool out_is_standard_output = false;
};

// Gathers the judged samples of each problem and hands on the problems that are whole.
class Gatherer {
 public:
  Gatherer(const EvalCommand& command, const std::vector<Problem>& problems,
           std::vector<int64_t> chosen, PartialOutput& out, Evaluation& evaluation)
      : samples_(static_cast<size_t>(command.samples)),
        problems_(problems),
        chosen_(std::move(chosen)),
        out_(out),
        accuracy_(evaluation.accuracy),
        parts_(chosen_.size()),
        counts_(chosen_.size()) {}

  const std::vector<int64_t>& chosen() const { return chosen_; }
  /// The verdicts alone, to warn of judges that judge nothing.
  const std::vector<Sample>& judged() const { return judged_; }

  /// On any thread.
  void Add(size_t slot, const Sample& sample) {
    const std::lock_guard lock(mutex_);
    const size_t problem = slot / samples_;
    std::vector<Sample>& part = parts_[problem];
    part.resize(samples_);
    part[slot % samples_] = sample;
    if (++counts_[problem] < samples_) return;
    std::vector<std::string> rows;
    for (Sample& of_problem : part) {
      judged_.emplace_back().verdicts = of_problem.verdicts;
      Trace trace;
      static_cast<Sample&>(trace) = std::move(of_problem);
      trace.problem = problems_[static_cast<size_t>(chosen_[problem])];
      accuracy_.Add(trace);
      rows.push_back(ToJsonLine(datasets::TraceToJson(trace, false)));
    }
    out_.Add(chosen_[problem], std::move(rows));
    part = {};
  }

 private:
  size_t samples_;
  const std::vector<Problem>& problems_;
  std::vector<int64_t> chosen_;
  PartialOutput& out_;
  train::AccuracyTable& accuracy_;
  std::mutex mutex_;
  std::vector<std::vector<Sample>> parts_;
  std::vector<size_t> counts_;
  std::vector<Sample> judged_;
};

// Takes the problems that are too long away, where they are to be skipped.
Evaluation Evaluate(EvalCommand& command, std::vector<Problem>& problems) {
  const train::RewardPanel panel(command.judges.Judges(), command.judges.Where());
  const Executor executor(command.threads);
  nn::Compute compute(executor);
  const model::PackedModel pretrained =
      model::LoadPacked(command.folder, compute, command.precision);
  const model::ModelConfig& config = pretrained.weights->network().config();
  const auto frame = ChooseTemplate(command.prompt_template, command.folder, pretrained.tokenizer);
  RETORT_CHECK(frame, command.folder, ": has no chat template; choose a prompt with --template");
  const model::PromptFormat prompt_template(*frame, command.system);
  model::CheckSystem(prompt_template, "--system");
  rollout::SamplingOptions& sampling = command.sampling.options;
  if (!command.sampling.typed.contains("max_completion_length")) {
    size_t longest = 0;
    for (const Problem& problem : problems) {
      longest = std::max(
          longest,
          model::RenderPrompt(pretrained.tokenizer, prompt_template, problem.prompt).size());
    }
    int64_t& length = sampling.max_completion_length;
    length = FittingLength(config, static_cast<int64_t>(longest), length);
  }
  const train::Overlongs overlong =
      train::FindOverlong(problems, command.problems,
                          {pretrained.tokenizer, prompt_template, train::Positions(config),
                           sampling.max_completion_length});
  if (!overlong.problems.empty()) {
    train::Remove(overlong, problems);
    RETORT_CHECK(command.problems.overlong == train::Overlong::kSkip && !problems.empty(),
                 overlong.Text(),
                 ". Skip them with --overlong skip, or lower --max-completion-length");
    std::cerr << "retort: " << overlong.Text() << "; they are skipped\n";
  }
  PartialOutput out("retort eval", command.out, {command.folder, command.problems.file},
                    command.out.empty() ? Json() : Identity(command, problems, panel),
                    command.resume);

  Evaluation evaluation;
  evaluation.out_is_standard_output = out.is_standard_output();
  for (const auto& [item, rows] : out.items()) {  // of an interrupted command
    RETORT_CHECK(item >= 0 && item < static_cast<int64_t>(problems.size()), command.out,
                 ".partial: knows a problem ", item, ", but there are ", problems.size());
    for (const std::string& row : rows) {
      const Trace kept = TraceFromRow(row, problems.at(static_cast<size_t>(item)));
      panel.FromVerdicts(kept.verdicts);  // refuses those of other judges
      evaluation.accuracy.Add(kept);
    }
  }
  const int64_t tokens_before = evaluation.accuracy.all.tokens;
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < static_cast<int64_t>(problems.size()); ++i) {
    if (!out.Has(i)) chosen.push_back(i);
  }
  Gatherer gatherer(command, problems, std::move(chosen), out, evaluation);

  Progress progress("eval");
  const double total =
      static_cast<double>(gatherer.chosen().size()) * static_cast<double>(command.samples);
  const train::SampleContext context{
      .weights = pretrained.weights,
      .compute = compute,
      .tokenizer = pretrained.tokenizer,
      .generation = pretrained.generation,
      .prompt_template = prompt_template,
      .panel = panel,
      .engine = {},
      .progress = [&](int64_t done) { progress.Update(static_cast<double>(done), total); },
      .stop = Interrupted,
      .on_judged = [&](size_t slot, const Sample& sample) { gatherer.Add(slot, sample); }};
  train::SampleJob job;
  job.problems = &problems;
  job.chosen = gatherer.chosen();
  job.samples = command.samples;
  job.sampling = sampling;
  job.seed = static_cast<uint64_t>(command.seed);
  job.purpose = "eval";
  const Stopwatch watch;
  try {
    if (!job.chosen.empty()) train::SampleProblems(context, job);
    out.Finish();
  } catch (const Error&) {
    if (!Interrupted()) throw;
    evaluation.interrupted = true;
    progress.Clear();
    std::cerr << "retort: interrupted: "
              << out.AfterInterruption(
                     StrCat(out.items().size(), " of ", Counted(problems.size(), "problem")))
              << "\n";
  }
  for (const train::JudgeSpec& judge : panel.judges()) {
    const std::string idle = train::ManyUnjudged(judge.name, gatherer.judged());
    if (!idle.empty()) std::cerr << "retort: warning: " << idle << "\n";
  }
  if (const std::string failed = train::FailedJudge(gatherer.judged()); !failed.empty()) {
    std::cerr << "retort: warning: " << failed << "\n";
  }
  evaluation.seconds = watch.seconds();
  evaluation.problems_done = out.items().size();
  evaluation.tokens = evaluation.accuracy.all.tokens - tokens_before;
  return evaluation;
}

int Eval(EvalCommand command) {
  CatchInterrupts();
  command.folder = ModelFolder(command.folder);
  std::vector<Problem> problems = train::GetProblems(command.problems);
  const Evaluation evaluation = Evaluate(command, problems);
  const train::AccuracyTable& accuracy = evaluation.accuracy;
  const int code = evaluation.interrupted ? kInterrupted : kSuccess;
  const double speed = static_cast<double>(evaluation.tokens) / std::max(evaluation.seconds, 1e-9);
  // Traces and summary do not mix.
  std::ostream& summary = evaluation.out_is_standard_output ? std::cerr : std::cout;
  if (command.json) {
    Json json = train::ToJson(accuracy.all);
    json["problems"] = evaluation.problems_done;
    if (evaluation.interrupted) json["partial"] = true, json["problems_asked"] = problems.size();
    json["seconds"] = evaluation.seconds;
    json["tokens_per_second"] = speed;
    for (const auto& [family, counts] : accuracy.families) {
      json["families"][family] = train::ToJson(counts);
    }
    summary << ToJsonLine(json) << "\n";
    return code;
  }
  Table table{{"family", "completions", "accuracy", "unjudged", "length", "finished", "reasoning",
               "right if reasoning", "right if direct"},
              {}};
  for (const auto& [family, counts] : accuracy.families) {
    table.rows.push_back(RowOf(family, counts));
  }
  if (accuracy.families.size() > 1) table.rows.push_back(RowOf("all", accuracy.all));
  summary << FormatTable(table);
  if (evaluation.interrupted) {
    summary << "partial: " << evaluation.problems_done << " of "
            << Counted(problems.size(), "problem")
            << "; those left out took longest, so they are no random choice\n";
  }
  std::cerr << "retort: " << Thousands(evaluation.tokens) << " "
            << Plural(evaluation.tokens, "token") << " in " << Duration(evaluation.seconds) << ", "
            << Fixed(speed, 0) << " a second\n";
  return code;
}

}  // namespace

void AddEval(CLI::App& program, Action& action) {
  auto command = std::make_shared<EvalCommand>();
  command->problems.split = datasets::Split::kHeldOut;
  CLI::App* app = program.add_subcommand("eval", "Measure a model's accuracy on problems.");
  AddModelArgument(*app, command->folder);
  AddOptionFlags(*app, ListFields(command->problems));
  AddJudgeFlags(*app, command->judges);
  AddInteger(*app, "--samples", command->samples, {1, 1 << 20},
             "Completions per problem. [default 1]");
  AddSeedFlag(*app, command->seed);
  AddSamplingFlags(*app, command->sampling);
  DescribeFittingLength(*app);
  AddTemplateFlag(*app, command->prompt_template, false);
  AddSystemFlag(*app, command->system);
  AddPartialOutputFlags(*app, command->out, command->resume,
                        "Write every completion and its verdicts as JSON Lines.");
  AddPrecisionFlags(*app, command->precision);
  AddThreadsFlag(*app, command->threads);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] { action = [command] { return Eval(*command); }; });
}

}  // namespace retort::cli
