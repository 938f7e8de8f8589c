#pragma once
// What a run has done so far, as its directory and its database have it: where it goes on, with
// which recipe and from which weights. Private to this room.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datasets/trace_store.h"
#include "recipes/internal/revision.h"
#include "recipes/internal/run_directory.h"
#include "recipes/recipe.h"
#include "recipes/run.h"

namespace retort::recipes {

/// Where the weights of a model come from: those that `initial` begins with, unless a finished
/// stage left them in a checkpoint.
struct Weights {
  std::string initial;
  const Checkpoint* checkpoint = nullptr;
  std::string missing = {};  ///< the stage that trained them, when its checkpoint is not there
};

class RunState {
 public:
  using Note = std::function<void(const std::string&)>;
  /// Takes the run directory, if it is there: throws Error when another process has it. Borrows
  /// `recipe` and `options`; `note` gets sentences for the user. `stop` (may be empty) is asked
  /// while the databases of others are read.
  RunState(const Recipe& recipe, const RunOptions& options, Note note, std::function<bool()> stop);

  bool HoldsRun() const { return directory_.HoldsRun(); }
  /// Makes the directory, the database and recipe.json of a new run.
  void Begin();
  /// Reads what is there and compares recipe, inputs and environment with what the run has had.
  /// Throws Error when it cannot go on so, and when something that it needs is missing. Changes
  /// nothing that a later failure would have to bring back.
  void Open();
  /// Takes the changed recipe, and cuts back what the current stage will do again. To be called
  /// when everything has been checked and the models are loaded.
  void GoOn();

  /// All stages are done and the final models are written.
  bool IsComplete() const;
  const std::vector<StageResult>& stages() const { return stages_; }  ///< the finished ones
  size_t current() const { return stages_.size(); }
  /// Which recipe of the run this is: it counts up with every change.
  int64_t revision() const { return store_->LastRevision(run_) + (recipe_changed_ ? 1 : 0); }
  bool same_environment() const { return same_environment_; }
  const std::filesystem::path& out() const { return directory_.path(); }
  const std::string& owner() const { return directory_.owner(); }
  datasets::TraceStore& store() { return *store_; }
  int64_t run() const { return run_; }

  /// The newest checkpoint made inside stage k, or null.
  const Checkpoint* CheckpointOf(size_t k) const;
  /// The weights of every model as they are when stage k begins: a replay of what stages 0 … k-1
  /// did to them.
  std::map<std::string, Weights> WeightsBefore(size_t k) const;
  /// The model that was trained last is final/, every other one that was trained final-NAME/; with
  /// the stage that trained it last.
  std::vector<std::pair<std::string, size_t>> FinalFolders() const;

  /// Keeps the hashes of what stage k (-1: the models) is about to read.
  void RecordInputs(int64_t k);
  /// Training steps of the run after `step` of the current stage.
  int64_t GlobalStep(int64_t step) const;
  std::filesystem::path CheckpointFolder(int64_t global_step) const {
    return directory_.CheckpointFolder(global_step);
  }
  /// A checkpoint of stage k has been written; older ones go, down to its save_total_limit.
  void Saved(size_t k, Checkpoint checkpoint);
  void Finish(StageResult result);

 private:
  const Stage& StageAt(size_t k) const { return recipe_.stages[k]; }
  void OpenStore();
  void FindRun();
  void ReadFinishedStages();
  void Compare();
  void TakeRecipe();
  bool HasBegun(size_t k) const;
  bool CheckInputs(Json& stored, Json wanted, const Begun& begun);
  void CheckEnvironment(const Checkpoint& checkpoint);
  void RequireCheckpoints(size_t current, const Checkpoint* newest) const;
  void Record(const Checkpoint& checkpoint);
  void RemoveOldCheckpoints(size_t k);
  void WriteStages() const;

  const Recipe& recipe_;
  const RunOptions& options_;
  Note note_;
  std::function<bool()> stop_;
  RunDirectory directory_;
  std::unique_ptr<datasets::TraceStore> store_;
  int64_t run_ = 0;
  std::vector<Checkpoint> checkpoints_;  // complete ones of this run, in order
  std::vector<StageResult> stages_;
  bool same_environment_ = true;
  bool replays_ = true;  // what the current stage has stored is to be reproduced
  // What Compare found and TakeRecipe does.
  Revision revision_;
  bool recipe_changed_ = false;
  std::vector<Checkpoint> superseded_;
  std::vector<datasets::InputRecord> accepted_inputs_;
};

}  // namespace retort::recipes
