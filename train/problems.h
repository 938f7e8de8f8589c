#pragma once
// Where a stage's problems come from: generators or a file, and whether they fit its model.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/options.h"
#include "base/records.h"
#include "datasets/generator.h"
#include "datasets/jsonl.h"
#include "model/template.h"
#include "train/micro_batch.h"
#include "train/stage.h"

namespace retort::train {

enum class Overlong { kError, kSkip };
constexpr auto EnumNames(Overlong) {
  return std::array{std::pair{Overlong::kError, "error"}, std::pair{Overlong::kSkip, "skip"}};
}

struct ProblemOptions {
  std::string file;
  datasets::JsonlOptions columns;
  datasets::GeneratorOptions generator;
  std::vector<double> split_shares;
  datasets::Split split = datasets::Split::kTrain;
  std::optional<int64_t> max_prompt_length;
  Overlong overlong = Overlong::kError;
  template <class V>
  void Visit(V& v) {
    v("file", file,
      "File of problems, JSON Lines or CSV, also as .gz or .zst; empty generates them.");
    v("columns", columns, "Which columns of the file mean what.");
    v("generator", generator, "What to generate when there is no file.");
    v("split_shares", split_shares,
      "How the file is split: the shares of train, validation and held_out, such as [0.8, 0.1, "
      "0.1]. The problem's text decides, so it keeps its side when the file grows. Empty: the file "
      "is not split, every side is all of it.",
      Bounds{0, 1e9});
    v("split", split,
      "The side that is used, of the generators' own split or of split_shares: no problem is on "
      "two sides.");
    v("max_prompt_length", max_prompt_length,
      "Longest prompt in tokens; null: what the context leaves beside the completion.",
      Bounds{1, 1e9});
    v("overlong", overlong, "What to do with a problem that is longer: refuse it or skip it.");
  }
};

/// The side of a problem of a file, by the hash of its canonical text; like SplitOf, only what
/// precedes a tab decides. Throws Error unless `shares` are three, the first not all 0.
datasets::Split SideOf(std::string_view canonical, const std::vector<double>& shares);

/// The problem with its worked steps (`reasons`) or just its answer, as ids to learn from.
LearnGroup WorkedGroup(const model::Tokenizer& tokenizer, const model::PromptFormat& format,
                       const Problem& problem, bool reasons);

/// The same options always give the same problems in the same order. Throws Error on the first bad
/// row, or, given `bad_row`, tells that and goes on; throws when no problem is left.
std::vector<Problem> GetProblems(const ProblemOptions& options,
                                 const std::function<void(const std::string&)>& bad_row = {});

/// What a model takes of a problem.
struct Room {
  const model::Tokenizer& tokenizer;
  model::PromptFormat prompt_template = {};
  int64_t positions = 0;  ///< max_position_embeddings
  /// Tokens kept for the completion, or empty where the worked solution is what follows the prompt.
  std::optional<int64_t> completion;
};
/// max_position_embeddings of a model.
int64_t Positions(const model::ModelConfig& config);

struct LongProblem {
  size_t index = 0;
  std::string id;
  int64_t tokens = 0;
};
/// The problems that do not fit, in order.
struct Overlongs {
  std::vector<LongProblem> problems;
  int64_t of = 0;           ///< problems in all
  int64_t limit = 0;        ///< tokens of a prompt (of prompt and solution) at most
  std::string remedy = {};  ///< what to do about them
  /// "3 of 7473 problems are too long: 'a.jsonl:7' with 811 tokens, …; at most 512 fit".
  std::string Text() const;
};
/// What is longer than max_prompt_length or than the room leaves. The last token of a completion
/// needs no position.
Overlongs FindOverlong(const std::vector<Problem>& problems, const ProblemOptions& options,
                       const Room& room);
void Remove(const Overlongs& overlong, std::vector<Problem>& problems);

/// The problems of a stage whose completions have up to `completion` tokens (empty as in Room).
/// Throws Error on overlong ones unless they are to be skipped, which is warned of and reported.
std::vector<Problem> ProblemsOf(const StageContext& context, const ProblemOptions& options,
                                std::optional<int64_t> completion, Json& details);

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
