#pragma once
// Files: whole reads, memory maps, and writes that are either complete or absent.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace retort {

/// Throws Error "PATH: cannot ACTION: " and what errno says, with a remedy where a disk is full.
[[noreturn]] void FailErrno(const std::filesystem::path& path, const char* action);

/// Whole content. Throws Error naming the path when it cannot be read.
std::string ReadFile(const std::filesystem::path& path);

/// A file that appears under its final name only when Commit() has written, synced and renamed it.
/// Until then it lives beside it as `.NAME.tmp-PID`, which the destructor removes; a file or link
/// that has this name already is left alone, another one is taken.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error (disk full, file-size limit, …); nothing is left under the final name.
  void Write(std::string_view bytes);
  void Write(const void* data, size_t size);
  void Commit();

 private:
  std::filesystem::path path_, temporary_;
  int fd_ = -1;
};

void WriteFileAtomic(const std::filesystem::path& path, std::string_view bytes);

/// Appends lines to a file and syncs on request. Throws Error when a write fails.
class AppendFile {
 public:
  explicit AppendFile(std::filesystem::path path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  void Write(std::string_view bytes);
  void Sync();

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

/// A read-only memory map of a whole file.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Makes a rename or removal in the folder durable ("" is the current one).
void SyncDirectory(const std::filesystem::path& folder);

/// A named place where a test can have the process killed, to prove that nothing is lost: when the
/// environment variable RETORT_KILL_AT is "NAME:N", the N-th passage raises SIGKILL.
void FaultPoint(std::string_view name);

}  // namespace retort
