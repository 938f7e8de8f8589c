#pragma once
// Sampling a model on problems and judging what it says.

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "model/generation_config.h"
#include "model/packed_weights.h"
#include "model/template.h"
#include "rollout/engine.h"
#include "train/panel.h"
#include "train/stage.h"

namespace retort::train {

/// Problems in, judged samples out. Judging runs on threads of its own while other rows decode.
/// Completions of one group that are the same token by token are judged once.
struct SampleJob {
  const std::vector<Problem>* problems = nullptr;
  std::vector<int64_t> chosen;  ///< indices into `problems`, in order
  /// Token ids to complete, one list per chosen problem, instead of the problems' own prompts.
  const std::vector<std::vector<int32_t>>* prompts = nullptr;
  /// What the streams of each chosen problem are named by; empty: its index.
  std::vector<int64_t> names = {};
  /// Per chosen problem. One that is chosen again has other samples: its k-th draw (from 0) takes
  /// those from k * samples on of the problem's streams.
  int64_t samples = 1;
  rollout::SamplingOptions sampling;
  uint64_t seed = 0;
  std::string purpose;  ///< of the streams
  int64_t step = 0;
  int64_t policy_version = 0;
  /// Verdicts known already, in the order of the result; used instead of judging where the stored
  /// token ids are the same. An Error where they are not: the run was not reproduced.
  const std::vector<Trace>* replay = nullptr;
};

/// [begin, end), for `chosen`.
std::vector<int64_t> Indices(int64_t begin, int64_t end);

struct SampleContext {
  std::shared_ptr<const model::PackedWeights> weights;
  nn::Compute& compute;
  const model::Tokenizer& tokenizer;
  model::GenerationConfig generation = {};  ///< what ends a completion (model::StopIds)
  model::PromptFormat prompt_template = {};
  const RewardPanel& panel;
  rollout::EngineOptions engine;
  std::function<void(int64_t done)> progress;  ///< trajectories finished
  std::function<bool()> stop;                  ///< true ends it with Error("interrupted")
  int judge_threads = 0;                       ///< as in StageContext
  /// Sees each sample of the result once it is judged, on any thread; after an interruption those
  /// that were done have been seen.
  std::function<void(size_t slot, const Sample&)> on_judged = {};
};

/// How a stage samples its own model as it is now, in a precision of its own or in the model's.
SampleContext SamplingOf(const StageContext& context, const RewardPanel& panel,
                         const nn::Precision& precision);
SampleContext SamplingOf(const StageContext& context, const RewardPanel& panel);

struct SampleResult {
  std::vector<Sample> samples;  ///< those of chosen[0], then of chosen[1], …
  rollout::EngineStats stats;
  double seconds = 0;        ///< sampling and judging
  double judge_seconds = 0;  ///< of them, those after the last token: sampling hides the rest
};
SampleResult SampleProblems(const SampleContext& context, const SampleJob& job);

/// "rewards/VERIFIER/OUTCOME": how many of its verdicts have this outcome, for every outcome that
/// occurs. An outcome is a reason without its details: "wrong-answer" of "wrong-answer/3",
/// "bad-tests" of "bad-tests: tests[2] has no args".
void AddOutcomes(std::span<const Sample> samples, Metrics& metrics);

/// What there is to say of a judge that could not judge more than kManyUnjudged of the samples it
/// took, in a sentence with the most frequent reason; "" when there is nothing.
inline constexpr double kManyUnjudged = 0.1;
std::string ManyUnjudged(const std::string& judge, std::span<const Sample> samples);
/// The first verdict of a judge that failed (RewardPanel::Judge), as a sentence; "" if none did.
std::string FailedJudge(std::span<const Sample> samples);

/// Warnings about judges, each said once while what it is about goes on, not at every step.
class JudgeWarnings {
 public:
  /// `remark` ends what is said of completions that were not judged.
  JudgeWarnings(const StageContext& context, const RewardPanel& panel, std::string remark = "")
      : context_(context), panel_(panel), remark_(std::move(remark)) {}
  void Look(int64_t step, std::span<const Sample> samples);
  /// `text` unless `what` held when it was asked last; nothing when it does not hold now.
  void Say(const std::string& what, bool holds, const std::string& text);

 private:
  const StageContext& context_;
  const RewardPanel& panel_;
  std::string remark_;
  std::set<std::string> going_on_;
};

}  // namespace retort::train
