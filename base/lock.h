#pragma once
// One writer: an exclusive lock on a file that the kernel releases when its holder dies.

#include <filesystem>
#include <string>

namespace retort {

/// Held from construction to destruction. The file says who holds it and is gone afterwards; one
/// that a killed process left behind holds nobody up.
class WriterLock {
 public:
  /// `what` is being written by `holder` ("retort run"). Throws Error naming the present holder
  /// when another process (or another WriterLock of this one) has it, and when the file cannot be
  /// created or locked.
  WriterLock(std::filesystem::path file, const std::string& what, const std::string& holder);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  std::filesystem::path file_;
  int fd_ = -1;
};

/// The lock of everything that lies beside a trace database, which may be a link to elsewhere:
/// whoever writes into a run directory or its database takes this one.
std::filesystem::path LockFileOf(const std::filesystem::path& database);

}  // namespace retort
