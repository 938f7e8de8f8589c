// retort traces rescore: judges stored texts again, with other verifiers or a newer version of the
// same, into a layer of their own: what a run was trained with never changes. Each batch is one
// transaction; the same command goes on where an interrupted one stopped.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <optional>

#include "base/executor.h"
#include "base/lock.h"
#include "base/version.h"
#include "cli/interrupt.h"
#include "cli/judge_flags.h"
#include "cli/option_flags.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/traces.h"
#include "rl/advantage.h"
#include "train/panel.h"
#include "train/run_places.h"

namespace retort::cli {
namespace {

using datasets::TraceStore;

constexpr size_t kBatch = 256;
constexpr size_t kFlipsShown = 20;

struct RescoreOptions : TracesOptions {
  JudgeFlags judges;
  std::string name;
  bool dry_run = false;
  int threads = 0;
};

struct Change {
  int64_t traces = 0;
  int64_t changed = 0;          ///< another verifier, status, score, reason, answer or reward
  int64_t became_right = 0;     ///< correct now, not before
  int64_t became_wrong = 0;     ///< wrong now, not before
  int64_t became_unjudged = 0;  ///< neither now, not before
  Json flips = Json::array();   ///< the first of those whose `correct` changed
};

bool SameNumber(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool Same(const Trace& a, const Trace& b) {
  return a.reward == b.reward &&
         std::equal(a.verdicts.begin(), a.verdicts.end(), b.verdicts.begin(), b.verdicts.end(),
                    [](const NamedVerdict& x, const NamedVerdict& y) {
                      return x.verifier == y.verifier && x.verdict.status == y.verdict.status &&
                             SameNumber(x.verdict.score, y.verdict.score) &&
                             x.verdict.reason == y.verdict.reason &&
                             x.verdict.extracted == y.verdict.extracted;
                    });
}

const char* Word(std::optional<bool> correct) {
  return !correct ? "unjudged" : *correct ? "right" : "wrong";
}

std::string Reasons(const Trace& trace) {
  std::string text;
  for (const NamedVerdict& named : trace.verdicts) {
    text += (text.empty() ? "" : ", ") + named.verifier + ": " + named.verdict.reason;
  }
  return text;
}

void Count(const Trace& before, const Trace& after, Change& change) {
  const std::optional<bool> was = Correct(before.verdicts), is = Correct(after.verdicts);
  ++change.traces;
  change.changed += !Same(before, after);
  if (was == is) return;
  ++(!is ? change.became_unjudged : *is ? change.became_right : change.became_wrong);
  if (change.flips.size() >= kFlipsShown) return;
  change.flips.push_back({{"id", before.id},
                          {"before", Word(was)},
                          {"now", Word(is)},
                          {"reason_before", Reasons(before)},
                          {"reason_now", Reasons(after)}});
}

void JudgeAgain(const train::RewardPanel& panel, Trace& trace) {
  train::Judgement judgement =
      panel.Judge({.text = trace.text,
                   .problem = trace.problem,
                   .tokens = static_cast<int64_t>(trace.trajectory.completion.size()),
                   .finish = trace.trajectory.finish});
  trace.verdicts = std::move(judgement.verdicts);
  trace.reward = judgement.reward;
}

// The layer to write: the one that is named; else the first of math, math-2, … that is free or was
// judged by these very judges and this version.
datasets::Layer OpenLayer(TraceStore& store, const std::string& name,
                          const train::RewardPanel& panel) {
  const Json judges = train::WritePanel(panel.judges());
  if (!name.empty()) return store.OpenLayer(name, judges);
  const std::string base = panel.judges().size() == 1 ? panel.judges()[0].verifier : "panel";
  const std::vector<datasets::Layer> layers = store.Layers();
  for (int number = 1;; ++number) {
    const std::string candidate = number == 1 ? base : StrCat(base, "-", number);
    const auto found = std::ranges::find(layers, candidate, &datasets::Layer::name);
    if (found == layers.end() || (found->judges == judges && found->retort == kVersion)) {
      return store.OpenLayer(candidate, judges);
    }
  }
}

// What GRPO would have made of the layer's rewards, wherever a whole group (a whole step, where the
// recipe scales by the batch) has been judged.
void StoreAdvantages(TraceStore& store, int64_t layer) {
  std::map<int64_t, Json> recipes;
  for (datasets::RunSummary& run : store.Runs()) recipes[run.id] = std::move(run.recipe);
  std::vector<std::pair<int64_t, double>> advantages;
  store.ForEachLayerStep(layer, [&](const datasets::LayerStep& step) {
    const Json stages = recipes[step.key.run].value("stages", Json::array());
    const auto k = static_cast<size_t>(step.key.stage_index);
    if (k >= stages.size() || stages[k].value("type", "") != "grpo") return;
    rl::AdvantageOptions options;
    // Runs that know no "unjudged" skipped.
    ReadOptions({{"scale_rewards", stages[k].value("scale_rewards", "group")},
                 {"unjudged", stages[k].value("unjudged", "skip")}},
                "recipe", options);
    std::vector<int64_t> ids, sizes;
    std::vector<std::optional<double>> rewards;
    for (const datasets::LayerStep::Group& group : step.groups) {
      if (!group.complete && options.scale_rewards == rl::ScaleRewards::kBatch) return;
      if (!group.complete) continue;
      ids.insert(ids.end(), group.ids.begin(), group.ids.end());
      rewards.insert(rewards.end(), group.rewards.begin(), group.rewards.end());
      sizes.push_back(static_cast<int64_t>(group.ids.size()));
    }
    const rl::Advantages computed = rl::ComputeAdvantages(options, rewards, sizes);
    for (size_t i = 0; i < ids.size(); ++i) advantages.emplace_back(ids[i], computed.values[i]);
  });
  store.SetLayerAdvantages(layer, advantages);
}

void Print(const RescoreOptions& options, const Change& change, const std::string& layer) {
  if (options.json) {
    std::cout << ToJsonLine({{"layer", layer.empty() ? Json(nullptr) : Json(layer)},
                             {"traces", change.traces},
                             {"changed", change.changed},
                             {"became_right", change.became_right},
                             {"became_wrong", change.became_wrong},
                             {"became_unjudged", change.became_unjudged},
                             {"flips", change.flips}})
              << "\n";
    return;
  }
  std::cout << FormatTable(
      {{"layer", "traces", "changed", "became right", "became wrong", "became unjudged"},
       {{layer.empty() ? "(dry run)" : layer, Thousands(change.traces), Thousands(change.changed),
         Thousands(change.became_right), Thousands(change.became_wrong),
         Thousands(change.became_unjudged)}}});
  if (change.flips.empty()) return;
  Table table{{"trace", "before", "now", "reason before", "reason now"}, {}};
  for (const Json& flip : change.flips) {
    table.rows.push_back({flip["id"].dump(), flip["before"], flip["now"],
                          OneLine(flip["reason_before"].get<std::string>()),
                          OneLine(flip["reason_now"].get<std::string>())});
  }
  std::cout << "\n" << FormatTable(table);
}

int Rescore(const RescoreOptions& options) {
  CatchInterrupts();
  const train::RewardPanel panel(options.judges.Judges(), options.judges.Where());
  const auto path = train::FindTraces(options.path);
  std::vector<int64_t> ids;
  {  // opening for writing would make a file where there is none
    const TraceStore store = OpenTraces(options);
    store.CheckFilter(options.filter);
    ids = store.Select(options.filter);
  }
  std::optional<WriterLock> lock;
  if (!options.dry_run) lock.emplace(LockFileOf(path), path.string(), "retort traces rescore");
  TraceStore store(path, options.dry_run ? TraceStore::Mode::kRead : TraceStore::Mode::kWrite);
  datasets::Layer layer;
  if (!options.dry_run) {
    layer = OpenLayer(store, options.name, panel);
    ids = store.MissingIn(layer.id, ids);
  }
  const Executor executor(options.threads);
  Progress progress("rescore");
  Change change;
  for (size_t begin = 0; begin < ids.size(); begin += kBatch) {
    if (Interrupted()) {
      progress.Clear();
      Print(options, change, layer.name);
      std::cerr << "retort: interrupted"
                << (options.dry_run ? "" : "; what is judged is stored, the same command goes on")
                << "\n";
      return kInterrupted;
    }
    std::vector<Trace> before;
    store.ForEach(
        {ids.begin() + begin, ids.begin() + std::min(begin + kBatch, ids.size())},
        [&](const Trace& trace) { before.push_back(trace); }, options.filter.layer);
    std::vector<Trace> after = before;
    executor.ParallelFor(static_cast<int64_t>(after.size()),
                         [&](int64_t i, int) { JudgeAgain(panel, after[static_cast<size_t>(i)]); });
    if (!options.dry_run) store.AddToLayer(layer.id, after);
    for (size_t i = 0; i < before.size(); ++i) Count(before[i], after[i], change);
    progress.Update(static_cast<double>(begin + before.size()), static_cast<double>(ids.size()));
  }
  progress.Clear();
  if (!options.dry_run) StoreAdvantages(store, layer.id);
  Print(options, change, layer.name);
  return kSuccess;
}

}  // namespace

void AddTracesRescore(CLI::App& traces, Action& action) {
  auto options = std::make_shared<RescoreOptions>();
  CLI::App* app = traces.add_subcommand(
      "rescore",
      "Judge stored texts again, into a layer beside the verdicts that were trained on.");
  AddDatabaseArgument(*app, *options);
  // The filter has a `verifier` of its own, which here names the new judge.
  std::vector<Field> fields = ListFields(options->filter);
  std::erase_if(fields, [](const Field& field) { return field.name == "verifier"; });
  AddOptionFlags(*app, fields);
  AddJudgeFlags(*app, options->judges);
  app->add_option("--as", options->name,
                  "Name of the layer; by default the verifier's, with a number where that name is "
                  "taken. The same name and judges go on where they stopped.")
      ->type_name("NAME");
  app->add_flag("--dry-run", options->dry_run, "Only show what would change; store nothing.");
  AddThreadsFlag(*app, options->threads);
  AddJsonFlag(*app, options->json);
  app->callback([options, &action] { action = [options] { return Rescore(*options); }; });
}

}  // namespace retort::cli
