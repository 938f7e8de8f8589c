// retort generate: samples completions of a model. The same seed gives the same tokens, whatever
// the threads, and whether the command was interrupted or not: a prompt's random numbers have its
// place in the list as their name. A single completion is printed as it comes.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/plural.h"
#include "base/stopwatch.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/partial_output.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/model_argument.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/progress.h"
#include "cli/parts/table.h"
#include "cli/prompt_template.h"
#include "cli/sampling_flags.h"
#include "datasets/jsonl.h"
#include "model/pretrained.h"
#include "model/text_stream.h"
#include "rollout/engine.h"

namespace retort::cli {
namespace {

struct GenerateCommand {
  std::string folder;
  std::vector<std::string> prompts;
  std::string prompts_file;
  std::string prompt_column;
  std::string text_file;  ///< one prompt
  int64_t samples = 1;
  int64_t seed = 0;
  SamplingFlags sampling;
  bool ignore_eos = false;
  bool skip_special_tokens = false;
  bool stream = true;
  bool verbose = false;
  std::string prompt_template = "auto";
  std::string system;
  int64_t skip = 0;
  std::string out;
  bool resume = false;
  nn::Precision precision;
  int threads = 0;
  bool json = false;
};

// Prompts of a file need no answers.
std::vector<std::string> ReadPrompts(const GenerateCommand& command) {
  std::vector<std::string> prompts = command.prompts;
  if (!command.text_file.empty()) {
    std::string text = ReadFile(command.text_file);
    if (text.ends_with('\n')) text.pop_back();
    prompts.push_back(std::move(text));
  }
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

// Prompt i of all of them.
rollout::Request MakeRequest(const GenerateCommand& command, const model::PackedModel& pretrained,
                             const PromptEncoder& encode, const std::string& prompt, size_t i) {
  return {
      .id = static_cast<int64_t>(i),
      .prompt = encode(prompt),
      .samples = command.samples,
      .sampling = command.sampling.options,
      .stop_ids = command.ignore_eos ? std::vector<int32_t>()
                                     : model::StopIds(pretrained.generation, pretrained.tokenizer),
      .stream = {.seed = static_cast<uint64_t>(command.seed), .purpose = "generate", .problem = i}};
}

// What the rows of --out depend on.
Json Identity(const GenerateCommand& command, const std::vector<std::string>& prompts) {
  return {"generate",
          model::HashOfModel(command.folder),
          prompts,
          command.samples,
          command.seed,
          WriteOptions(command.sampling.options),
          command.ignore_eos,
          command.skip_special_tokens,
          command.prompt_template,
          command.system,
          EnumName(command.precision.products),
          EnumName(command.precision.cache)};
}

// Writes the prompts' completions in order, each prompt as soon as it and all before it are done.
class Printer {
 public:
  Printer(const GenerateCommand& command, size_t prompts)
      : json_(command.json),
        headings_(static_cast<int64_t>(prompts) * command.samples > 1),
        silent_(!command.out.empty() && command.out != "-"),
        lines_(command.out == "-"),
        next_(static_cast<size_t>(command.skip)) {}

  struct Completion {
    Json row;
    int64_t sample = 0;
    int64_t tokens = 0;
    std::string finish, text;
  };
  void Add(size_t prompt, std::vector<Completion> completions) {
    waiting_[prompt] = std::move(completions);
    for (; waiting_.contains(next_); waiting_.erase(next_++)) {
      for (const Completion& completion : waiting_[next_]) Print(completion);
    }
    std::cout.flush();
  }
  /// Prompts of the whole list that are written.
  size_t written() const { return next_; }
  void Finish(bool interrupted) const {
    if (!json_) return;
    if (first_) std::cout << kOpening;
    std::cout << (interrupted ? "],\"interrupted\":true}\n" : "]}\n");
  }

 private:
  static constexpr const char* kOpening = "{\"completions\":[";

  void Print(const Completion& c) {
    if (silent_) return;
    if (json_) {
      std::cout << (first_ ? kOpening : ",") << ToJsonLine(c.row);
    } else if (lines_) {
      std::cout << ToJsonLine(c.row) << "\n";
    } else {
      if (headings_) {
        std::cout << "[prompt " << next_ + 1 << ", sample " << c.sample + 1 << ", "
                  << Counted(c.tokens, "token") << ", " << c.finish << "]\n";
      }
      std::cout << (headings_ ? c.text : ToValidUtf8(c.text)) << "\n";
    }
    first_ = false;
  }

  bool json_, headings_, silent_, lines_;
  size_t next_;
  bool first_ = true;
  std::map<size_t, std::vector<Completion>> waiting_;
};

model::SpecialTokens Special(const GenerateCommand& command) {
  return command.skip_special_tokens ? model::SpecialTokens::kSkip : model::SpecialTokens::kKeep;
}

std::vector<Printer::Completion> Completions(const model::Tokenizer& tokenizer,
                                             model::SpecialTokens special,
                                             const std::string& prompt,
                                             std::vector<Trajectory> samples) {
  std::ranges::sort(samples, {}, &Trajectory::sample);
  std::vector<Printer::Completion> completions;
  for (const Trajectory& t : samples) {
    const std::string text = tokenizer.Decode(t.completion, special);
    completions.push_back({.row = {{"prompt", prompt},
                                   {"sample", t.sample},
                                   {"text", text},
                                   {"finish_reason", EnumName(t.finish)},
                                   {"length", t.completion.size()},
                                   {"prompt_ids", t.prompt},
                                   {"completion_ids", t.completion},
                                   {"logprobs", t.logprobs}},
                           .sample = t.sample,
                           .tokens = static_cast<int64_t>(t.completion.size()),
                           .finish = EnumName(t.finish),
                           .text = text});
  }
  return completions;
}

// The only completion, printed as it comes: the bytes that Printer would print at its end.
int Stream(const GenerateCommand& command, const model::PackedModel& pretrained,
           nn::Compute& compute, rollout::Request request) {
  model::TextStream text(pretrained.tokenizer, Special(command));
  rollout::RolloutEngine engine(pretrained.weights, compute, &pretrained.tokenizer);
  const auto prompt = std::ssize(request.prompt);
  const Stopwatch watch;
  double prompt_seconds = 0;
  int64_t tokens = 0;
  request.on_token = [&](int64_t, int32_t id) {
    if (tokens++ == 0) prompt_seconds = watch.seconds();
    std::cout << text.Add(id);
    FlushOutput();
  };
  try {
    rollout::Generate(engine, {std::move(request)}, {.on_finished = {}, .stop = Interrupted});
  } catch (const Error&) {
    if (!Interrupted()) throw;
  }
  std::cout << text.Finish() << "\n";
  FlushOutput();
  if (command.verbose) {
    std::cerr << "retort: prompt: " << TokenSpeed(prompt, prompt_seconds)
              << "\nretort: answer: " << TokenSpeed(tokens, watch.seconds() - prompt_seconds)
              << "\n";
  }
  if (!Interrupted()) return kSuccess;
  std::cerr << "retort: interrupted after " << Counted(tokens, "token") << "\n";
  return kInterrupted;
}

int Generate(GenerateCommand command) {
  CatchInterrupts();
  command.folder = ModelFolder(command.folder);
  const std::vector<std::string> prompts = ReadPrompts(command);
  RETORT_CHECK(command.skip <= static_cast<int64_t>(prompts.size()), "--skip: got ", command.skip,
               ", expected at most ", Counted(prompts.size(), "prompt"));
  const Executor executor(command.threads);
  nn::Compute compute(executor);
  const model::PackedModel pretrained =
      model::LoadPacked(command.folder, compute, command.precision);
  const PromptEncoder encode =
      ChooseEncoder(command.prompt_template, command.folder, command.system, pretrained.tokenizer);
  const bool length_typed = command.sampling.typed.contains("max_completion_length");
  TakeFolderDefaults(pretrained.generation, command.sampling);
  if (!length_typed) {
    size_t longest = 0;  // also of those that --skip or --resume leave out: nothing depends on them
    for (const std::string& prompt : prompts) longest = std::max(longest, encode(prompt).size());
    int64_t& length = command.sampling.options.max_completion_length;
    length = FittingLength(pretrained.weights->network().config(), static_cast<int64_t>(longest),
                           length);
  }
  if (command.verbose) {
    std::cerr << DescribeSampling(command.sampling, pretrained.generation, pretrained.tokenizer);
  }
  if (command.stream && prompts.size() == 1 && command.samples == 1 && command.skip == 0 &&
      !command.json && command.out.empty()) {
    return Stream(command, pretrained, compute,
                  MakeRequest(command, pretrained, encode, prompts[0], 0));
  }
  // Printer writes to standard output as rows come.
  const std::string file = command.out == "-" ? "" : command.out;
  PartialOutput out("retort generate", file,
                    {command.folder, command.prompts_file, command.text_file},
                    file.empty() ? Json() : Identity(command, prompts), command.resume);
  rollout::RolloutEngine engine(pretrained.weights, compute, &pretrained.tokenizer);

  std::vector<rollout::Request> requests;
  std::vector<size_t> chosen;  // the prompt of each request
  for (size_t i = static_cast<size_t>(command.skip); i < prompts.size(); ++i) {
    if (out.Has(static_cast<int64_t>(i))) continue;
    requests.push_back(MakeRequest(command, pretrained, encode, prompts[i], i));
    chosen.push_back(i);
  }
  Printer printer(command, prompts.size());
  Progress progress("generate");
  const double total = static_cast<double>(chosen.size()) * static_cast<double>(command.samples);
  double done = 0;
  std::vector<std::vector<Trajectory>> samples(chosen.size());
  const auto on_finished = [&](size_t request, Trajectory trajectory) {
    ++done;
    samples[request].push_back(std::move(trajectory));
    if (static_cast<int64_t>(samples[request].size()) < command.samples) return;
    const size_t i = chosen[request];
    auto completions = Completions(pretrained.tokenizer, Special(command), prompts[i],
                                   std::move(samples[request]));
    if (!file.empty()) {
      std::vector<std::string> rows;
      for (const auto& completion : completions) rows.push_back(ToJsonLine(completion.row));
      out.Add(static_cast<int64_t>(i), std::move(rows));
    }
    progress.Clear();  // the text may go to the same terminal
    printer.Add(i, std::move(completions));
  };
  const Stopwatch watch;
  const auto stop = [&] {
    progress.Update(done, total, StrCat(Counted(engine.stats().decoded_tokens, "token")));
    return Interrupted();
  };
  try {
    rollout::Generate(engine, std::move(requests), {.on_finished = on_finished, .stop = stop});
  } catch (const Error&) {
    if (!Interrupted()) throw;
    progress.Clear();
    printer.Finish(true);
    std::cout.flush();
    const std::string of = StrCat(" of ", Counted(prompts.size(), "prompt"));
    std::cerr << "retort: interrupted: "
              << (file.empty() ? StrCat(printer.written(), of,
                                        " are written. Go on with the same command "
                                        "and --skip ",
                                        printer.written(), ".")
                               : out.AfterInterruption(StrCat(out.items().size(), of)))
              << "\n";
    return kInterrupted;
  }
  progress.Clear();
  printer.Finish(false);
  out.Finish();
  if (command.verbose) {
    std::cerr << "retort: " << TokenSpeed(engine.stats().decoded_tokens, watch.seconds())
              << ", beside " << Counted(engine.stats().prompt_tokens, "token") << " of prompts\n";
  }
  return kSuccess;
}

}  // namespace

void AddGenerate(CLI::App& program, Action& action) {
  auto command = std::make_shared<GenerateCommand>();
  CLI::App* app = program.add_subcommand("generate", "Sample completions of a model.");
  AddModelArgument(*app, command->folder);
  app->add_option("--prompt,-p", command->prompts, "Questions (may be repeated).")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app->add_option("--prompts", command->prompts_file,
                  "JSONL file of questions, or - for standard input.")
      ->type_name("FILE");
  app->add_option("--file,-f", command->text_file,
                  "File whose text is one question, but for its last line's end.")
      ->type_name("FILE");
  app->add_option("--prompt-column", command->prompt_column,
                  "Column of the questions; by default prompt, question, problem, messages, input.")
      ->type_name("COL");
  AddInteger(*app, "--samples", command->samples, {1, 1 << 20},
             "Completions per prompt. [default 1]");
  AddSeedFlag(*app, command->seed);
  AddSamplingFlags(*app, command->sampling);
  DescribeFittingLength(*app);
  app->add_flag("--ignore-eos", command->ignore_eos, "Go on behind the ids that end a completion.");
  AddTemplateFlag(*app, command->prompt_template, true);
  AddSystemFlag(*app, command->system);
  AddInteger(*app, "--skip", command->skip, {0, 1e15},
             "Leave out the first N prompts; the others get the tokens that they have anyway.");
  AddPartialOutputFlags(*app, command->out, command->resume,
                        "Write the completions as JSON Lines instead; - is standard output.");
  app->add_flag("--stream", command->stream,
                "Print a single completion as it comes. [default true]");
  app->add_flag("--skip-special-tokens", command->skip_special_tokens,
                "Leave special tokens, such as the end of a turn, out of the text.");
  app->add_flag("-v,--verbose", command->verbose,
                "Tell where the options are from, and the speed.");
  AddPrecisionFlags(*app, command->precision);
  AddThreadsFlag(*app, command->threads);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] {
    if (command->prompts.empty() && command->prompts_file.empty() && command->text_file.empty()) {
      throw UsageError(
          "there is nothing to generate from: give --prompt TEXT, --file FILE or --prompts FILE");
    }
    if (command->json && !command->out.empty()) {
      throw UsageError("--json prints one document, --out writes lines; use one of them");
    }
    if (command->skip > 0 && command->resume) {
      throw UsageError("--resume knows what is done; leave --skip out");
    }
    action = [command] { return Generate(*command); };
  });
}

}  // namespace retort::cli
