#pragma once
// Sampling a model on problems and judging what it says.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/language_model.h"
#include "model/template.h"
#include "rollout/engine.h"
#include "train/panel.h"
#include "train/stage.h"

namespace retort::train {

/// Problems in, judged traces out. Judging runs on threads of its own while other rows decode.
/// Completions of one group that are the same token by token are judged once.
struct SampleJob {
  const std::vector<Problem>* problems = nullptr;
  std::vector<int64_t> chosen;  ///< indices into `problems`, in order
  /// Token ids to complete, one list per chosen problem, instead of the problems' own prompts.
  const std::vector<std::vector<int32_t>>* prompts = nullptr;
  int64_t samples = 1;  ///< per problem
  rollout::SamplingOptions sampling;
  uint64_t seed = 0;
  std::string purpose;  ///< of the streams
  int64_t step = 0;
  int64_t policy_version = 0;
  /// Verdicts known already, in the order of the result; used instead of judging where the stored
  /// token ids are the same. An Error where they are not: the run was not reproduced.
  const std::vector<Trace>* replay = nullptr;
};

struct SampleContext {
  model::LanguageModel& model;
  nn::Compute& compute;
  const model::Tokenizer& tokenizer;
  model::PromptTemplate prompt_template = model::PromptTemplate::kShort;
  const RewardPanel& panel;
  rollout::EngineOptions engine;
  std::function<void(int64_t done)> progress;  ///< trajectories finished
  std::function<bool()> stop;                  ///< true ends it with Error("interrupted")
  int judge_threads = 0;                       ///< as in StageContext
  std::function<void()> before_judging = {};   ///< as in StageContext
  /// Sees each trace of the result once it is judged, on any thread; after an interruption those
  /// that were done have been seen.
  std::function<void(size_t slot, const Trace&, const Judgement&)> on_judged = {};
};

/// How a stage samples its own model, packed for `compute`.
SampleContext SamplingOf(const StageContext& context, const RewardPanel& panel,
                         nn::Compute& compute);
SampleContext SamplingOf(const StageContext& context, const RewardPanel& panel);

struct SampleResult {
  std::vector<Trace> traces;          ///< samples of chosen[0], then of chosen[1], …
  std::vector<Judgement> judgements;  ///< one per trace
  rollout::EngineStats stats;
  double seconds = 0;        ///< sampling and judging
  double judge_seconds = 0;  ///< of them, those after the last token: sampling hides the rest
};
SampleResult SampleProblems(const SampleContext& context, const SampleJob& job);

/// "rewards/VERIFIER/OUTCOME": how many of its verdicts have this outcome, for every outcome that
/// occurs. An outcome is a reason without its details: "wrong-answer" of "wrong-answer/3",
/// "bad-tests" of "bad-tests: tests[2] has no args".
void AddOutcomes(const std::vector<Trace>& traces, Metrics& metrics);

/// Whether a completion has a think block with something in it.
bool Reasons(std::string_view text);

/// Counts over a set of traces.
struct Accuracy {
  int64_t count = 0;
  int64_t correct = 0;
  int64_t reasoning = 0;  ///< completions that reason
  int64_t reasoning_correct = 0;
  int64_t finished = 0;  ///< ended by themselves
  int64_t tokens = 0;    ///< completion tokens

  void Add(const Trace& trace, bool is_correct);
  double accuracy() const { return Share(correct, count); }
  double reasoning_share() const { return Share(reasoning, count); }
  double reasoning_accuracy() const { return Share(reasoning_correct, reasoning); }
  double direct_accuracy() const { return Share(correct - reasoning_correct, count - reasoning); }
  double mean_length() const { return Share(tokens, count); }
  static double Share(int64_t part, int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
  }
};

/// Totals and per family, in the order of the names.
struct AccuracyTable {
  Accuracy all;
  std::map<std::string, Accuracy> families;
  void Add(const SampleResult& result);
};

}  // namespace retort::train
