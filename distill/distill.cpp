#include "distill/distill.h"

#include "base/plural.h"
#include "base/strings.h"
#include "train/problems.h"
#include "train/revision.h"
#include "train/run_places.h"

namespace retort::distill {
namespace {

struct Traces {
  std::vector<train::LearnGroup> groups;  // one completion each
  std::string hash;
  int64_t too_long = 0;
};

Traces LoadTraces(const train::StageContext& context, const DistillOptions& options) {
  const bool own = options.database.empty();
  std::unique_ptr<datasets::TraceStore> other;
  if (!own) {
    other = std::make_unique<datasets::TraceStore>(train::FindTraces(options.database),
                                                   datasets::TraceStore::Mode::kRead,
                                                   context.stop_requested);
  }
  datasets::TraceStore& store = own ? context.store : *other;
  Traces traces;
  std::vector<int64_t> ids;
  // What a student learned from stands in its own run's database; another's is only read.
  if (own) {
    datasets::Selection selection = store.SaveSelection(options.select);
    ids = std::move(selection.ids);
    traces.hash = selection.hash;
  } else {
    ids = store.Select(options.select);
  }
  RETORT_CHECK(!ids.empty(), context.name, ".select: no trace in ",
               own ? "the run's database" : options.database,
               " passes the filter. Loosen it, or collect more traces first");
  const int64_t vocabulary = context.model.vocab_size();
  store.ForEach(ids, [&](const Trace& trace) {
    for (const std::vector<int32_t>* tokens :
         {&trace.trajectory.prompt, &trace.trajectory.completion}) {
      for (const int32_t id : *tokens) {
        RETORT_CHECK(id >= 0 && id < vocabulary, context.name, ": trace ", trace.id,
                     " holds token id ", id, ", but the student's vocabulary has ", vocabulary,
                     ". Teacher and student must share a tokenizer");
      }
    }
    RETORT_CHECK(SameTokens(context.tokenizer, trace), context.name, ": the tokens of trace ",
                 trace.id,
                 " are another text to the student's tokenizer. Teacher and student must "
                 "share a tokenizer");
    train::LearnGroup group = options.turns == Turns::kAll ? train::ConversationOf(context, trace)
                                                           : train::LastTurnOf(trace);
    // The last token is predicted and never read.
    const size_t needed = group.prompt.size() + group.completions[0].size() - 1;
    if (static_cast<int64_t>(needed) > train::Positions(context.model.config())) {
      ++traces.too_long;
      return;
    }
    traces.groups.push_back(std::move(group));
  });
  RETORT_CHECK(!traces.groups.empty(), context.name, ": every one of the ",
               Counted(traces.too_long, "selected trace"),
               " is longer than the student's max_position_embeddings");
  if (traces.too_long > 0) {
    context.Warn(StrCat("stage '", context.name,
                        "': ", PartIs(traces.too_long, ids.size(), "trace"),
                        " longer than the student's max_position_embeddings and left out"));
  }
  return traces;
}

}  // namespace

bool SameTokens(const model::Tokenizer& tokenizer, const Trace& trace) {
  const std::span said =
      std::span(trace.trajectory.completion).subspan(trace.trajectory.last_turn());
  return trace.text.empty() || ToValidUtf8(tokenizer.Decode(said)) == ToValidUtf8(trace.text);
}

train::StageReport RunDistill(const train::StageContext& context, const DistillOptions& options) {
  const Traces traces = LoadTraces(context, options);
  const auto count = static_cast<int64_t>(traces.groups.size());
  train::ShuffledOrder order(count, context.seed, context.Purpose("examples"));
  NextTokenTask task;
  task.examples = count;
  task.example = [&](int64_t n) {
    return std::vector{traces.groups[static_cast<size_t>(order.At(n))]};
  };
  train::StageReport report = TrainNextToken(context, options.training, task);
  report.details["traces"] = count;
  if (traces.too_long > 0) report.details["too_long"] = traces.too_long;
  if (!traces.hash.empty()) report.details["selection"] = traces.hash;
  return report;
}

train::StageNeeds DistillOptions::Needs() const {
  return {.traces = train::TracesNeeded{database, &select},
          .save_total_limit = training.save_total_limit};
}

const train::StageKind& DistillKind() {
  static const train::StageKind kind = train::MakeStageKind<RunDistill>(
      "distill", "Learns the completions of stored traces.", true, DistillOptions());
  return kind;
}

}  // namespace retort::distill
