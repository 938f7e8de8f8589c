#pragma once
// What every stage is given by whoever runs it, and how it saves itself.

#include <cstdint>
#include <functional>
#include <string>

#include "model/pretrained.h"
#include "train/checkpoint.h"
#include "train/learner.h"
#include "train/panel.h"
#include "train/recorder.h"

namespace retort::train {

/// What a stage asks to be kept, besides the weights of its model.
struct StageProgress {
  int64_t step = 0;  ///< steps done
  Json state = Json::object();
  nn::AdamW* optimizer = nullptr;
  model::LanguageModel* reference = nullptr;
};

/// One of the recipe's models.
struct StageModel {
  model::LanguageModel& model;
  const model::Tokenizer& tokenizer;
};

/// Owned by the runner; a stage borrows it while it runs.
struct StageContext {
  nn::Compute& compute;
  model::LanguageModel& model;
  const model::Tokenizer& tokenizer;
  model::GenerationConfig generation = {};  ///< of the model: what ends its completions
  model::PromptFormat prompt_template = {};
  Recorder& recorder;           ///< of the stage's steps
  datasets::TraceStore& store;  ///< what they and those of earlier stages left
  int64_t run = 0;              ///< its id in there
  uint64_t seed = 0;
  std::filesystem::path folder = {};  ///< the run directory
  std::string owner = {};             ///< of the folders the stage writes (base/folder.h)
  std::string name;                   ///< of the stage; the first part of its streams' purposes
  int64_t stage_index = 0;

  /// Where to go on: steps done before, what the stage saved, the folder it was saved in ("" at the
  /// start of a stage).
  int64_t first_step = 0;
  Json state = Json::object();
  std::filesystem::path checkpoint;
  bool same_environment = true;  ///< the run was made by this very program and machine so far

  int judge_threads = 0;  ///< answers judged at a time; 0: one per thread of the executor
  VerifierMaker make_verifier = {};  ///< of the judges; as in RewardPanel
  Reduce reduce = {};                ///< over the ranks that learn side by side

  /// Another model of the recipe by its name, such as a teacher. Throws Error on an unknown one.
  std::function<StageModel(const std::string& name)> find_model = {};

  std::function<void(int64_t done, int64_t total, const Metrics&)> progress;
  std::function<bool()> stop_requested;
  std::function<void(const StageProgress&)> save;
  /// A sentence that the user should read, such as that a judge judges nothing.
  std::function<void(const std::string&)> warn = {};

  bool Stopping() const { return stop_requested && stop_requested(); }
  void Warn(const std::string& text) const {
    if (warn) warn(text);
  }
  void Report(int64_t done, int64_t total, const Metrics& metrics) const {
    if (progress) progress(done, total, metrics);
  }
  /// What an interrupted run stored for this step; empty when nothing, or when it cannot be
  /// compared because the environment has changed since.
  std::vector<Trace> StoredTraces(int64_t step) const {
    return same_environment ? store.ReplayTraces(Key(step)) : std::vector<Trace>();
  }
  RewardPanel Panel(const std::vector<JudgeSpec>& judges) const {
    return RewardPanel(judges, name + ".reward", make_verifier);
  }
  std::string Purpose(const char* what) const { return name + "/" + what; }
  datasets::StepKey Key(int64_t step) const { return {run, stage_index, step}; }
};

/// What a stage has to say at its end.
struct StageReport {
  bool interrupted = false;  ///< stopped on request, saved; run again to go on
  int64_t steps = 0;
  int64_t tokens = 0;              ///< tokens trained on or sampled, for tokens per second
  double operations = 0;           ///< floating-point operations of training, 6 N per token
  double sampling_operations = 0;  ///< of sampling, 2 N per token
  Json details = Json::object();
};

/// A stage of at most `steps` steps ends early when its training operations have reached a budget.
struct OperationBudget {
  double max_tera_operations = 0;
  template <class V>
  void Visit(V& v) {
    v("max_tera_operations", max_tera_operations,
      "Stop after this many 10^12 training operations, and fit the fall of the rate to that; 0 = "
      "no "
      "limit.",
      Bounds{0, 1e12});
  }
  bool Spent(double operations) const;
  /// How many steps the stage will have, if they go on costing what the first `done` did. Schedules
  /// are fitted to it. A pure function of the run so far, so that resuming changes nothing.
  int64_t ExpectedSteps(int64_t steps, int64_t done, double operations) const;
};

/// "moe/max_violation" (the mean over layers) and "moe/max_violation/LAYER"; nothing if dense.
void AddMaxViolation(const std::vector<double>& violations, Metrics& metrics);

/// After step `progress.step` of `total`: saves every `save_steps` steps (0: only at the end) and
/// when asked to stop. Returns true to stop.
bool SaveWhenDue(const StageContext& context, const StageProgress& progress, int64_t total,
                 int64_t save_steps);

}  // namespace retort::train
