#include "exec/internal/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>

#include "base/error.h"

namespace retort::exec {
namespace {

constexpr long kVersion1 = 0x27e0eb, kVersion2 = 0x63677270;  // statfs(2)

bool IsOfType(const std::filesystem::path& path, long type) {
  struct statfs status {};
  return statfs(path.c_str(), &status) == 0 && status.f_type == type &&
         access(path.c_str(), W_OK) == 0;
}

bool WriteNumber(const std::filesystem::path& path, int64_t number) {
  std::ofstream file(path);
  file << number;
  file.flush();
  return file.good();
}

bool HasController(const std::filesystem::path& path, const std::string& name) {
  std::ifstream file(path / "cgroup.subtree_control");
  std::string word;
  while (file >> word) {
    if (word == name) return true;
  }
  return false;
}

// What a process that was killed has left. Only its own prefix is known to be ours.
void RemoveOfTheDead(const std::filesystem::path& parent) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    if (std::sscanf(name.c_str(), "retort-%d-", &pid) != 1) continue;
    if (kill(pid, 0) != 0 && errno == ESRCH) rmdir(entry.path().c_str());
  }
}

}  // namespace

CgroupLease::~CgroupLease() {
  for (Fd& file : files_) file.Reset();
  for (const auto& folder : folders_) {
    // The last process may still be on its way out.
    for (int attempt = 0; rmdir(folder.c_str()) != 0 && errno == EBUSY && attempt < 200;
         ++attempt) {
      usleep(500);
    }
  }
}

bool CgroupLease::OutOfMemory() const {
  std::ifstream file(folders_[0] / (second_version_ ? "memory.events" : "memory.oom_control"));
  std::string name;
  int64_t count = 0;
  while (file >> name >> count) {
    if (name == "oom_kill") return count > 0;
  }
  return false;
}

std::unique_ptr<Cgroups> Cgroups::Find() {
  std::unique_ptr<Cgroups> found(new Cgroups);
  const std::filesystem::path root = "/sys/fs/cgroup";
  if (IsOfType(root, kVersion2) && HasController(root, "memory") && HasController(root, "pids")) {
    found->memory_ = found->tasks_ = root;
    found->second_version_ = true;
  } else if (IsOfType(root / "memory", kVersion1) && IsOfType(root / "pids", kVersion1)) {
    found->memory_ = root / "memory";
    found->tasks_ = root / "pids";
  } else {
    return nullptr;
  }
  RemoveOfTheDead(found->memory_);
  if (!found->second_version_) RemoveOfTheDead(found->tasks_);
  // A hierarchy that can be written to need not let groups be made.
  return found->Lease(int64_t{1} << 30, 16) ? std::move(found) : nullptr;
}

std::shared_ptr<CgroupLease> Cgroups::Lease(int64_t memory_bytes, int64_t tasks) {
  static std::atomic<int64_t> count{0};
  std::shared_ptr<CgroupLease> lease(new CgroupLease);
  lease->second_version_ = second_version_;
  const std::string name = StrCat("retort-", getpid(), "-", ++count);
  const auto make = [&](const std::filesystem::path& parent, Fd& file) {
    const std::filesystem::path folder = parent / name;
    if (mkdir(folder.c_str(), 0755) != 0) return false;
    lease->folders_.push_back(folder);
    const int fd = open((folder / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    file = Own(fd, "cgroup.procs");
    return true;
  };
  if (!make(memory_, lease->files_[0])) return nullptr;
  if (!second_version_ && !make(tasks_, lease->files_[1])) return nullptr;
  const auto& memory = lease->folders_.front();
  const auto& processes = lease->folders_.back();
  const bool set = WriteNumber(memory / (second_version_ ? "memory.max" : "memory.limit_in_bytes"),
                               memory_bytes);
  if (!set || !WriteNumber(processes / "pids.max", tasks)) return nullptr;
  // Where there is swap it counts as well; what is killed goes as a whole.
  if (second_version_) {
    WriteNumber(memory / "memory.swap.max", 0);
    WriteNumber(memory / "memory.oom.group", 1);
  } else {
    WriteNumber(memory / "memory.memsw.limit_in_bytes", memory_bytes);
  }
  return lease;
}

}  // namespace retort::exec
