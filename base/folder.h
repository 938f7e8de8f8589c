#pragma once
// Folders that Retort writes, and how it proves that they are its own: it removes and replaces only
// what it has written (DESIGN law 12).
//
// The proof is a marker in the folder, `retort.json`:
//   {"owner": "8d1f…", "name": "checkpoint-63", "files": ["config.json", …], …what it is…}
// A folder is the owner's when the marker names that owner and the name that the folder still has:
// a copy under another name is somebody else's.

#include <filesystem>
#include <string>

#include "base/json.h"

namespace retort {

inline constexpr const char* kMarkerFile = "retort.json";

/// The marker of a folder; null when there is none or it is not one of Retort's.
Json ReadMarker(const std::filesystem::path& folder);
/// Whether the folder (not a link to one) carries this owner's marker under its own name.
bool IsOwned(const std::filesystem::path& folder, const std::string& owner);

/// A name that no other run, on this machine or another, has: 32 lower-case hex digits.
std::string NewOwner();

/// An empty folder in TMPDIR, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();  ///< Throws Error.
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A folder that appears under its final name, complete, when Commit() renames it. An older folder
/// of that name is exchanged with it in one step and then removed, if the same owner wrote it;
/// files in it that others have added move over. Until then it is `temporary()`, which the
/// destructor removes. Every file in it is expected to have been written through AtomicFile.
class AtomicFolder {
 public:
  /// `details`: further members of the marker, what the folder is. Throws Error when `path` is
  /// there and not the owner's.
  AtomicFolder(std::filesystem::path path, std::string owner, Json details = Json::object());
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  const std::filesystem::path& temporary() const { return temporary_; }
  void Commit();

 private:
  void WriteMarker(const Json& files) const;

  std::filesystem::path path_, temporary_;
  std::string owner_;
  Json details_;
};

/// Puts `fresh` in the place of `path`, and `path` in that of `fresh`, where a file system cannot
/// do it in one step (network shares): for a moment nothing stands under `path`, and a kill then
/// leaves what RemoveLeftovers puts back. Part of AtomicFolder, public for tests.
void ExchangeByRenames(const std::filesystem::path& fresh, const std::filesystem::path& path);

/// Removes a folder that is the owner's (Error when it is not) so that at no moment a part of it
/// stands under its name. Files that others have added stay, in the folder. One that does not exist
/// is no error.
void RemoveOwnedFolder(const std::filesystem::path& folder, const std::string& owner);

/// Removes what a killed process of this owner left in `parent` under the temporary name of a
/// folder or file called `name`; a whole folder that had stepped aside from `name` is put back if
/// nothing stands there now. Nothing else may be writing there.
void RemoveLeftovers(const std::filesystem::path& parent, const std::string& name,
                     const std::string& owner);

}  // namespace retort
