#include "cli/run_stages.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <memory>

#include "base/output_file.h"
#include "base/plural.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/progress.h"
#include "cli/parts/table.h"

namespace retort::cli {
namespace {

/// The metrics worth a place beside the bar, and what they are called there.
constexpr std::pair<const char*, const char*> kShown[] = {
    {"loss", "loss"},           {"reward", "reward"},
    {"accuracy", "accuracy"},   {"completions/mean_length", "length"},
    {"grad_norm", "grad norm"},
};

std::string Detail(int64_t done, int64_t total, const train::Metrics& metrics) {
  std::vector<std::string> parts{StrCat(done, "/", total)};
  for (const auto& [name, label] : kShown) {
    for (const auto& [metric, value] : metrics) {
      if (metric == name) parts.push_back(StrCat(label, " ", Fixed(value, 3)));
    }
  }
  return Join(parts, "  ");
}

std::string Optional(const auto& value, const auto& format) { return value ? format(*value) : "-"; }

// Completions that nobody could judge; nothing of stages that judge none.
std::optional<int64_t> Unjudged(const recipes::StageResult& stage) {
  const Json count = stage.details.value("unjudged", Json());
  return count.is_number_integer() ? std::optional(count.get<int64_t>()) : std::nullopt;
}

std::vector<std::string> RowOf(const recipes::StageResult& stage) {
  return {stage.name,
          stage.type,
          stage.model,
          Optional(stage.accuracy, Percent),
          Optional(Unjudged(stage), Thousands),
          Optional(stage.problems, Thousands),
          Optional(stage.mean_completion_length, [](double x) { return Fixed(x, 1); }),
          Optional(stage.tokens_per_second, [](double x) { return Thousands(std::llround(x)); }),
          Duration(stage.seconds)};
}

// Every text of a recipe may name a file that it reads: a model, rows, a database.
void AppendTexts(const Json& json, std::vector<std::filesystem::path>& texts) {
  if (json.is_string() && json != "") texts.emplace_back(json.get<std::string>());
  if (!json.is_structured()) return;
  for (const Json& item : json) AppendTexts(item, texts);
}

// A word as a shell takes it.
std::string Quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789-_./=:,+@%") == std::string::npos;
  return plain ? word : "'" + ReplaceAll(word, "'", "'\\''") + "'";
}

}  // namespace

void AddRunFlags(CLI::App& app, recipes::RunOptions& options, std::string& out) {
  app.add_option("--out", out, "Run directory. [default " + (out.empty() ? "runs/NAME" : out) + "]")
      ->type_name("FOLDER");
  app.add_flag("--resume", options.resume, "Go on with what is in the run directory.");
  app.add_flag("--allow-environment-change", options.allow_environment_change,
               "Resume although the instruction set or a library differs; the bits may too.");
  app.add_flag("--allow-changed-inputs", options.allow_changed_inputs,
               "Resume although data, databases or models that begun stages have read are others "
               "now.");
  app.add_option("--profile", options.profile,
                 "Write a timeline of ops and stages for chrome://tracing or Perfetto.")
      ->type_name("FILE");
  AddThreadsFlag(app, options.threads);
  app.add_option(
         "--judge-threads", options.judge_threads,
         "Answers judged at a time, beside sampling; 0 is one per thread. More for verifiers "
         "that wait for something else. Never changes a result.")
      ->type_name("N")
      ->check(CLI::Range(0, 4096).description(""));
}

int RunStages(const recipes::Recipe& recipe, const recipes::RunOptions& options,
              const ShowOptions& show) {
  CatchInterrupts();
  if (!options.profile.empty()) {
    // Whether it can be written shows now, not after the last step.
    std::vector<std::filesystem::path> inputs{show.recipe_file};
    AppendTexts(recipes::WriteRecipe(recipe), inputs);
    const OutputTarget checked(options.profile, inputs);
  }
  std::unique_ptr<Progress> progress;
  const auto note = [&](const std::string& line) {
    if (progress) {
      progress->Note(line);
    } else {
      std::cerr << line << "\n";
    }
  };
  const recipes::RunEvents events{
      .stage_started =
          [&](size_t index, size_t count, const recipes::Stage& stage) {
            note(StrCat("stage ", index + 1, "/", count, ": ", stage.name, " (",
                        EnumName(stage.type), ")"));
            progress = std::make_unique<Progress>(stage.name);
          },
      .progress =
          [&](int64_t done, int64_t total, const train::Metrics& metrics) {
            if (!progress) return;
            progress->Update(static_cast<double>(done), static_cast<double>(total),
                             Detail(done, total, metrics));
          },
      .stage_finished =
          [&](const recipes::StageResult& stage) {
            progress.reset();
            std::string line = StrCat("  done in ", Duration(stage.seconds));
            if (stage.accuracy) line += ", accuracy " + Percent(*stage.accuracy);
            if (const int64_t count = Unjudged(stage).value_or(0); count > 0) {
              line += StrCat(", ", Thousands(count), " ", Plural(count, "completion"), " unjudged");
            }
            note(line);
          },
      .note = note,
      .stop_requested = Interrupted,
  };
  const recipes::RunOutcome outcome = recipes::Run(recipe, options, events);
  progress.reset();

  if (show.json) {
    Json stages = Json::array();
    for (const recipes::StageResult& stage : outcome.stages) {
      stages.push_back(recipes::ToJson(stage));
    }
    std::cout << ToJsonLine({{"stages", stages},
                             {"out", options.out.string()},
                             {"interrupted", outcome.interrupted}})
              << "\n";
  } else if (!outcome.stages.empty()) {
    Table table{{"stage", "type", "model", "accuracy", "unjudged", "problems", "length", "tokens/s",
                 "time"},
                {}};
    for (const recipes::StageResult& stage : outcome.stages) table.rows.push_back(RowOf(stage));
    std::cout << FormatTable(table);
  }
  if (!outcome.interrupted) return kSuccess;
  std::cerr << "retort: interrupted; everything so far is saved in " << options.out.string()
            << ". Go on with:\n  "
            << "retort run "
            << Quoted(std::filesystem::absolute(options.out).lexically_normal().string())
            << " --resume"
            << "\n";
  return kInterrupted;
}

}  // namespace retort::cli
