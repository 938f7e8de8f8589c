#pragma once
// Distillation by traces (DeepSeek-R1 §2.4): the student learns the completions of a selection,
// token ids as sampled, loss on the completion only.

#include "datasets/trace_filter.h"
#include "distill/next_token.h"

namespace retort::distill {

struct DistillOptions {
  std::string database;
  datasets::TraceFilter select;
  NextTokenOptions training;
  template <class V>
  void Visit(V& v) {
    v("database", database, "Trace database to learn from; empty takes the run's own.");
    v("select", select, "Which traces.");
    training.Visit(v);
  }
};

/// The selection is stored in the database it was made from (the run's own), and its hash reported.
train::StageReport RunDistill(const train::StageContext& context, const DistillOptions& options);

}  // namespace retort::distill
