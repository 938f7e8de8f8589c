#pragma once
// The folder of one run: who may write into it, what in it is Retort's, and its checkpoints.
//
// `retort.json` marks the folder: {"owner": the run's uid, "name": …}. It is written first, before
// the database and recipe.json; what the run writes beside it are files under the fixed names below
// and folders with markers of their own (base/folder.h). Whatever else lies there is somebody
// else's.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/lock.h"
#include "train/checkpoint.h"

namespace retort::recipes {

inline constexpr const char* kRecipeFile = "recipe.json";
inline constexpr const char* kStagesFile = "stages.json";
inline constexpr const char* kDatabaseFile = "traces.db";
inline constexpr const char* kFinalFolder = "final";

struct Checkpoint {
  std::filesystem::path folder;
  train::TrainerState state;
};

class RunDirectory {
 public:
  /// Takes the lock when the folder is there; throws Error naming the holder when it is taken.
  explicit RunDirectory(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  /// The run's uid; "" before Begin or Adopt.
  const std::string& owner() const { return owner_; }
  /// Whether a run has begun here: then there is a recipe.
  bool HoldsRun() const;

  /// Makes the folder a new run's. Throws Error naming what is in the way: everything under the
  /// names that the run will write, `folders` (of its export stages) included.
  void Begin(const std::vector<std::string>& folders);
  /// Gives a run without a marker, from before there were any, the owner `uid`; its checkpoints
  /// named in `recorded` and its final/ get markers too.
  void Adopt(const std::string& uid, const std::vector<std::string>& recorded);
  /// Throws Error when an export folder is none that the run may write.
  void CheckExports(const std::vector<std::string>& folders) const;
  /// Removes what a killed process of this run left half-written.
  void CleanUp(const std::vector<std::string>& folders) const;

  /// The run's own complete checkpoints, oldest first. Folders of others that are called
  /// `checkpoint-…`, copies under another name for example, do not count.
  std::vector<Checkpoint> Checkpoints() const;
  /// Where to write the checkpoint after this step: a name that is free or the run's own.
  std::filesystem::path CheckpointFolder(int64_t global_step) const;
  /// Gives a checkpoint that others take the place of a name under which it is nobody's any more.
  std::filesystem::path SetAside(const Checkpoint& checkpoint) const;

 private:
  void Lock();
  void WriteMarker() const;
  void RequireFree(const std::vector<std::string>& folders) const;

  std::filesystem::path path_;
  std::string owner_;
  std::optional<WriterLock> lock_;
};

}  // namespace retort::recipes
