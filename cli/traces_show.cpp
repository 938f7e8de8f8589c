// retort traces list, show, export: the traces themselves.

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>

#include "base/output_file.h"
#include "base/pipeline.h"
#include "base/plural.h"
#include "base/strings.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/table.h"
#include "cli/traces.h"
#include "train/run_places.h"

namespace retort::cli {
namespace {

using datasets::TraceStore;

constexpr int64_t kListed = 20;
constexpr size_t kCellWidth = 40;

struct ShowOptions : TracesOptions {
  std::vector<int64_t> ids;
  bool tokens = false;
  std::string out = "-";
};

std::string VerdictText(const NamedVerdict& named) {
  return named.verifier + ": " + EnumName(named.verdict.status);
}

// One document, written trace by trace.
void PrintJson(const TraceStore& store, const std::vector<int64_t>& ids,
               const ShowOptions& options) {
  std::cout << "{\"traces\":[";
  bool first = true;
  const auto print = [&](const Trace& trace) {
    std::cout << (first ? "" : ",\n") << ToJsonLine(datasets::TraceToJson(trace, options.tokens));
    first = false;
  };
  store.ForEach(ids, print, options.filter.layer);
  std::cout << "]}\n";
}

int List(const ShowOptions& options) {
  const TraceStore store = OpenTraces(options);
  store.CheckFilter(options.filter);
  const std::vector<int64_t> ids = store.Select(options.filter);
  if (options.json) {
    PrintJson(store, ids, options);
    return kSuccess;
  }
  Table table{{"id", "stage", "step", "sample", "prompt", "answer", "response", "length", "finish",
               "reward", "verdicts"},
              {}};
  const auto add = [&](const Trace& trace) {
    std::vector<std::string> verdicts;
    for (const NamedVerdict& verdict : trace.verdicts) verdicts.push_back(VerdictText(verdict));
    table.rows.push_back(
        {std::to_string(trace.id), trace.stage, std::to_string(trace.step),
         std::to_string(trace.trajectory.sample), Shorten(trace.problem.prompt, kCellWidth),
         Shorten(trace.problem.answer, kCellWidth / 2), Shorten(trace.text, kCellWidth),
         std::to_string(trace.trajectory.length()), EnumName(trace.trajectory.finish),
         Fixed(trace.reward.value_or(NAN), 2), Join(verdicts, ", ")});
  };
  store.ForEach(ids, add, options.filter.layer);
  std::cout << FormatTable(table);
  datasets::TraceFilter all = options.filter;
  all.limit = 0;
  if (options.filter.limit == static_cast<int64_t>(ids.size())) {
    const size_t matching = store.Select(all).size();
    if (matching > ids.size()) {
      std::cerr << "retort: " << ids.size() << " of " << matching
                << " traces; --limit 0 lists them all\n";
    }
  }
  return kSuccess;
}

void PrintTrace(const Trace& trace) {
  const Problem& problem = trace.problem;
  const Trajectory& trajectory = trace.trajectory;
  std::cout << "trace " << trace.id << ": stage " << trace.stage << ", step " << trace.step
            << ", sample " << trajectory.sample << ", policy version " << trace.policy_version
            << "\nproblem " << problem.id << " (" << problem.family << ", difficulty "
            << problem.difficulty << ")\n\nprompt:\n"
            << problem.prompt << "\n\nanswer: " << OneLine(problem.answer) << "\n\nresponse ("
            << Counted(trajectory.length(), "token") << ", " << EnumName(trajectory.finish)
            << "):\n"
            << trace.text << "\n\nreward "
            << (trace.reward ? Fixed(*trace.reward, 4) : "none (unjudged)") << ", advantage "
            << Fixed(trace.advantage, 4) << "\n";
  for (const NamedVerdict& named : trace.verdicts) {
    const Verdict& verdict = named.verdict;
    std::cout << VerdictText(named) << " (" << verdict.reason << "), score "
              << FormatNumber(verdict.score) << ", extracted '" << OneLine(verdict.extracted)
              << "'\n";
  }
}

int Show(const ShowOptions& options) {
  const TraceStore store = OpenTraces(options);
  if (options.json) {
    PrintJson(store, options.ids, options);
    return kSuccess;
  }
  bool first = true;
  const auto print = [&](const Trace& trace) {
    if (!first) std::cout << "\n----\n\n";
    first = false;
    PrintTrace(trace);
    if (options.tokens) {
      const Trajectory& t = trace.trajectory;
      std::cout << "tokens " << Json(t.completion).dump() << "\nlogprobs "
                << Json(t.logprobs).dump() << "\n";
      if (!t.said.empty()) std::cout << "said " << Json(t.said).dump() << "\n";
    }
  };
  store.ForEach(options.ids, print, options.filter.layer);
  return kSuccess;
}

int Export(const ShowOptions& options) {
  const TraceStore store = OpenTraces(options);
  store.CheckFilter(options.filter);
  TraceSequence traces(store, store.Select(options.filter), options.filter.layer);
  OutputFile out(OutputTarget(options.out, {options.path, train::FindTraces(options.path)}));
  struct Line {
    Trace trace;
    std::string text;
  };
  constexpr int64_t kPlaces = 256;  // under way
  RunPipeline<Line>(
      0, kPlaces, [&](Line& line) { return traces.Next(line.trace); },
      [&](Line& line) {
        line.text = ToJsonLine(datasets::TraceToJson(line.trace, options.tokens)) + "\n";
      },
      [&](Line& line) { out.Write(line.text); });
  out.Commit();
  std::cerr << "retort: " << Counted(traces.size(), "trace") << " exported\n";
  return kSuccess;
}

}  // namespace

void AddTracesShow(CLI::App& traces, Action& action) {
  const char* const kTokensHelp = "With token ids and log-probabilities.";
  {
    auto options = std::make_shared<ShowOptions>();
    options->filter.limit = kListed;
    CLI::App* app = traces.add_subcommand("list", "A line per trace.");
    AddDatabaseArgument(*app, *options);
    AddFilterFlags(*app, *options);
    app->add_flag("--tokens", options->tokens, std::string(kTokensHelp) + " (with --json)");
    AddJsonFlag(*app, options->json);
    app->callback([options, &action] { action = [options] { return List(*options); }; });
  }
  {
    auto options = std::make_shared<ShowOptions>();
    CLI::App* app = traces.add_subcommand("show", "All of some traces.");
    AddDatabaseArgument(*app, *options);
    AddIntegers(*app, "ID", options->ids, {0, 9e18}, "Their ids, as 'list' shows them.")
        ->required()
        ->allow_extra_args()
        ->type_name("");
    app->add_flag("--tokens", options->tokens, kTokensHelp);
    app->add_option("--layer", options->filter.layer,
                    "With the verdicts and rewards of this layer; see rescore.")
        ->type_name("NAME");
    AddJsonFlag(*app, options->json);
    app->callback([options, &action] { action = [options] { return Show(*options); }; });
  }
  {
    auto options = std::make_shared<ShowOptions>();
    CLI::App* app = traces.add_subcommand("export", "Traces as JSON Lines.");
    AddDatabaseArgument(*app, *options);
    AddFilterFlags(*app, *options);
    app->add_flag("--tokens", options->tokens, kTokensHelp);
    app->add_option("--out", options->out,
                    "Write to this file instead of standard output, which is -.")
        ->type_name("FILE");
    app->callback([options, &action] { action = [options] { return Export(*options); }; });
  }
}

}  // namespace retort::cli
