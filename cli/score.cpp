// retort score: its flags, and which of its modes they ask for.

#include "verifiers/score.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/parts/option_flags.h"
#include "cli/score_modes.h"
#include "verifiers/registry.h"

namespace retort::cli {
namespace {

// Whether one of the judges compares with a gold answer.
bool NeedsAnswer(const JudgeFlags& flags) {
  std::vector<train::JudgeSpec> judges{{.verifier = flags.verifier.name}};
  if (!flags.panel.empty()) judges = flags.Judges();
  return std::ranges::any_of(judges, [](const train::JudgeSpec& judge) {
    for (const verifiers::VerifierEntry& entry : verifiers::Verifiers()) {
      if (entry.name == judge.verifier) return entry.needs_answer;
    }
    return true;
  });
}

// What a row of --out holds by itself.
constexpr const char* kOwnKeys[] = {"row",    "response",  "verdict",     "score",
                                    "reason", "extracted", "normal_form", "gold_normal_form",
                                    "judges", "before",    "error"};

// A flag that makes no sense without another one, or beside it, is a usage error.
void CheckScoreFlags(const ScoreCommand& command) {
  const bool file = !command.explain && !command.probe;
  if (file && command.file.empty()) throw CLI::RequiredError("FILE");
  if (!file && !command.file.empty()) {
    throw CLI::ExtrasError({command.file + " beside --explain or --probe"});
  }
  if (command.explain && !(command.gold && command.response_text)) {
    throw CLI::RequiredError("--explain: --gold and --response-text");
  }
  if (file && (command.gold || command.response_text)) {
    throw CLI::RequiredError("--gold and --response-text: --explain or --probe");
  }
  if (!command.disagreements.empty() && command.columns.label.empty()) {
    throw CLI::RequiredError("--disagreements: --label");
  }
  if (command.resume && command.out.empty()) throw CLI::RequiredError("--resume: --out");
  for (const std::string& name : command.columns.keep) {
    if (std::ranges::find(kOwnKeys, name) != std::end(kOwnKeys)) {
      throw CLI::ValidationError("--keep " + name + ": a row of --out has a '" + name +
                                 "' of its own");
    }
  }
}

}  // namespace

void AddScore(CLI::App& program, Action& action) {
  auto command = std::make_shared<ScoreCommand>();
  CLI::App* app = program.add_subcommand("score", "Judge the answers in a file.");
  app->add_option("FILE", command->file,
                  "Rows: JSON Lines or CSV, also as .gz and .zst; - is standard input.")
      ->type_name("");
  verifiers::ScoreOptions& columns = command->columns;
  CLI::Option* answer =
      app->add_option("--answer", columns.answer,
                      "Column of the gold answer; programs need none. [default answer]")
          ->type_name("COL");
  CLI::Option* response =
      app->add_option("--response", columns.response,
                      "Columns of the responses; dotted paths reach inside. [default response, "
                      "choices or messages; for programs response or program]");
  response->type_name("COL,...")->delimiter(',')->allow_extra_args(false);
  app->add_option("--label", columns.label,
                  "Columns with true or false (or 1 or 0) to agree with, one per response column.")
      ->type_name("COL,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  AddJudgeFlags(*app, command->judges);
  app->add_option("--out", command->out,
                  "Write one JSON line per response: row (the line's number), verdict, score, "
                  "reason, extracted, normal_form, gold_normal_form; or row and error. - is "
                  "standard output.")
      ->type_name("FILE");
  app->add_flag("--resume", command->resume,
                "Go on with what an interrupted run left beside --out, as FILE.partial.");
  app->add_option("--keep", columns.keep, "Columns to carry into --out and --disagreements.")
      ->type_name("COL,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  app->add_option("--by", columns.by, "Count apart by the values of these columns.")
      ->type_name("COL,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  app->add_option("--disagreements", command->disagreements,
                  "Write the responses whose verdict and label differ, with gold and response.")
      ->type_name("FILE");
  std::map<std::string, datasets::RowFormat> formats;
  for (const auto& [format, name] : EnumNames(datasets::RowFormat{})) formats[name] = format;
  app->add_option("--format", command->format,
                  "How FILE is read: jsonl or csv. [default csv where its name says so]")
      ->type_name("FORMAT")
      ->transform(CLI::CheckedTransformer(formats).description(""));
  app->add_option("--compare", command->compare,
                  "What an earlier --out wrote: list the responses judged otherwise then.")
      ->type_name("FILE");
  app->add_option("--limit", command->limit, "Read at most this many lines; 0 reads all.")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 50).description(""));
  CLI::Option* explain = app->add_flag("--explain", command->explain,
                                       "Show how one pair is read and judged, instead of a file.");
  app->add_flag("--probe", command->probe,
                "Try known cheats on the verifier or --panel, instead of a file; fail when one is "
                "paid.")
      ->excludes(explain);
  app->add_option("--gold", command->gold, "The gold answer of --explain or --probe. [probe: 42]")
      ->type_name("TEXT");
  app->add_option("--response-text", command->response_text, "The response of --explain.")
      ->type_name("TEXT");
  AddThreadsFlag(*app, command->threads);
  AddJsonFlag(*app, command->json);
  app->callback([command, answer, response, &action] {
    CheckScoreFlags(*command);
    bool needs_answer = true;
    try {
      needs_answer = NeedsAnswer(command->judges);
    } catch (const Error& error) {  // a panel that cannot be read
      throw CLI::ValidationError(error.what());
    }
    if (!needs_answer && answer->count() == 0) command->columns.answer.clear();
    if (response->count() == 0) {
      command->columns.response = {needs_answer ? "response|choices|messages" : "response|program"};
    }
    action = [command] {
      return command->explain ? ExplainScore(*command)
             : command->probe ? ProbeScore(*command)
                              : ScoreFile(*command);
    };
  });
}

}  // namespace retort::cli
