#pragma once
// Control groups (cgroups(7)): memory and processes over the sum of all that a run starts. Private
// to this room.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "exec/internal/fd.h"

namespace retort::exec {

/// One group per hierarchy: version 2 has one, version 1 one for memory and one for processes.
class CgroupLease {
 public:
  ~CgroupLease();
  CgroupLease(const CgroupLease&) = delete;
  CgroupLease& operator=(const CgroupLease&) = delete;
  /// Files of processes; a process that writes "0" moves there. The second may be -1.
  int memory_fd() const { return files_[0].get(); }
  int tasks_fd() const { return files_[1].get(); }
  /// Something in it was killed for want of memory.
  bool OutOfMemory() const;

 private:
  friend class Cgroups;
  CgroupLease() = default;
  std::vector<std::filesystem::path> folders_;
  Fd files_[2];
  bool second_version_ = false;
};

/// Where this process may make groups. Thread-safe.
class Cgroups {
 public:
  /// Null where no hierarchy is there or writable. Looks at the type of the file system: a folder
  /// made beside a hierarchy would look the same.
  static std::unique_ptr<Cgroups> Find();
  /// A fresh group with these limits; null when the system refuses.
  std::shared_ptr<CgroupLease> Lease(int64_t memory_bytes, int64_t tasks);

 private:
  Cgroups() = default;
  std::filesystem::path memory_, tasks_;  // the same in version 2
  bool second_version_ = false;
};

}  // namespace retort::exec
