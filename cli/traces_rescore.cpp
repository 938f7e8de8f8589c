// retort traces rescore: judges stored texts again, with other verifiers or a newer version of the
// same, into a layer of their own: what a run was trained with never changes. What was judged is
// stored a batch at a time; the same command goes on where an interrupted one stopped.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>

#include "base/lock.h"
#include "base/pipeline.h"
#include "base/version.h"
#include "cli/judge_flags.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/progress.h"
#include "cli/parts/table.h"
#include "cli/traces.h"
#include "rl/advantage.h"
#include "train/panel.h"
#include "train/run_places.h"

namespace retort::cli {
namespace {

using datasets::TraceStore;

constexpr size_t kBatch = 256;    // traces read, or stored in one transaction
constexpr int64_t kPlaces = 256;  // traces under way between the two
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
  train::Judgement judgement = panel.Judge({.text = trace.text,
                                            .problem = trace.problem,
                                            .tokens = trace.trajectory.length(),
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
    const Json& recipe = recipes[step.key.run];
    const Json stages = recipe.is_object() ? recipe.value("stages", Json::array()) : Json::array();
    const auto k = static_cast<size_t>(step.key.stage_index);
    if (k >= stages.size()) return;
    const auto options = rl::AdvantageOptionsOf(stages[k]);
    if (!options) return;
    std::vector<int64_t> ids, sizes;
    std::vector<std::optional<double>> rewards;
    for (const datasets::LayerStep::Group& group : step.groups) {
      if (!group.complete && options->scale_rewards == rl::ScaleRewards::kBatch) return;
      if (!group.complete) continue;
      ids.insert(ids.end(), group.ids.begin(), group.ids.end());
      rewards.insert(rewards.end(), group.rewards.begin(), group.rewards.end());
      sizes.push_back(static_cast<int64_t>(group.ids.size()));
    }
    const rl::Advantages computed = rl::ComputeAdvantages(*options, rewards, sizes);
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

struct Rescored {
  Trace before, after;
  bool judged = false;  // not after an interruption
};

// Judges the traces with these ids, and stores them in a layer where there is one.
class Rescorer {
 public:
  Rescorer(TraceStore& store, std::vector<int64_t> ids, const train::RewardPanel& panel,
           const RescoreOptions& options, const datasets::Layer* layer)
      : store_(store),
        traces_(store, std::move(ids), options.filter.layer),
        panel_(panel),
        options_(options),
        layer_(layer) {}

  /// False when interrupted: what was judged by then is stored.
  bool Run() {
    RunPipeline<Rescored>(
        options_.threads, kPlaces, [this](Rescored& item) { return Read(item); },
        [this](Rescored& item) { Judge(item); }, [this](Rescored& item) { Write(item); });
    Store();
    return !Interrupted();
  }
  const Change& change() const { return change_; }

 private:
  bool Read(Rescored& item) {
    if (Interrupted()) return false;
    const std::lock_guard lock(store_mutex_);
    return traces_.Next(item.before);
  }

  void Judge(Rescored& item) const {
    item.judged = !Interrupted();
    if (!item.judged) return;
    item.after = item.before;
    JudgeAgain(panel_, item.after);
  }

  void Write(Rescored& item) {
    if (!item.judged) return;
    Count(item.before, item.after, change_);
    progress_.Update(static_cast<double>(change_.traces), static_cast<double>(traces_.size()));
    if (!layer_) return;
    judged_.push_back(std::move(item.after));
    if (judged_.size() == kBatch) Store();
  }

  void Store() {
    if (judged_.empty()) return;
    const std::lock_guard lock(store_mutex_);
    store_.AddToLayer(layer_->id, judged_);
    judged_.clear();
  }

  std::mutex store_mutex_;  // one reads while the other writes
  TraceStore& store_;
  TraceSequence traces_;
  const train::RewardPanel& panel_;
  const RescoreOptions& options_;
  const datasets::Layer* layer_;
  // Of the one who writes.
  std::vector<Trace> judged_;
  Change change_;
  Progress progress_{"rescore"};
};

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
  std::optional<datasets::Layer> layer;
  if (!options.dry_run) {
    layer = OpenLayer(store, options.name, panel);
    ids = store.MissingIn(layer->id, ids);
  }
  bool finished = false;
  Change change;
  {
    Rescorer rescorer(store, std::move(ids), panel, options, layer ? &*layer : nullptr);
    finished = rescorer.Run();
    change = rescorer.change();
  }
  if (finished && layer) StoreAdvantages(store, layer->id);
  Print(options, change, layer ? layer->name : "");
  if (finished) return kSuccess;
  std::cerr << "retort: interrupted"
            << (layer ? "; what is judged is stored, the same command goes on" : "") << "\n";
  return kInterrupted;
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
