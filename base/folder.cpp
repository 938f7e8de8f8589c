#include "base/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace retort {
namespace fs = std::filesystem;
namespace {

std::string TemporaryPrefix(const std::string& name) { return "." + name + ".tmp-"; }
// Of what stood under the name and had to step aside: no process has the number 0.
std::string AsidePrefix(const std::string& name) { return TemporaryPrefix(name) + "0-"; }

// The prefix and this process' number, or with a further number where that is taken.
fs::path FreeName(const fs::path& parent, const std::string& prefix) {
  const std::string name = prefix + std::to_string(::getpid());
  fs::path path = parent / name;
  std::error_code none;
  for (int attempt = 1; fs::exists(fs::symlink_status(path, none)); ++attempt) {
    path = parent / StrCat(name, "-", attempt);
  }
  return path;
}

// In one step, so that at every moment a complete folder stands under `path`.
void ExchangeFolders(const fs::path& fresh, const fs::path& path) {
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) FailErrno(path, "rename into place");
  ExchangeByRenames(fresh, path);
}

std::vector<std::string> FilesIn(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    if (!entry.is_directory() && name != kMarkerFile) files.push_back(name);
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Whether the folder is the owner's and has all that its marker lists.
bool IsWhole(const fs::path& folder, const std::string& name, const std::string& owner) {
  const Json marker = ReadMarker(folder);
  if (marker.is_null() || marker["owner"] != owner || marker["name"] != name) return false;
  std::error_code none;
  return marker.contains("files") && std::ranges::all_of(marker["files"], [&](const Json& file) {
           return fs::exists(fs::symlink_status(folder / file.get<std::string>(), none));
         });
}

// A folder that was never finished: all in it is its writer's. The marker goes last, so that a kill
// in between leaves a folder that is still known.
bool RemoveUnfinished(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename() != kMarkerFile) entries.push_back(entry.path());
  }
  for (const fs::path& path : entries) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) return false;
  }
  fs::remove(folder / kMarkerFile, ignored);
  return fs::remove(folder, ignored);
}

// Removes what the marker lists, the marker last, and then the folders that are empty. True when
// nothing is left.
bool RemoveListed(const fs::path& folder) {
  const Json marker = ReadMarker(folder);
  std::error_code ignored;
  if (marker.is_null()) {  // killed before there was one
    RemoveLeftovers(folder, kMarkerFile, "");
    return fs::remove(folder, ignored);
  }
  if (!marker.contains("files")) return RemoveUnfinished(folder);
  for (const Json& file : marker["files"]) {
    const fs::path path = folder / file.get<std::string>();
    fs::remove(path, ignored);
    for (fs::path parent = path.parent_path(); parent != folder && fs::is_empty(parent, ignored);
         parent = parent.parent_path()) {
      fs::remove(parent, ignored);
    }
  }
  fs::remove(folder / kMarkerFile, ignored);
  return fs::remove(folder, ignored);
}

// What others have put into `from` goes into `to`, under a name that is free there.
void MoveContents(const fs::path& from, const fs::path& to) {
  std::vector<fs::path> strangers;
  for (const auto& entry : fs::directory_iterator(from)) strangers.push_back(entry.path());
  for (const fs::path& path : strangers) {
    fs::path target = to / path.filename();
    while (fs::exists(fs::symlink_status(target))) target += ".kept";
    if (::rename(path.c_str(), target.c_str()) != 0) FailErrno(path, "move");
  }
  std::error_code ignored;
  fs::remove(from, ignored);
}

}  // namespace

Json ReadMarker(const fs::path& folder) {
  const fs::path file = folder / kMarkerFile;
  std::error_code none;
  if (!fs::is_regular_file(file, none)) return nullptr;
  try {
    Json marker = ParseJson(ReadFile(file), file.string());
    const auto text = [&](const char* key) {
      return marker.contains(key) && marker[key].is_string();
    };
    if (!marker.is_object() || !text("owner") || !text("name")) return nullptr;
    if (!marker.contains("files")) return marker;
    if (!marker["files"].is_array()) return nullptr;
    for (const Json& name : marker["files"]) {
      if (!name.is_string()) return nullptr;
      const fs::path path = name.get<std::string>();
      if (path.is_absolute() || path.lexically_normal() != path) return nullptr;  // "../x"
      if (*path.begin() == "..") return nullptr;
    }
    return marker;
  } catch (const Error&) {
    return nullptr;  // a file of that name by somebody else
  }
}

bool IsOwned(const fs::path& folder, const std::string& owner) {
  std::error_code none;
  if (!fs::is_directory(fs::symlink_status(folder, none))) return false;
  const Json marker = ReadMarker(folder);
  return !marker.is_null() && marker["owner"] == owner &&
         marker["name"] == folder.filename().string();
}

std::string NewOwner() {
  std::random_device random;  // a name, not a number that anything is computed from
  std::string name;
  while (name.size() < 32) {
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(random()));
    name += digits;
  }
  return name;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "retort-XXXXXX").string();
  RETORT_CHECK(mkdtemp(name.data()) != nullptr, name, ": ", std::strerror(errno),
               "; TMPDIR must name a folder that can be written");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

AtomicFolder::AtomicFolder(fs::path path, std::string owner, Json details)
    : path_(path.has_filename() ? std::move(path) : path.parent_path()),  // "name/" means "name"
      owner_(std::move(owner)),
      details_(std::move(details)) {
  std::error_code error;
  const auto status = fs::symlink_status(path_, error);
  const bool free = !fs::exists(status) || (fs::is_directory(status) && fs::is_empty(path_, error));
  RETORT_CHECK(
      free || IsOwned(path_, owner_), path_.string(),
      ": is in the way, and this run has not written it. Move it, or choose another place");
  fs::create_directories(path_.parent_path().empty() ? fs::path(".") : path_.parent_path(), error);
  const std::string prefix =
      TemporaryPrefix(path_.filename().string()) + std::to_string(::getpid());
  for (int attempt = 0;; ++attempt) {  // a dead process may have had this number
    temporary_ = path_.parent_path() / (attempt ? StrCat(prefix, "-", attempt) : prefix);
    if (::mkdir(temporary_.c_str(), 0755) == 0) break;
    RETORT_CHECK(errno == EEXIST && attempt < 1000, path_.string(),
                 ": cannot create the folder: ", std::strerror(errno));
  }
  WriteMarker(nullptr);
}

AtomicFolder::~AtomicFolder() {
  if (!temporary_.empty()) RemoveUnfinished(temporary_);
}

void AtomicFolder::WriteMarker(const Json& files) const {
  Json marker = {{"owner", owner_}, {"name", path_.filename().string()}};
  marker.update(details_);
  if (!files.is_null()) marker["files"] = files;
  WriteFileAtomic(temporary_ / kMarkerFile, marker.dump(2) + "\n");
}

void AtomicFolder::Commit() {
  WriteMarker(FilesIn(temporary_));
  FaultPoint("folder-before-rename");
  if (::rename(temporary_.c_str(), path_.c_str()) == 0) {
    temporary_.clear();
  } else {
    if (errno != ENOTEMPTY && errno != EEXIST) FailErrno(path_, "rename into place");
    RETORT_CHECK(IsOwned(path_, owner_), path_.string(),
                 ": is in the way, and this run has not "
                 "written it. Move it, or choose another place");
    ExchangeFolders(temporary_, path_);
    FaultPoint("folder-exchanged");
    const fs::path old = std::exchange(temporary_, {});
    if (!RemoveListed(old)) MoveContents(old, path_);
  }
  FaultPoint("folder-after-rename");
  SyncDirectory(path_.parent_path());
}

void ExchangeByRenames(const fs::path& fresh, const fs::path& path) {
  const fs::path aside = FreeName(path.parent_path(), AsidePrefix(path.filename().string()));
  if (::rename(path.c_str(), aside.c_str()) != 0) FailErrno(path, "rename");
  FaultPoint("folder-aside");
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::rename(aside.c_str(), path.c_str());
    errno = error;
    FailErrno(path, "rename into place");
  }
  FaultPoint("folder-in-place");
  if (::rename(aside.c_str(), fresh.c_str()) != 0) FailErrno(aside, "rename");
}

void RemoveOwnedFolder(const fs::path& folder, const std::string& owner) {
  std::error_code none;
  if (!fs::exists(fs::symlink_status(folder, none))) return;
  RETORT_CHECK(IsOwned(folder, owner), folder.string(),
               ": this run has not written it, so it is not removed");
  const fs::path temporary =
      FreeName(folder.parent_path(), TemporaryPrefix(folder.filename().string()));
  if (::rename(folder.c_str(), temporary.c_str()) != 0) FailErrno(folder, "remove");
  FaultPoint("folder-removal");
  if (!RemoveListed(temporary) && ::rename(temporary.c_str(), folder.c_str()) != 0) {
    FailErrno(folder, "put back what others have added to");
  }
}

void RemoveLeftovers(const fs::path& parent, const std::string& name, const std::string& owner) {
  const std::string prefix = TemporaryPrefix(name);
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(parent)) {
    const std::string found = entry.path().filename().string();
    if (found.starts_with(prefix) &&
        found.find_first_not_of("0123456789-", prefix.size()) == std::string::npos) {
      leftovers.push_back(entry.path());
    }
  }
  std::error_code ignored;
  const auto is_free = [&] { return !fs::exists(fs::symlink_status(parent / name, ignored)); };
  std::sort(leftovers.begin(), leftovers.end());  // what stepped aside comes first
  for (const fs::path& path : leftovers) {
    if (path.filename().string().starts_with(AsidePrefix(name)) && is_free() &&
        IsWhole(path, name, owner)) {
      fs::rename(path, parent / name, ignored);
      continue;
    }
    const auto status = fs::symlink_status(path, ignored);
    if (fs::is_regular_file(status)) fs::remove(path, ignored);
    if (!fs::is_directory(status)) continue;
    const Json marker = ReadMarker(path);
    const bool foreign = !marker.is_null() && (marker["owner"] != owner || marker["name"] != name);
    if (foreign || RemoveListed(path) || marker.is_null() || !marker.contains("files")) continue;
    // What others had added to a folder that was being replaced or removed when the process died.
    if (is_free()) {
      fs::rename(path, parent / name, ignored);
    } else if (IsOwned(parent / name, owner)) {
      MoveContents(path, parent / name);
    }
  }
}

}  // namespace retort
