#include <dirent.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "exec/launcher/launcher.h"

namespace retort::exec {
namespace {

constexpr int kTickMs = 20;
constexpr int kMaxEntries = 4096;  // files in a work directory
constexpr int kMaxDepth = 16;
constexpr int kMaxRemovals = 64;  // where removed files take room that nobody sees

// Calls that may remove a file which is still open.
bool IsRemoval(int call) {
#ifdef SYS_unlink
  if (call == SYS_unlink || call == SYS_rename || call == SYS_renameat) return true;
#endif
  return call == SYS_unlinkat || call == SYS_renameat2;
}

int64_t Microseconds(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) return 0;
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

int64_t Microseconds(const timeval& time) {
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
}

// Below an open folder, which it closes. Negative when there are too many or too deep.
int64_t BytesBelow(int folder, int depth, int& entries) {
  DIR* listing = fdopendir(folder);
  if (listing == nullptr) {
    close(folder);
    return 0;
  }
  int64_t sum = 0;
  while (const dirent* entry = readdir(listing)) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    struct stat status {};
    if (fstatat(dirfd(listing), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (++entries > kMaxEntries || depth > kMaxDepth) {
      sum = -1;
      break;
    }
    sum += int64_t{status.st_blocks} * 512;
    if (!S_ISDIR(status.st_mode)) continue;
    const int below =
        openat(dirfd(listing), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0) continue;
    const int64_t bytes = BytesBelow(below, depth + 1, entries);
    if (bytes < 0) {
      sum = -1;
      break;
    }
    sum += bytes;
  }
  closedir(listing);
  return sum;
}

// Calls `visit(pid)` for every process below this one: in a namespace of its own all there are.
template <class Visit>
void ForDescendants(bool namespaces, pid_t of, const Visit& visit) {
  char path[64];
  if (namespaces) {
    DIR* processes = opendir("/proc");
    if (processes == nullptr) return;
    while (const dirent* entry = readdir(processes)) {
      const int pid = atoi(entry->d_name);
      if (pid > 1) visit(pid);
    }
    closedir(processes);
    return;
  }
  std::snprintf(path, sizeof path, "/proc/%d/task/%d/children", of, of);
  FILE* children = std::fopen(path, "re");
  if (children == nullptr) return;
  int pid = 0;
  while (std::fscanf(children, "%d", &pid) == 1) {
    ForDescendants(false, pid, visit);
    visit(pid);
  }
  std::fclose(children);
}

int64_t ResidentBytes(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/statm", pid);
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return 0;
  long long total = 0, resident = 0;
  const int read = std::fscanf(file, "%lld %lld", &total, &resident);
  std::fclose(file);
  return read == 2 ? resident * sysconf(_SC_PAGESIZE) : 0;
}

class Watcher {
 public:
  Watcher(const Reading& reading, pid_t child, int refusals)
      : reading_(reading), request_(*reading.request), child_(child), listener_(refusals) {}

  [[noreturn]] void Run() {
    begin_ = Microseconds(CLOCK_MONOTONIC);
    clock_getcpuclockid(child_, &clock_);
    const int ended = static_cast<int>(syscall(SYS_pidfd_open, child_, 0));
    if (ended < 0) Die("pidfd_open");
    // A host is ours and waits for most of its life.
    const bool timed = !(request_.flags & kHost);
    while (true) {
      pollfd wait[3] = {{kControlFd, POLLIN, 0}, {ended, POLLIN, 0}, {listener_, POLLIN, 0}};
      const int ready = poll(wait, 3, timed ? kTickMs : -1);
      if (ready < 0 && errno != EINTR) Die("poll");
      if (ready > 0 && wait[1].revents) break;
      if (ready > 0 && wait[2].revents) Refusal(wait[2].revents);
      // Retort writes nothing here: anything to read is the end.
      if (ready > 0 && wait[0].revents) End(Killed::kAsked);
      if (!timed || ready != 0) {
        if (!Due()) continue;
      }
      const Killed broken = BrokenLimit();
      if (broken != Killed::kNot) End(broken);
    }
    End(Killed::kNot);
  }

 private:
  // Limits are looked at once in a tick, however often calls are refused.
  bool Due() {
    const int64_t now = Microseconds(CLOCK_MONOTONIC);
    if (now - looked_ < kTickMs * 1000) return false;
    looked_ = now;
    return true;
  }

  Killed BrokenLimit() {
    const int64_t wall = Microseconds(CLOCK_MONOTONIC) - begin_;
    if (request_.wall_ms > 0 && wall > request_.wall_ms * 1000) return Killed::kTime;
    if (request_.cpu_ms > 0 && Microseconds(clock_) > request_.cpu_ms * 1000) return Killed::kTime;
    const bool namespaces = (request_.flags & kUseNamespaces) != 0;
    if (request_.processes > 1 && request_.memory_bytes > 0) {
      int64_t sum = 0;
      ForDescendants(namespaces, getpid(), [&](pid_t pid) { sum += ResidentBytes(pid); });
      if (sum > request_.memory_bytes) return Killed::kMemory;
    }
    if (!namespaces) {  // a root in memory has its own limit
      int entries = 0;
      const int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      const int64_t bytes = folder < 0 ? 0 : BytesBelow(folder, 0, entries);
      if (bytes < 0 || bytes > request_.file_bytes) return Killed::kFiles;
    }
    return Killed::kNot;
  }

  // First the listener itself comes, then what it tells.
  void Refusal(int events) {
    if (!listening_) {
      char text[1];
      iovec data{text, 1};
      alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))];
      msghdr message{};
      message.msg_iov = &data;
      message.msg_iovlen = 1;
      message.msg_control = space;
      message.msg_controllen = sizeof space;
      const ssize_t got = recvmsg(listener_, &message, MSG_CMSG_CLOEXEC);
      const cmsghdr* header = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
      close(listener_);
      listener_ = -1;
      if (header != nullptr) memcpy(&listener_, CMSG_DATA(header), sizeof listener_);
      listening_ = true;
      return;
    }
    seccomp_notif call{};
    if (!(events & POLLIN) || ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
      if (errno == EINTR || errno == ENOENT) return;  // who called was killed meanwhile
      close(listener_);                               // nobody is left to call
      listener_ = -1;
      return;
    }
    seccomp_notif_resp answer{};
    answer.id = call.id;
    if (IsRemoval(call.data.nr) && removals_++ < kMaxRemovals) {
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &answer);
      return;
    }
    answer.error = -EPERM;
    ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    bool process = call.data.nr == SYS_clone;
#ifdef SYS_fork
    process = process || call.data.nr == SYS_fork || call.data.nr == SYS_vfork;
#endif
    ++(process ? report_.refused_processes : report_.refused_calls);
  }

  [[noreturn]] void End(Killed killed) {
    const bool namespaces = (request_.flags & kUseNamespaces) != 0;
    // A candidate that ended by itself at this very moment ended by itself.
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid != 0) killed = Killed::kNot;
    kill(child_, SIGKILL);
    while (waitpid(child_, &report_.status, 0) < 0 && errno == EINTR) {
    }
    report_.wall_us = Microseconds(CLOCK_MONOTONIC) - begin_;
    if (listener_ >= 0) close(listener_);
    do {
      if (namespaces) {
        kill(-1, SIGKILL);
      } else {
        ForDescendants(false, getpid(), [](pid_t pid) { kill(pid, SIGKILL); });
      }
    } while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR);
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    report_.cpu_us = Microseconds(usage.ru_utime) + Microseconds(usage.ru_stime);
    report_.peak_kib = usage.ru_maxrss;
    report_.killed = killed;
    if (*reading_.keep != '\0' && WIFEXITED(report_.status) && WEXITSTATUS(report_.status) == 0) {
      const int fd = open(reading_.keep, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
      if (fd >= 0) {
        Report kept;
        kept.type = ReportType::kKept;
        Send(kept, fd);
      }
    }
    report_.type = ReportType::kEnded;
    Send(report_);
    _exit(0);
  }

  const Reading& reading_;
  const Request& request_;
  const pid_t child_;
  int listener_;
  bool listening_ = false;
  int removals_ = 0;
  clockid_t clock_ = CLOCK_MONOTONIC;
  int64_t begin_ = 0, looked_ = 0;
  Report report_;
};

}  // namespace

void Watch(const Reading& reading, int child, int refusals) {
  Report started;
  started.type = ReportType::kStarted;
  started.layers = reading.request->flags;
  Send(started);
  Watcher(reading, child, refusals).Run();
}

}  // namespace retort::exec
