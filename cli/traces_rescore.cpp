// retort traces rescore: judges stored texts again, with other verifiers or a newer version of the
// same, and stores what they say. Each batch is one transaction.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>

#include "base/executor.h"
#include "cli/interrupt.h"
#include "cli/judge_flags.h"
#include "cli/option_flags.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/traces.h"
#include "datasets/trace_store.h"
#include "train/panel.h"
#include "train/run_places.h"

namespace retort::cli {
namespace {

using datasets::TraceStore;

constexpr size_t kBatch = 256;

struct RescoreOptions : TracesOptions {
  JudgeFlags judges;
  int threads = 0;
};

struct Change {
  int64_t traces = 0;
  int64_t changed = 0;       ///< another verifier, status, score, reason, answer or reward
  int64_t became_right = 0;  ///< correct now, not before
  int64_t became_wrong = 0;
};

bool Correct(const std::vector<NamedVerdict>& verdicts) {
  return !verdicts.empty() && std::all_of(verdicts.begin(), verdicts.end(), [](const auto& named) {
    return named.verdict.status == VerdictStatus::kRight;
  });
}

bool SameNumber(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool Same(const Trace& a, const Trace& b) {
  return SameNumber(a.reward, b.reward) &&
         std::equal(a.verdicts.begin(), a.verdicts.end(), b.verdicts.begin(), b.verdicts.end(),
                    [](const NamedVerdict& x, const NamedVerdict& y) {
                      return x.verifier == y.verifier && x.verdict.status == y.verdict.status &&
                             SameNumber(x.verdict.score, y.verdict.score) &&
                             x.verdict.reason == y.verdict.reason &&
                             x.verdict.extracted == y.verdict.extracted;
                    });
}

void JudgeAgain(const train::RewardPanel& panel, Trace& trace) {
  train::Judgement judgement =
      panel.Judge({.text = trace.text,
                   .problem = trace.problem,
                   .tokens = static_cast<int64_t>(trace.trajectory.completion.size()),
                   .finish = trace.trajectory.finish});
  trace.verdicts = std::move(judgement.verdicts);
  trace.reward = judgement.reward.value_or(0);  // as a rollout stores it
}

int Rescore(const RescoreOptions& options) {
  CatchInterrupts();
  const train::RewardPanel panel(options.judges.Judges(), options.judges.Where());
  const auto path = train::FindTraces(options.path);
  std::vector<int64_t> ids;
  {
    const TraceStore reader(path, TraceStore::Mode::kRead);
    reader.CheckFilter(options.filter);
    ids = reader.Select(options.filter);
  }
  TraceStore store(path, TraceStore::Mode::kWrite);
  const Executor executor(options.threads);
  Progress progress("rescore");
  Change change;
  for (size_t begin = 0; begin < ids.size(); begin += kBatch) {
    RETORT_CHECK(!Interrupted(), "interrupted");
    std::vector<Trace> before;
    store.ForEach({ids.begin() + begin, ids.begin() + std::min(begin + kBatch, ids.size())},
                  [&](const Trace& trace) { before.push_back(trace); });
    std::vector<Trace> after = before;
    executor.ParallelFor(static_cast<int64_t>(after.size()),
                         [&](int64_t i, int) { JudgeAgain(panel, after[static_cast<size_t>(i)]); });
    store.Rescore(after);
    for (size_t i = 0; i < before.size(); ++i) {
      const bool was = Correct(before[i].verdicts), is = Correct(after[i].verdicts);
      change.changed += !Same(before[i], after[i]);
      change.became_right += !was && is;
      change.became_wrong += was && !is;
    }
    change.traces += static_cast<int64_t>(before.size());
    progress.Update(static_cast<double>(begin + before.size()), static_cast<double>(ids.size()));
  }
  progress.Clear();
  if (options.json) {
    std::cout << ToJsonLine({{"traces", change.traces},
                             {"changed", change.changed},
                             {"became_right", change.became_right},
                             {"became_wrong", change.became_wrong}})
              << "\n";
  } else {
    std::cout << FormatTable({{"traces", "changed", "became right", "became wrong"},
                              {{Thousands(change.traces), Thousands(change.changed),
                                Thousands(change.became_right), Thousands(change.became_wrong)}}});
  }
  return kSuccess;
}

}  // namespace

void AddTracesRescore(CLI::App& traces, Action& action) {
  auto options = std::make_shared<RescoreOptions>();
  CLI::App* app = traces.add_subcommand("rescore", "Judge stored texts again and store verdicts.");
  AddDatabaseArgument(*app, *options);
  // The filter has a `verifier` of its own, which here names the new judge.
  std::vector<Field> fields = ListFields(options->filter);
  std::erase_if(fields, [](const Field& field) { return field.name == "verifier"; });
  AddOptionFlags(*app, fields);
  AddJudgeFlags(*app, options->judges);
  AddThreadsFlag(*app, options->threads);
  AddJsonFlag(*app, options->json);
  app->callback([options, &action] { action = [options] { return Rescore(*options); }; });
}

}  // namespace retort::cli
