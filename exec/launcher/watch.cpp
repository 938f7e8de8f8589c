// From here on nothing of the C library that keeps a state: see call.h.

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>

#include "exec/launcher/call.h"
#include "exec/launcher/launcher.h"

namespace retort::exec {
namespace {

constexpr int kTickMs = 20;
constexpr int kMaxEntries = 4096;  // files in a work directory
constexpr int kMaxDepth = 16;
constexpr int kMaxRemovals = 64;  // where removed files take room that nobody sees
constexpr int kKernelShare = 4;   // of the memory limit, what the kernel may hold beside it

// Calls that may remove a file which is still open.
bool IsRemoval(int call) {
#ifdef SYS_unlink
  if (call == SYS_unlink || call == SYS_rename || call == SYS_renameat) return true;
#endif
  return call == SYS_unlinkat || call == SYS_renameat2;
}

int64_t Microseconds(clockid_t clock) {
  timespec now{};
  if (Call(SYS_clock_gettime, clock, &now) != 0) return 0;
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

int64_t Microseconds(const timeval& time) {
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
}

int Open(int folder, const char* path, int flags) {
  return static_cast<int>(Call(SYS_openat, folder, path, flags | O_CLOEXEC));
}

// Calls `visit(name)` for what an open folder holds, until it says false, and closes it.
template <class Visit>
void ForEntries(int folder, const Visit& visit) {
  struct Entry {  // getdents64(2)
    uint64_t inode, offset;
    unsigned short size;
    unsigned char type;
    char name[1];
  };
  alignas(Entry) char bytes[1024];
  bool go_on = true;
  while (go_on) {
    const long size = Call(SYS_getdents64, folder, bytes, sizeof bytes);
    if (size <= 0) break;
    for (long at = 0; go_on && at < size;) {
      const auto* entry = reinterpret_cast<const Entry*>(bytes + at);
      const char* name = bytes + at + offsetof(Entry, name);
      at += entry->size;
      go_on = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || visit(name);
    }
  }
  Call(SYS_close, folder);
}

// Below an open folder, which it closes. Negative when there are too many or too deep.
int64_t BytesBelow(int folder, int depth, int& entries) {
  int64_t sum = 0;
  ForEntries(folder, [&](const char* name) {
    struct stat status {};
    if (Call(SYS_newfstatat, folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return true;
    if (++entries > kMaxEntries || depth > kMaxDepth) {
      sum = -1;
      return false;
    }
    sum += int64_t{status.st_blocks} * 512;
    if (!S_ISDIR(status.st_mode)) return true;
    const int below = Open(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (below < 0) return true;
    const int64_t bytes = BytesBelow(below, depth + 1, entries);
    sum = bytes < 0 ? -1 : sum + bytes;
    return sum >= 0;
  });
  return sum;
}

// Calls `visit` for the numbers that a file of /proc holds, until it says false.
template <class Visit>
void ForNumbers(const char* path, const Visit& visit) {
  const int file = Open(AT_FDCWD, path, O_RDONLY);
  if (file < 0) return;
  char bytes[512];
  int64_t number = -1;
  bool go_on = true;
  for (long size = 1; go_on && size > 0;) {
    size = Call(SYS_read, file, bytes, sizeof bytes);
    for (long i = 0; go_on && i < (size > 0 ? size : 1); ++i) {
      if (size > 0 && bytes[i] >= '0' && bytes[i] <= '9') {
        number = (number < 0 ? 0 : number * 10) + (bytes[i] - '0');
      } else if (number >= 0) {
        go_on = visit(number);
        number = -1;
      }
    }
  }
  Call(SYS_close, file);
}

// Calls `visit(pid)` for every process below this one: in a namespace of its own all there are.
template <class Visit>
void ForDescendants(bool namespaces, int64_t of, const Visit& visit) {
  if (namespaces) {
    const int processes = Open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
    if (processes < 0) return;
    ForEntries(processes, [&](const char* name) {
      const int pid = atoi(name);
      if (pid > 1) visit(pid);
      return true;
    });
    return;
  }
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/task/%d/children", static_cast<int>(of),
                static_cast<int>(of));
  ForNumbers(path, [&](int64_t pid) {
    ForDescendants(false, pid, visit);
    visit(static_cast<pid_t>(pid));
    return true;
  });
}

// What is resident, and the tables of pages: those of memory that lies far apart are larger than
// it.
int64_t MemoryBytes(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/status", pid);
  const int file = Open(AT_FDCWD, path, O_RDONLY);
  if (file < 0) return 0;
  char text[4096];
  const long size = Call(SYS_read, file, text, sizeof text - 1);
  Call(SYS_close, file);
  text[size > 0 ? size : 0] = '\0';
  int64_t kib = 0;
  for (const char* name : {"\nVmRSS:", "\nVmPTE:"}) {
    const char* line = strstr(text, name);
    if (line != nullptr) kib += atoll(line + strlen(name));
  }
  return kib << 10;
}

// Threads of a process; 0 where the system does not say.
int64_t Threads(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/task", pid);
  struct stat status {};
  if (Call(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0) return 0;
  return static_cast<int64_t>(status.st_nlink) - 2;
}

// How long its first thread has waited for a processor.
int64_t MicrosecondsWaited(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
  int field = 0;
  int64_t waited = 0;
  ForNumbers(path, [&](int64_t nanoseconds) {
    waited = nanoseconds / 1000;
    return ++field < 2;  // the second one
  });
  return field == 2 ? waited : 0;
}

bool IsPipe(int call) {
#ifdef SYS_pipe
  if (call == SYS_pipe) return true;
#endif
  return call == SYS_pipe2;
}

bool IsLock(int command) {
  return std::find(std::begin(kLocks), std::end(kLocks), command) != std::end(kLocks);
}

// The most that the kernel may come to hold for a call that is counted (filter.cpp); negative for
// one that is refused.
int64_t KernelBytes(const seccomp_data& call, int64_t socket_buffer) {
  constexpr int64_t kPipe = 1 << 16, kLastMessage = 1 << 16, kLock = 512;
  constexpr int64_t kWait = 4096;  // more than it takes: a user may have so many
  if (IsPipe(call.nr)) return kPipe;
  if (call.nr == SYS_epoll_ctl) return kWait;
  if (call.nr == SYS_fcntl) return IsLock(static_cast<int>(call.args[1])) ? kLock : -1;
  if (call.nr != SYS_socketpair) return -1;
  const bool stream = static_cast<int>(call.args[0]) == AF_UNIX && !(call.args[1] & kNotStream);
  return stream ? 2 * (socket_buffer + kLastMessage) : -1;
}

class Watcher {
 public:
  Watcher(const Reading& reading, pid_t child, int refusals)
      : reading_(reading), request_(*reading.request), child_(child), listener_(refusals) {}

  [[noreturn]] void Run() {
    begin_ = looked_ = Microseconds(CLOCK_MONOTONIC);
    clock_getcpuclockid(child_, &clock_);
    const int ended = static_cast<int>(Call(SYS_pidfd_open, child_, 0));
    if (ended < 0) Die("pidfd_open", -ended);
    // A host is ours and waits for most of its life.
    const bool timed = !(request_.flags & kHost);
    while (true) {
      pollfd wait[3] = {{kControlFd, POLLIN, 0}, {ended, POLLIN, 0}, {listener_, POLLIN, 0}};
      timespec tick{0, kTickMs * 1'000'000};  // the call leaves there what remains
      const long ready = Call(SYS_ppoll, wait, 3, timed ? &tick : nullptr, nullptr, 0);
      if (ready < 0 && ready != -EINTR) Die("poll", static_cast<int>(-ready));
      if (ready > 0 && wait[1].revents) break;
      if (ready > 0 && wait[2].revents) {
        const int64_t before = Microseconds(CLOCK_PROCESS_CPUTIME_ID);
        Refusal(wait[2].revents);
        answering_ += Microseconds(CLOCK_PROCESS_CPUTIME_ID) - before;
      }
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
    if (request_.wall_ms > 0 && wall > WallLimit(wall)) return Killed::kTime;
    // What it has its watcher answer is its own time.
    const int64_t cpu = Microseconds(clock_);
    if (request_.cpu_ms > 0 && cpu + answering_ > request_.cpu_ms * 1000) return Killed::kTime;
    const bool idle = request_.processes == 1 && cpu == cpu_;  // it holds what it held
    cpu_ = cpu;
    const bool namespaces = (request_.flags & kUseNamespaces) != 0;
    if (request_.memory_bytes > 0 && !idle) {
      int64_t sum = 0;
      const auto add = [&sum](pid_t pid) { sum += MemoryBytes(pid); };
      if (request_.processes > 1) {
        ForDescendants(namespaces, Call(SYS_getpid), add);
      } else {
        add(child_);
      }
      if (sum > request_.memory_bytes) return Killed::kMemory;
    }
    if (!namespaces) {  // a root in memory has its own limit
      int entries = 0;
      const int folder = Open(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY);
      const int64_t bytes = folder < 0 ? 0 : BytesBelow(folder, 0, entries);
      if (bytes < 0 || bytes > request_.file_bytes) return Killed::kFiles;
    }
    return Killed::kNot;
  }

  // What a program waits for a processor is the fault of those beside it, unless it has children.
  int64_t WallLimit(int64_t wall) const {
    const int64_t limit = request_.wall_ms * 1000;
    if (wall <= limit || request_.processes > 1) return limit;
    return limit + std::min(MicrosecondsWaited(child_), limit * (kMostPatience - 1));
  }

  // Whether the program may have what `bytes` of the kernel's memory a call takes.
  void Count(int call, int64_t bytes) {
    // Of one thread, descriptors are few and hold little; several can wait for more than are open.
    const bool of_descriptors = call == SYS_socketpair || IsPipe(call);
    if (of_descriptors && request_.processes == 1 && Threads(child_) == 1) return;
    kernel_bytes_ += bytes;
    if (kernel_bytes_ > request_.memory_bytes / kKernelShare) End(Killed::kMemory);
  }

  bool IsThread(const seccomp_data& call) const {
    constexpr uint64_t kThread = CLONE_THREAD | CLONE_FILES;
    return call.nr == SYS_clone && request_.processes == 1 && (call.args[0] & kThread) == kThread;
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
      const long got = Call(SYS_recvmsg, listener_, &message, MSG_CMSG_CLOEXEC);
      const cmsghdr* header = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
      socklen_t length = sizeof socket_buffer_;  // that every socket begins with
      Call(SYS_getsockopt, listener_, SOL_SOCKET, SO_SNDBUF, &socket_buffer_, &length);
      Call(SYS_close, listener_);
      listener_ = -1;
      if (header != nullptr) memcpy(&listener_, CMSG_DATA(header), sizeof listener_);
      listening_ = true;
      return;
    }
    seccomp_notif call{};
    const long heard =
        events & POLLIN ? Call(SYS_ioctl, listener_, SECCOMP_IOCTL_NOTIF_RECV, &call) : -EBADF;
    if (heard == -EINTR || heard == -ENOENT) return;  // who called was killed meanwhile
    if (heard != 0) {                                 // nobody is left to call
      Call(SYS_close, listener_);
      listener_ = -1;
      return;
    }
    seccomp_notif_resp answer{};
    answer.id = call.id;
    const int64_t bytes = KernelBytes(call.data, socket_buffer_);
    if (bytes >= 0) {
      Count(call.data.nr, bytes);
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    } else if (IsThread(call.data)) {
      const int64_t threads = Threads(child_);
      if (threads > 0 && threads <= kMaxThreads) {
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      } else {
        answer.error = -EAGAIN;  // as from the system
      }
    } else if (IsRemoval(call.data.nr) && removals_++ < kMaxRemovals) {
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    } else {
      answer.error = -EPERM;
      bool process = call.data.nr == SYS_clone;
#ifdef SYS_fork
      process = process || call.data.nr == SYS_fork || call.data.nr == SYS_vfork;
#endif
      ++(process ? report_.refused_processes : report_.refused_calls);
    }
    Call(SYS_ioctl, listener_, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }

  [[noreturn]] void End(Killed killed) {
    const bool namespaces = (request_.flags & kUseNamespaces) != 0;
    // A candidate that ended by itself at this very moment ended by itself.
    siginfo_t info{};
    Call(SYS_waitid, P_PID, child_, &info, WEXITED | WNOHANG | WNOWAIT, nullptr);
    if (info.si_pid != 0) killed = Killed::kNot;
    Call(SYS_kill, child_, SIGKILL);
    while (Call(SYS_wait4, child_, &report_.status, 0, nullptr) == -EINTR) {
    }
    report_.wall_us = Microseconds(CLOCK_MONOTONIC) - begin_;
    if (listener_ >= 0) Call(SYS_close, listener_);
    long waited = 0;
    do {
      if (namespaces) {
        Call(SYS_kill, -1, SIGKILL);
      } else {
        ForDescendants(false, Call(SYS_getpid), [](pid_t pid) { Call(SYS_kill, pid, SIGKILL); });
      }
      waited = Call(SYS_wait4, -1, nullptr, 0, nullptr);
    } while (waited > 0 || waited == -EINTR);
    rusage usage{};
    Call(SYS_getrusage, RUSAGE_CHILDREN, &usage);
    report_.cpu_us = Microseconds(usage.ru_utime) + Microseconds(usage.ru_stime);
    report_.peak_kib = usage.ru_maxrss;
    report_.killed = killed;
    if (*reading_.keep != '\0' && WIFEXITED(report_.status) && WEXITSTATUS(report_.status) == 0) {
      const int fd = Open(AT_FDCWD, reading_.keep, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      if (fd >= 0) {
        Report kept;
        kept.type = ReportType::kKept;
        Send(kept, fd);
      }
    }
    report_.type = ReportType::kEnded;
    Send(report_);
    Call(SYS_munmap, reading_.request, reading_.size);
    Call(SYS_exit_group, 0);
    __builtin_unreachable();
  }

  const Reading& reading_;
  const Request& request_;
  const pid_t child_;
  int listener_;
  bool listening_ = false;
  int removals_ = 0;
  int socket_buffer_ = 0;
  int64_t kernel_bytes_ = 0;
  clockid_t clock_ = CLOCK_MONOTONIC;
  int64_t begin_ = 0, looked_ = 0, answering_ = 0, cpu_ = -1;
  Report report_;
};

}  // namespace

void Watch(const Reading& reading, int child, int refusals, int* alone) {
  if (alone != nullptr) {
    __atomic_store_n(alone, 1, __ATOMIC_SEQ_CST);
    Call(SYS_futex, alone, FUTEX_WAKE, 1, nullptr, nullptr);
  }
  Report started;
  started.type = ReportType::kStarted;
  started.layers = reading.request->flags;
  Send(started);
  Watcher(reading, child, refusals).Run();
}

}  // namespace retort::exec
