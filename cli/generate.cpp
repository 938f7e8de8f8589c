// retort generate: samples completions from a model folder. The same seed gives the same tokens,
// whatever the threads.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/option_flags.h"
#include "cli/progress.h"
#include "cli/prompt_template.h"
#include "datasets/jsonl.h"
#include "model/pretrained.h"
#include "rollout/engine.h"

namespace retort::cli {
namespace {

struct GenerateCommand {
  std::string folder;
  std::vector<std::string> prompts;
  std::string prompts_file;
  std::string prompt_column;
  int64_t samples = 1;
  int64_t seed = 0;
  rollout::SamplingOptions sampling;
  std::string prompt_template = "auto";
  nn::Precision precision;
  int threads = 0;
  bool json = false;
};

// Prompts of a file need no answers.
std::vector<std::string> ReadPrompts(const GenerateCommand& command) {
  std::vector<std::string> prompts = command.prompts;
  if (command.prompts_file.empty()) return prompts;
  datasets::JsonlOptions columns;
  columns.prompt_column = command.prompt_column;
  columns.answer_column = "answer";
  datasets::JsonlReader reader(command.prompts_file);
  for (datasets::JsonlLine line; reader.Next(line);) {
    RETORT_CHECK(line.row, line.error);
    line.row->erase("solution");
    (*line.row)["answer"] = "";
    prompts.push_back(
        datasets::ProblemFromRow(*line.row, columns, reader.Where(line.number), "").prompt);
  }
  RETORT_CHECK(!prompts.empty(), command.prompts_file, ": holds no prompts");
  return prompts;
}

std::vector<int32_t> EncodePrompt(const model::Tokenizer& tokenizer,
                                  std::optional<model::PromptTemplate> prompt_template,
                                  const std::string& prompt) {
  if (prompt_template) return model::RenderPrompt(tokenizer, *prompt_template, prompt);
  std::vector<int32_t> ids = tokenizer.Encode(prompt, model::AddedTokens::kMatch);
  if (tokenizer.bos_id()) ids.insert(ids.begin(), *tokenizer.bos_id());
  return ids;
}

std::vector<rollout::Request> MakeRequests(const GenerateCommand& command,
                                           const model::Pretrained& pretrained,
                                           const std::vector<std::string>& prompts) {
  std::vector<int32_t> stop_ids(pretrained.generation.eos_token_id.begin(),
                                pretrained.generation.eos_token_id.end());
  if (stop_ids.empty()) stop_ids = model::StopIds(pretrained.tokenizer);
  const auto prompt_template = ChooseTemplate(command.prompt_template, command.folder);
  std::vector<rollout::Request> requests;
  for (size_t i = 0; i < prompts.size(); ++i) {
    requests.push_back(
        {.id = static_cast<int64_t>(i),
         .prompt = EncodePrompt(pretrained.tokenizer, prompt_template, prompts[i]),
         .samples = command.samples,
         .sampling = command.sampling,
         .stop_ids = stop_ids,
         .stream = {
             .seed = static_cast<uint64_t>(command.seed), .purpose = "generate", .problem = i}});
  }
  return requests;
}

int Generate(const GenerateCommand& command) {
  CatchInterrupts();
  const std::vector<std::string> prompts = ReadPrompts(command);
  const Executor executor(command.threads);
  nn::Compute compute(executor, command.precision);
  model::Pretrained pretrained = model::LoadPretrained(command.folder, compute);
  rollout::RolloutEngine engine(*pretrained.model, compute, &pretrained.tokenizer);

  Progress progress("generate");
  const double total = static_cast<double>(prompts.size()) * static_cast<double>(command.samples);
  double done = 0;
  const rollout::GenerateHooks hooks{
      .on_finished = [&](size_t, const Trajectory&) { ++done; },
      .stop =
          [&] {
            progress.Update(done, total, StrCat(engine.stats().decoded_tokens, " tokens"));
            return Interrupted();
          }};
  const auto results = rollout::Generate(engine, MakeRequests(command, pretrained, prompts), hooks);
  progress.Clear();

  Json completions = Json::array();
  for (size_t i = 0; i < results.size(); ++i) {
    for (const Trajectory& t : results[i]) {
      const std::string text = pretrained.tokenizer.Decode(t.completion);
      if (command.json) {
        completions.push_back({{"prompt", prompts[i]},
                               {"sample", t.sample},
                               {"text", text},
                               {"finish_reason", EnumName(t.finish)},
                               {"length", t.completion.size()},
                               {"prompt_ids", t.prompt},
                               {"completion_ids", t.completion},
                               {"logprobs", t.logprobs}});
        continue;
      }
      if (total > 1) {
        std::cout << "[prompt " << i + 1 << ", sample " << t.sample + 1 << ", "
                  << t.completion.size() << " tokens, " << EnumName(t.finish) << "]\n";
      }
      std::cout << text << "\n";
    }
  }
  if (command.json) std::cout << ToJsonLine({{"completions", completions}}) << "\n";
  return kSuccess;
}

}  // namespace

void AddGenerate(CLI::App& program, Action& action) {
  auto command = std::make_shared<GenerateCommand>();
  CLI::App* app = program.add_subcommand("generate", "Sample completions from a model folder.");
  app->add_option("MODEL", command->folder, "A Hugging Face folder.")->required()->type_name("");
  CLI::Option_group* prompts = app->add_option_group("prompts");
  prompts->add_option("--prompt", command->prompts, "A question (may be repeated).")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  prompts
      ->add_option("--prompts", command->prompts_file,
                   "JSONL file of questions, or - for standard input.")
      ->type_name("FILE");
  prompts->require_option(1, 2);
  app->add_option("--prompt-column", command->prompt_column,
                  "Column of the questions; by default prompt, question, problem, messages, input.")
      ->type_name("COL");
  app->add_option("--samples", command->samples, "Completions per prompt. [default 1]")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20).description(""));
  app->add_option("--seed", command->seed, "Names the random numbers. [default 0]")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 53).description(""));
  AddOptionFlags(*app, ListFields(command->sampling));
  AddTemplateFlag(*app, command->prompt_template, true);
  AddPrecisionFlags(*app, command->precision);
  AddThreadsFlag(*app, command->threads);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] { action = [command] { return Generate(*command); }; });
}

}  // namespace retort::cli
