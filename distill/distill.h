#pragma once
// Distillation by traces (DeepSeek-R1 §2.4): the student learns the completions of a selection,
// token ids as sampled, loss on the completion only.

#include <array>
#include <utility>

#include "datasets/trace_filter.h"
#include "distill/next_token.h"
#include "train/stage_kind.h"

namespace retort::distill {

/// What a second turn (train/revision.h) teaches.
enum class Turns { kLast, kAll };
constexpr auto EnumNames(Turns) {
  return std::array{std::pair{Turns::kLast, "last"}, std::pair{Turns::kAll, "all"}};
}

struct DistillOptions {
  std::string database;
  datasets::TraceFilter select;
  Turns turns = Turns::kLast;
  NextTokenOptions training;
  template <class V>
  void Visit(V& v) {
    v("database", database, "Trace database to learn from; empty takes the run's own.");
    v("select", select, "Which traces.");
    v("turns", turns,
      "What a second turn teaches: last: the second answer; all: everything after the question, "
      "that is both answers and what the user said to them (CodeI/O++).");
    training.Visit(v);
  }
  void Validate(const std::string& where) const { training.Validate(where); }
  train::StageNeeds Needs() const;
};

/// The trace's tokens are the same text to this tokenizer as to the one that sampled them. A trace
/// without a text says nothing, and passes.
bool SameTokens(const model::Tokenizer& tokenizer, const Trace& trace);

/// The selection is stored in the database it was made from (the run's own), and its hash reported.
train::StageReport RunDistill(const train::StageContext& context, const DistillOptions& options);

const train::StageKind& DistillKind();

}  // namespace retort::distill
