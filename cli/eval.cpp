// retort eval: samples a model on problems and judges what it says. The same seed gives the same
// answers, whatever the threads.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <numeric>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/judge_flags.h"
#include "cli/option_flags.h"
#include "cli/progress.h"
#include "cli/prompt_template.h"
#include "cli/table.h"
#include "datasets/trace_store.h"
#include "model/pretrained.h"
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
  rollout::SamplingOptions sampling;
  std::string prompt_template = "auto";
  std::string out;
  nn::Precision precision;
  int threads = 0;
  bool json = false;
};

// Nothing is said of modes that did not occur.
Json ToJson(const train::Accuracy& accuracy) {
  const bool reasons = accuracy.reasoning > 0, direct = accuracy.reasoning < accuracy.count;
  return {
      {"accuracy", train::NumberOrNull(accuracy.accuracy())},
      {"completions", accuracy.count},
      {"unjudged", accuracy.unjudged},
      {"mean_completion_length", accuracy.mean_length()},
      {"finished", train::Accuracy::Share(accuracy.finished, accuracy.count)},
      {"reasoning", accuracy.reasoning_share()},
      {"accuracy_reasoning", reasons ? train::NumberOrNull(accuracy.reasoning_accuracy()) : Json()},
      {"accuracy_direct", direct ? train::NumberOrNull(accuracy.direct_accuracy()) : Json()}};
}

std::vector<std::string> RowOf(const std::string& name, const train::Accuracy& accuracy) {
  return {name,
          Thousands(accuracy.count),
          Percent(accuracy.accuracy()),
          Thousands(accuracy.unjudged),
          Fixed(accuracy.mean_length(), 1),
          Percent(train::Accuracy::Share(accuracy.finished, accuracy.count)),
          Percent(accuracy.reasoning_share()),
          accuracy.reasoning > 0 ? Percent(accuracy.reasoning_accuracy()) : "-",
          accuracy.reasoning < accuracy.count ? Percent(accuracy.direct_accuracy()) : "-"};
}

// Takes the problems that are too long away, where they are to be skipped.
train::SampleResult Sample(const EvalCommand& command, const train::RewardPanel& panel,
                           std::vector<Problem>& problems) {
  const Executor executor(command.threads);
  nn::Compute compute(executor, command.precision);
  model::Pretrained pretrained = model::LoadPretrained(command.folder, compute);
  const auto prompt_template = ChooseTemplate(command.prompt_template, command.folder);
  RETORT_CHECK(prompt_template, command.folder,
               ": its chat template is none of Retort's; choose one with --template");
  const train::Overlongs overlong = train::FindOverlong(
      problems, command.problems,
      {pretrained.tokenizer, *prompt_template, train::Positions(pretrained.model->config()),
       command.sampling.max_completion_length});
  if (!overlong.problems.empty()) {
    train::Remove(overlong, problems);
    RETORT_CHECK(command.problems.overlong == train::Overlong::kSkip && !problems.empty(),
                 overlong.Text(),
                 ". Skip them with --overlong skip, or lower --max-completion-length");
    std::cerr << "retort: " << overlong.Text() << "; they are skipped\n";
  }
  Progress progress("eval");
  const double total = static_cast<double>(problems.size()) * static_cast<double>(command.samples);
  const train::SampleContext context{
      .model = *pretrained.model,
      .compute = compute,
      .tokenizer = pretrained.tokenizer,
      .prompt_template = *prompt_template,
      .panel = panel,
      .engine = {},
      .progress = [&](int64_t done) { progress.Update(static_cast<double>(done), total); },
      .stop = Interrupted};
  train::SampleJob job;
  job.problems = &problems;
  job.chosen.resize(problems.size());
  std::iota(job.chosen.begin(), job.chosen.end(), 0);
  job.samples = command.samples;
  job.sampling = command.sampling;
  job.seed = static_cast<uint64_t>(command.seed);
  job.purpose = "eval";
  return train::SampleProblems(context, job);
}

int Eval(const EvalCommand& command) {
  CatchInterrupts();
  const train::RewardPanel panel(command.judges.Judges(), command.judges.Where());
  std::vector<Problem> problems = train::GetProblems(command.problems);
  const train::SampleResult result = Sample(command, panel, problems);
  for (const train::JudgeSpec& judge : panel.judges()) {
    const std::string idle = train::IdleJudge(judge.name, result.traces);
    if (!idle.empty()) std::cerr << "retort: warning: " << idle << "\n";
  }
  if (const std::string failed = train::FailedJudge(result.traces); !failed.empty()) {
    std::cerr << "retort: warning: " << failed << "\n";
  }
  train::AccuracyTable accuracy;
  accuracy.Add(result);
  if (!command.out.empty()) {
    AtomicFile out(command.out);
    for (const Trace& trace : result.traces) {
      out.Write(ToJsonLine(datasets::TraceToJson(trace, false)) + "\n");
    }
    out.Commit();
  }
  const double speed = static_cast<double>(accuracy.all.tokens) / std::max(result.seconds, 1e-9);
  if (command.json) {
    Json json = ToJson(accuracy.all);
    json["problems"] = problems.size();
    json["seconds"] = result.seconds;
    json["tokens_per_second"] = speed;
    for (const auto& [family, counts] : accuracy.families)
      json["families"][family] = ToJson(counts);
    std::cout << ToJsonLine(json) << "\n";
    return kSuccess;
  }
  Table table{{"family", "completions", "accuracy", "unjudged", "length", "finished", "reasoning",
               "right if reasoning", "right if direct"},
              {}};
  for (const auto& [family, counts] : accuracy.families) {
    table.rows.push_back(RowOf(family, counts));
  }
  if (accuracy.families.size() > 1) table.rows.push_back(RowOf("all", accuracy.all));
  std::cout << FormatTable(table);
  std::cerr << "retort: " << Thousands(accuracy.all.tokens) << " tokens in "
            << Duration(result.seconds) << ", " << Fixed(speed, 0) << " a second\n";
  return kSuccess;
}

}  // namespace

void AddEval(CLI::App& program, Action& action) {
  auto command = std::make_shared<EvalCommand>();
  command->problems.split = datasets::Split::kHeldOut;
  CLI::App* app = program.add_subcommand("eval", "Measure a model's accuracy on problems.");
  app->add_option("MODEL", command->folder, "A Hugging Face folder.")->required()->type_name("");
  AddOptionFlags(*app, ListFields(command->problems));
  AddJudgeFlags(*app, command->judges);
  app->add_option("--samples", command->samples, "Completions per problem. [default 1]")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20).description(""));
  app->add_option("--seed", command->seed, "Names the random numbers. [default 0]")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 53).description(""));
  AddOptionFlags(*app, ListFields(command->sampling));
  AddTemplateFlag(*app, command->prompt_template, false);
  app->add_option("--out", command->out, "Write every completion and its verdicts as JSON Lines.")
      ->type_name("FILE");
  AddPrecisionFlags(*app, command->precision);
  AddThreadsFlag(*app, command->threads);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] { action = [command] { return Eval(*command); }; });
}

}  // namespace retort::cli
