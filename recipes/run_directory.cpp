#include "recipes/internal/run_directory.h"

#include <algorithm>

#include "base/file.h"
#include "base/folder.h"
#include "base/strings.h"

namespace retort::recipes {
namespace fs = std::filesystem;
namespace {

// What a run writes into its directory, beside numbered folders and exports.
constexpr const char* kFiles[] = {kRecipeFile,     kStagesFile,     kDatabaseFile, "traces.db-wal",
                                  "traces.db-shm", "metrics.jsonl", kMarkerFile};
constexpr std::string_view kCheckpoint = "checkpoint-";

bool IsThere(const fs::path& path) {
  std::error_code none;
  return fs::exists(fs::symlink_status(path, none));
}

bool IsNumbered(std::string_view name) {
  return name.starts_with(kCheckpoint) && name.size() > kCheckpoint.size() &&
         name.find_first_not_of("0123456789.", kCheckpoint.size()) == std::string_view::npos;
}

std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void WriteFolderMarker(const fs::path& folder, const std::string& owner) {
  Json files = Json::array();
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(folder).string());
  }
  const Json marker = {
      {"owner", owner}, {"name", folder.filename().string()}, {"files", std::move(files)}};
  WriteFileAtomic(folder / kMarkerFile, marker.dump(2) + "\n");
}

}  // namespace

RunDirectory::RunDirectory(fs::path path) : path_(std::move(path)) {
  std::error_code none;
  RETORT_CHECK(!IsThere(path_) || fs::is_directory(path_, none), path_.string(),
               ": is no folder. Choose another --out");
  if (!fs::is_directory(path_, none)) return;
  Lock();
  const Json marker = ReadMarker(path_);
  if (!marker.is_null() && !marker.contains("files")) owner_ = marker["owner"];
}

void RunDirectory::Lock() {
  lock_.emplace(LockFileOf(path_ / kDatabaseFile), path_.string(), "retort run");
}

bool RunDirectory::HoldsRun() const {
  std::error_code none;
  if (!fs::is_regular_file(path_ / kRecipeFile, none)) return false;
  return !owner_.empty() || fs::is_regular_file(path_ / kDatabaseFile, none);
}

void RunDirectory::RequireFree(const std::vector<std::string>& folders) const {
  std::error_code none;
  if (!fs::is_directory(path_, none)) return;
  std::vector<std::string> wanted(std::begin(kFiles), std::end(kFiles));
  wanted.insert(wanted.end(), {kFinalFolder, "tb"});
  wanted.insert(wanted.end(), folders.begin(), folders.end());
  for (const std::string& name : NamesIn(path_)) {
    if (IsNumbered(name) || name.starts_with(std::string(kFinalFolder) + "-"))
      wanted.push_back(name);
  }
  std::vector<std::string> found;
  for (const std::string& name : wanted) {
    if (IsThere(path_ / name)) found.push_back(name);
  }
  RETORT_CHECK(found.empty(), path_.string(), ": ", Join(found, ", "),
               found.size() == 1 ? " is" : " are",
               " in the way of a new run, and no run of Retort's has left a marker here. Move what "
               "is in the way, or choose another --out");
}

void RunDirectory::Begin(const std::vector<std::string>& folders) {
  CheckExports(folders);
  const bool started = !owner_.empty();  // killed before there was a recipe: nothing has run
  if (!started) RequireFree(folders);
  std::error_code error;
  fs::create_directories(path_, error);
  RETORT_CHECK(!error, path_.string(), ": cannot create the folder: ", error.message());
  if (!lock_) {
    Lock();
    RequireFree(folders);  // another process may have been faster
  }
  if (started) return;
  owner_ = NewOwner();
  WriteMarker();
}

void RunDirectory::WriteMarker() const {
  const Json marker = {{"owner", owner_}, {"name", path_.filename().string()}, {"kind", "run"}};
  WriteFileAtomic(path_ / kMarkerFile, marker.dump(2) + "\n");
}

void RunDirectory::Adopt(const std::string& uid, const std::vector<std::string>& recorded) {
  for (const std::string& name : recorded) {
    const fs::path folder = path_ / name;
    if (!IsNumbered(name) || !fs::is_directory(fs::symlink_status(folder)) ||
        IsThere(folder / kMarkerFile)) {
      continue;
    }
    WriteFolderMarker(folder, uid);
  }
  const fs::path final_folder = path_ / kFinalFolder;
  if (fs::is_directory(fs::symlink_status(final_folder)) && !IsThere(final_folder / kMarkerFile)) {
    WriteFolderMarker(final_folder, uid);
  }
  owner_ = uid;
  WriteMarker();
}

void RunDirectory::CheckExports(const std::vector<std::string>& folders) const {
  // Whole paths: a symbolic link may lead back into the run, or two of them to one place.
  const fs::path own = fs::weakly_canonical(path_);
  for (size_t i = 0; i < folders.size(); ++i) {
    const fs::path folder = path_ / folders[i];
    const fs::path real = fs::weakly_canonical(folder);
    const fs::path inside = real.lexically_relative(own), around = own.lexically_relative(real);
    const std::string first = inside.begin()->string();
    const bool holds_run = around.begin()->string() != "..";
    const bool reserved = std::ranges::count(kFiles, first) || first == "tb" ||
                          first == kFinalFolder || first.starts_with(kCheckpoint) ||
                          first.starts_with(std::string(kFinalFolder) + "-");
    RETORT_CHECK(!holds_run && !reserved, "export path ", folder.string(),
                 ": is a place of the run itself. Choose another folder, such as \"export\"");
    for (size_t j = 0; j < i; ++j) {
      RETORT_CHECK(fs::weakly_canonical(path_ / folders[j]) != real, "export path ",
                   folder.string(), ": two stages would write it. Give each a folder of its own");
    }
    std::error_code none;
    const bool empty = fs::is_directory(folder, none) && fs::is_empty(folder, none);
    RETORT_CHECK(
        !IsThere(folder) || empty || IsOwned(folder, owner_), folder.string(),
        ": is in the way, and this run has not written it. Move it, or choose another path "
        "for the export stage");
  }
}

void RunDirectory::CleanUp(const std::vector<std::string>& folders) const {
  std::vector<std::string> names(std::begin(kFiles), std::end(kFiles));
  for (const std::string& found : NamesIn(path_)) {  // ".checkpoint-63.tmp-123"
    const size_t end = found.find(".tmp-");
    if (found.starts_with(".") && end != std::string::npos) {
      const std::string name = found.substr(1, end - 1);
      if (IsNumbered(name) || name.starts_with(kFinalFolder)) names.push_back(name);
    }
  }
  for (const std::string& name : names) RemoveLeftovers(path_, name, owner_);
  for (const std::string& folder : folders) {
    const fs::path path = path_ / folder;
    std::error_code none;
    if (fs::is_directory(path.parent_path(), none)) {
      RemoveLeftovers(path.parent_path(), path.filename().string(), owner_);
    }
  }
}

std::vector<Checkpoint> RunDirectory::Checkpoints() const {
  std::vector<Checkpoint> checkpoints;
  for (const std::string& name : NamesIn(path_)) {
    if (IsNumbered(name) && IsOwned(path_ / name, owner_)) {
      checkpoints.push_back({path_ / name, train::ReadTrainerState(path_ / name)});
    }
  }
  std::ranges::sort(checkpoints, [](const Checkpoint& a, const Checkpoint& b) {
    return std::pair(a.state.stage_index, a.state.step) <
           std::pair(b.state.stage_index, b.state.step);
  });
  return checkpoints;
}

fs::path RunDirectory::SetAside(const Checkpoint& checkpoint) const {
  fs::path aside = path_ / ("superseded-" + checkpoint.folder.filename().string());
  while (IsThere(aside)) aside += ".1";
  fs::rename(checkpoint.folder, aside);
  SyncDirectory(path_);
  return aside;
}

fs::path RunDirectory::CheckpointFolder(int64_t global_step) const {
  fs::path folder = path_ / StrCat(kCheckpoint, global_step);
  for (int attempt = 1; IsThere(folder) && !IsOwned(folder, owner_); ++attempt) {
    folder = path_ / StrCat(kCheckpoint, global_step, ".", attempt);
  }
  return folder;
}

}  // namespace retort::recipes
