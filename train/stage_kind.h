#pragma once
// The kinds of stages, as rows of a table. A row stands beside the stage that it is about; a recipe
// knows those of recipes/stages.cpp and nothing else of any kind.

#include <any>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/options.h"
#include "datasets/trace_filter.h"
#include "nn/dtype.h"
#include "train/panel.h"
#include "train/problems.h"
#include "train/stage.h"

namespace retort::train {

/// Problems that a stage reads, and what for.
struct ProblemsNeeded {
  enum class Role {
    kLearn,    ///< from worked solutions or from judged samples
    kCollect,  ///< sampled; learned from where a later stage distils it
    kMeasure,  ///< sampled to know how good the model is
    kProbe,    ///< the same while it learns
  };
  Role role = Role::kLearn;
  std::string key;  ///< in the stage's options: "problems"
  const ProblemOptions* options = nullptr;
  /// Tokens that are sampled at most; empty: the worked solution is learned, so there must be one.
  std::optional<int64_t> completion = {};
  const std::vector<JudgeSpec>* judges = nullptr;  ///< of the samples; null: nothing is sampled
  int64_t per_step = 0;                            ///< how many a step draws; 0: each once
};

/// Stored traces that a stage learns from.
struct TracesNeeded {
  std::string database;  ///< empty: the run's own
  const datasets::TraceFilter* select = nullptr;
};

/// What rows are read for: a model, and the stage that learns from them.
struct RowsPlace {
  model::Tokenizer tokenizer;
  model::PromptTemplate prompt_template = model::PromptTemplate::kShort;
  int64_t positions = 0;  ///< max_position_embeddings
  uint64_t seed = 0;
  std::string name = {};            ///< of the stage; the first part of its streams' purposes
  int threads = 0;                  ///< that read; 0: one per core
  std::function<bool()> stop = {};  ///< true ends it with datasets::Stopped
};

/// A row as the model will see it.
struct RowPreview {
  std::string id;  ///< "file:line"
  std::vector<int32_t> ids;
  std::vector<bool> learned;  ///< per id
};

/// What a stage makes of files of rows.
struct RowsLook {
  int64_t rows = 0;                   ///< that are used
  std::vector<std::string> warnings;  ///< about the others
  std::vector<RowPreview> first;      ///< three
  /// What a step learns from.
  std::function<std::vector<LearnGroup>(int64_t step)> batch;
};

/// Files of rows that a stage learns from word for word.
struct RowsNeeded {
  std::string key;  ///< in the stage's options: "train_files"
  std::vector<std::string> files;
  /// Reads all of them. Throws Error when nothing can be learned from one. The result refers to the
  /// stage's options.
  std::function<RowsLook(const RowsPlace& place)> look;
};

/// What a stage needs and makes beside its model: all that can be looked at before it runs. Refers
/// to its options.
struct StageNeeds {
  std::vector<ProblemsNeeded> problems = {};
  std::optional<TracesNeeded> traces = {};
  std::optional<RowsNeeded> rows = {};
  std::optional<nn::Dtype> dtype = {};  ///< of products, beside the recipe's
  bool stores_traces = false;           ///< of what it samples for the first of `problems`
  bool second_turns = false;            ///< some of them under RevisionStage(name)
  std::optional<int64_t> save_total_limit = {};
  std::optional<std::string> folder = {};  ///< that it writes, relative to the run directory
};

/// The options of a stage of any kind, by value.
using StageOptions = std::any;

struct StageKind {
  std::string type;  ///< "grpo": its name in a recipe
  std::string help;
  /// Changes the weights of its model: it saves checkpoints and goes on from the last one. Any
  /// other stage goes on after the last step that it recorded.
  bool trains = false;
  StageOptions defaults = {};
  /// The fields refer to the options, which must be of this kind.
  std::vector<Field> (*fields)(StageOptions& options) = nullptr;
  /// Throws Error on options that contradict each other; `where` starts the message.
  void (*validate)(const StageOptions& options, const std::string& where) = nullptr;
  StageNeeds (*needs)(const StageOptions& options) = nullptr;
  StageReport (*run)(const StageContext& context, const StageOptions& options) = nullptr;
};

/// The row of a kind whose options are of type `Options`: an options struct (base/options.h) with
/// the members Validate(where) const and Needs() const. `Run` is a function of context and options.
template <auto Run, class Options>
StageKind MakeStageKind(std::string type, std::string help, bool trains, Options defaults) {
  return {
      .type = std::move(type),
      .help = std::move(help),
      .trains = trains,
      .defaults = std::move(defaults),
      .fields = [](StageOptions& o) { return ListFields(std::any_cast<Options&>(o)); },
      .validate =
          [](const StageOptions& o, const std::string& where) {
            std::any_cast<const Options&>(o).Validate(where);
          },
      .needs = [](const StageOptions& o) { return std::any_cast<const Options&>(o).Needs(); },
      .run = [](const StageContext& context,
                const StageOptions& o) { return Run(context, std::any_cast<const Options&>(o)); }};
}

}  // namespace retort::train
