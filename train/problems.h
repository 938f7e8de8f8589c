#pragma once
// Where a stage's problems come from: generators or a file.

#include <string>
#include <vector>

#include "base/options.h"
#include "base/records.h"
#include "datasets/generator.h"
#include "datasets/jsonl.h"
#include "model/template.h"
#include "train/micro_batch.h"

namespace retort::train {

struct ProblemOptions {
  std::string file;
  datasets::JsonlOptions columns;
  datasets::GeneratorOptions generator;
  datasets::Split split = datasets::Split::kTrain;
  template <class V>
  void Visit(V& v) {
    v("file", file,
      "File of problems, JSON Lines or CSV, also as .gz or .zst; empty generates them.");
    v("columns", columns, "Which columns of the file mean what.");
    v("generator", generator, "What to generate when there is no file.");
    v("split", split, "Side of the generators' split: no problem is on two sides.");
  }
};

/// The problem with its worked steps (`reasons`) or just its answer, as ids to learn from.
LearnGroup WorkedGroup(const model::Tokenizer& tokenizer, model::PromptTemplate prompt_template,
                       const Problem& problem, bool reasons);

/// The same options always give the same problems in the same order.
std::vector<Problem> GetProblems(const ProblemOptions& options);

/// Item `n` of an endless shuffled reading of `count` items: epoch n / count, each in an order of
/// its own named stream. A pure function of its arguments.
class ShuffledOrder {
 public:
  ShuffledOrder(int64_t count, uint64_t seed, std::string purpose);
  int64_t At(int64_t n);

 private:
  int64_t count_;
  uint64_t seed_;
  std::string purpose_;
  int64_t epoch_ = -1;
  std::vector<int64_t> order_;
};

}  // namespace retort::train
