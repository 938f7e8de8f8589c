#pragma once
// The inside of Process: Retort's ends of the pipes and the launcher that answers for the program.
// Private to this room.

#include <chrono>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "exec/internal/fd.h"
#include "exec/launcher/request.h"
#include "exec/sandbox.h"

namespace retort::exec {

/// A folder of the host's, for runs without a root of their own. Removed at the end, links and all
/// unfollowed.
class WorkFolder {
 public:
  /// Owned by `uid`, unless that is 0. Throws Error.
  explicit WorkFolder(uint32_t uid);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  int fd() const { return fd_.get(); }

 private:
  std::filesystem::path path_;
  Fd fd_;
};

/// Runs that were killed and are not gone yet: waiting for each would leave a processor idle.
/// Thread-safe. The end waits for all.
class Leaving {
 public:
  void Add(std::unique_ptr<Process::Impl> run);

 private:
  std::mutex mutex_;
  std::deque<std::unique_ptr<Process::Impl>> runs_;  // the oldest first
};

/// A cgroup that is lent to one run at a time; see cgroup.h.
class CgroupLease;

struct Process::Impl {
  Limits limits;
  std::string failure;  // why there is no program; then nothing else is set
  Fd in, out, err, control;
  int launcher = -1;  // its process id; -1 when it is a child of a host's
  std::unique_ptr<WorkFolder> work;
  std::shared_ptr<CgroupLease> cgroup;
  std::chrono::steady_clock::time_point give_up;
  std::shared_ptr<Leaving> leaving;  // its Sandbox's

  std::string out_bytes, err_bytes;  // read and not yet handed out; err as a whole
  size_t out_total = 0;
  size_t out_taken = 0;  // of out_bytes; erasing each piece would move all that follows
  bool out_open = true, err_open = true, flooded = false, stopped = false;
  std::optional<Report> started, ended;
  std::string failed;
  bool lost = false;  // nobody was left to say how it ended
  std::shared_ptr<const Artifact> kept;

  ~Impl();
  /// Waits for any of the pipes and moves what there is. `sending` is shortened by what was
  /// written. False when nothing more will come: the program has ended and its pipes are empty.
  bool Pump(std::string_view* sending);
  void Kill();
  /// Whether it runs, as far as is known without waiting.
  bool Runs();
  RunResult Result();
  /// The next `size` bytes; those up to `end` are done with.
  std::string TakeOut(size_t size, size_t end);

 private:
  bool Take(Fd& fd, std::string& buffer, size_t& total, bool& open);
  void Hear();
};

}  // namespace retort::exec
