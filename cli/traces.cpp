// retort traces: what is in a trace database. The subcommands are in traces_*.cpp; runs and stats
// are here.

#include "cli/traces.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>

#include "base/error.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/table.h"
#include "train/accuracy.h"
#include "train/run_places.h"

namespace retort::cli {
namespace {

using datasets::TraceStore;

double Share(int64_t part, int64_t whole) {
  return whole == 0 ? NAN : static_cast<double>(part) / static_cast<double>(whole);
}

int Runs(const TracesOptions& options) {
  const TraceStore store = OpenTraces(options);
  Table table{{"id", "run", "created (UTC)", "steps", "traces"}, {}};
  Json runs = Json::array();
  for (const datasets::RunSummary& run : store.Runs()) {
    table.rows.push_back({std::to_string(run.id), run.name, run.created, Thousands(run.steps),
                          Thousands(run.traces)});
    runs.push_back({{"id", run.id},
                    {"name", run.name},
                    {"created", run.created},
                    {"steps", run.steps},
                    {"traces", run.traces},
                    {"recipe", run.recipe}});
  }
  std::cout << (options.json ? ToJsonLine({{"runs", runs}}) + "\n" : FormatTable(table));
  return kSuccess;
}

int Stats(const TracesOptions& options) {
  const TraceStore store = OpenTraces(options);
  Table table{{"run", "stage", "steps", "traces", "correct", "unjudged", "finished", "mean length",
               "mean reward"},
              {}};
  Json stages = Json::array();
  for (const datasets::StageStats& s : store.Stats()) {
    const double length = Share(s.tokens, s.traces);
    table.rows.push_back({s.run, s.stage, Thousands(s.steps), Thousands(s.traces),
                          Percent(Share(s.correct, s.traces - s.unjudged)), Thousands(s.unjudged),
                          Percent(Share(s.finished, s.traces)), Fixed(length, 1),
                          Fixed(s.mean_reward, 3)});
    stages.push_back({{"run", s.run},
                      {"stage_index", s.stage_index},
                      {"stage", s.stage},
                      {"steps", s.steps},
                      {"traces", s.traces},
                      {"correct", s.correct},
                      {"unjudged", s.unjudged},
                      {"finished", s.finished},
                      {"tokens", s.tokens},
                      {"mean_length", train::NumberOrNull(length)},
                      {"mean_reward", train::NumberOrNull(s.mean_reward)}});
  }
  std::cout << (options.json ? ToJsonLine({{"stages", stages}}) + "\n" : FormatTable(table));
  return kSuccess;
}

int Layers(const TracesOptions& options) {
  const TraceStore store = OpenTraces(options);
  Table table{{"layer", "traces", "judges", "retort", "created (UTC)"}, {}};
  Json layers = Json::array();
  for (const datasets::Layer& layer : store.Layers()) {
    table.rows.push_back({layer.name, Thousands(layer.traces), ToJsonLine(layer.judges),
                          layer.retort, layer.created});
    layers.push_back({{"name", layer.name},
                      {"traces", layer.traces},
                      {"judges", layer.judges},
                      {"retort", layer.retort},
                      {"created", layer.created}});
  }
  std::cout << (options.json ? ToJsonLine({{"layers", layers}}) + "\n" : FormatTable(table));
  return kSuccess;
}

void AddSummary(CLI::App& traces, Action& action, const char* name, const char* help,
                int (*run)(const TracesOptions&)) {
  auto options = std::make_shared<TracesOptions>();
  CLI::App* app = traces.add_subcommand(name, help);
  AddDatabaseArgument(*app, *options);
  AddJsonFlag(*app, options->json);
  app->callback([options, run, &action] { action = [options, run] { return run(*options); }; });
}

}  // namespace

TraceStore OpenTraces(const TracesOptions& options) {
  CatchInterrupts();
  return TraceStore(train::FindTraces(options.path), TraceStore::Mode::kRead, Interrupted);
}

void AddDatabaseArgument(CLI::App& app, TracesOptions& options) {
  app.add_option("DATABASE", options.path,
                 "A run directory, its final/ or a checkpoint, or a traces.db.")
      ->required()
      ->type_name("");
}

void AddFilterFlags(CLI::App& app, TracesOptions& options) {
  AddOptionFlags(app, ListFields(options.filter));
}

bool TraceSequence::Next(Trace& trace) {
  constexpr size_t kTogether = 256;
  if (read_.empty()) {
    const auto begin = ids_.begin() + static_cast<std::ptrdiff_t>(next_id_);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kTogether, ids_.size() - next_id_));
    store_.ForEach(
        {begin, begin + count}, [&](const Trace& t) { read_.push_back(t); }, layer_);
    next_id_ += static_cast<size_t>(count);
    std::ranges::reverse(read_);
  }
  if (read_.empty()) return false;
  trace = std::move(read_.back());
  read_.pop_back();
  return true;
}

void AddTraces(CLI::App& program, Action& action) {
  CLI::App* traces = program.add_subcommand("traces", "Look into a trace database.");
  AddSummary(*traces, action, "runs", "The runs in it.", Runs);
  AddSummary(*traces, action, "stats", "Per run and stage: correct, finished, length, reward.",
             Stats);
  AddSummary(*traces, action, "layers", "Later judgements of it: see rescore.", Layers);
  AddTracesShow(*traces, action);
  AddTracesSelect(*traces, action);
  AddTracesRescore(*traces, action);
}

}  // namespace retort::cli
