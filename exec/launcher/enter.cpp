#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "exec/launcher/launcher.h"

namespace retort::exec {
namespace {

constexpr int kInsideId = 1000;  // what the program takes itself for

// Small files of the kernel's; what cannot be written is no error where the caller says so.
bool WriteText(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = write(fd, text, strlen(text)) == static_cast<ssize_t>(strlen(text));
  close(fd);
  return written;
}

void BecomeUser(const Request& request) {
  if (request.uid == 0 || geteuid() != 0) return;
  if (setgroups(0, nullptr) != 0 || setresgid(request.uid, request.uid, request.uid) != 0 ||
      setresuid(request.uid, request.uid, request.uid) != 0) {
    Die("become another user");
  }
}

void MapUser(uid_t uid, gid_t gid) {
  char line[48];
  WriteText("/proc/self/setgroups", "deny");  // absent in old kernels
  std::snprintf(line, sizeof line, "%d %u 1", kInsideId, uid);
  if (!WriteText("/proc/self/uid_map", line)) Die("uid_map");
  std::snprintf(line, sizeof line, "%d %u 1", kInsideId, gid);
  if (!WriteText("/proc/self/gid_map", line)) Die("gid_map");
}

void WriteFiles(const Reading& reading) {
  const char* at = reading.files;
  for (int64_t i = 0; i < reading.request->files; ++i) {
    const char* name = at;
    at += strlen(at) + 1;
    int64_t size = 0;
    memcpy(&size, at, sizeof size);
    at += sizeof size;
    const int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) Die(name);
    for (int64_t done = 0; done < size;) {
      const ssize_t n = write(fd, at + done, static_cast<size_t>(size - done));
      if (n <= 0) Die(name);
      done += n;
    }
    close(fd);
    at += size;
  }
}

void Limit(int what, rlim_t soft, rlim_t hard) {
  rlimit limit{soft, hard};
  rlimit now{};
  // What is lower already stays: nobody but root can raise it.
  if (getrlimit(static_cast<__rlimit_resource>(what), &now) == 0 && now.rlim_max < limit.rlim_max) {
    limit.rlim_max = now.rlim_max;
    if (limit.rlim_cur > now.rlim_max) limit.rlim_cur = now.rlim_max;
  }
  if (setrlimit(static_cast<__rlimit_resource>(what), &limit) != 0) Die("setrlimit");
}

void LimitResources(const Request& request) {
  if (request.cpu_ms > 0) {
    // In whole seconds: the watcher is finer, this holds where it cannot look.
    const auto seconds = static_cast<rlim_t>(request.cpu_ms / 1000 + 1);
    Limit(RLIMIT_CPU, seconds, seconds + 1);
  }
  if (request.memory_bytes > 0) {
    Limit(RLIMIT_AS, static_cast<rlim_t>(request.memory_bytes),
          static_cast<rlim_t>(request.memory_bytes));
  }
  Limit(RLIMIT_FSIZE, static_cast<rlim_t>(request.file_bytes),
        static_cast<rlim_t>(request.file_bytes));
  Limit(RLIMIT_CORE, 0, 0);
  // What the kernel holds for descriptors, signals and timers is a product of these.
  const auto descriptors = static_cast<rlim_t>(Descriptors(request));
  Limit(RLIMIT_NOFILE, descriptors, descriptors);
  Limit(RLIMIT_SIGPENDING, 256, 256);
  Limit(RLIMIT_STACK, 16 << 20, 16 << 20);
  Limit(RLIMIT_MEMLOCK, 0, 0);
  Limit(RLIMIT_MSGQUEUE, 0, 0);
}

// The system counts them per user: one who shares it with others must not starve for their sake.
void LimitTasks(const Request& request, bool watched) {
  rlim_t tasks = static_cast<rlim_t>(request.processes) + kMaxThreads;
  if (SharesUser(request)) {
    if (watched && request.processes == 1) return;  // the watcher counts
    struct sysinfo info {};
    if (sysinfo(&info) == 0) tasks += info.procs;
  }
  Limit(RLIMIT_NPROC, tasks, tasks);
}

void DropCapabilities() {
  for (int capability = 0; capability < 64; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno == EINVAL) break;
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) Die("capset");
}

void CloseStandard() {
  for (const int fd : {0, 1, 2}) close(fd);
}

// In the process that is to run the candidate.
void Confine(const Request& request, int refusals) {
  if (dup3(refusals, Descriptors(request), O_CLOEXEC) < 0) Die("dup");
  close(refusals);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  setsid();
  umask(022);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (request.flags & kHost) return;
  // The first to go if memory runs out. A process that cannot be traced cannot say so.
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  WriteText("/proc/self/oom_score_adj", "1000");
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // The program alone: where the group's memory is spent, nobody else in it can be killed.
  if (request.flags & kUseCgroup) {
    for (int fd = kCgroupFd; fd < kFirstFreeFd; ++fd) {
      if (write(fd, "0", 1) != 1 && errno != EBADF) Die("cgroup");
      close(fd);
    }
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Die("no_new_privs");
  if (request.flags & kUseLandlock) Restrict(request);
  DropCapabilities();
  LimitResources(request);
  const bool watched = (request.flags & kUseSeccomp) != 0 && Filter(request);
  LimitTasks(request, watched);
  close(Descriptors(request));
}

}  // namespace

bool SharesUser(const Request& request) {
  return (request.flags & kUseNamespaces) == 0 && request.uid == 0;
}

void Enter(const Reading& reading, int* alone) {
  const Request& request = *reading.request;
  // If memory runs out: after the programs, before Retort. A host has said so for its runs.
  if (alone == nullptr) WriteText("/proc/self/oom_score_adj", "500");
  BecomeUser(request);
  const bool namespaces = (request.flags & kUseNamespaces) != 0;
  const bool nested = (request.flags & kNested) != 0;
  // A process that cannot be traced cannot map its user either.
  prctl(PR_SET_DUMPABLE, namespaces ? 1 : 0, 0, 0, 0);
  if (namespaces) {
    uid_t uid = kInsideId;
    gid_t gid = kInsideId;
    if (!nested) {
      uid = getuid();
      gid = getgid();
      constexpr unsigned long kOnce = CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWCGROUP;
      const long first = syscall(SYS_clone, kNestedNamespaces | kOnce | SIGCHLD, nullptr, nullptr,
                                 nullptr, nullptr);
      if (first < 0) Die("clone with namespaces");
      if (first > 0) {
        CloseStandard();
        // The control socket stays open: Retort knows by its end that everybody has gone.
        while (waitpid(static_cast<pid_t>(first), nullptr, 0) < 0 && errno == EINTR) {
        }
        _exit(0);
      }
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    MapUser(uid, gid);
    if (nested) {
      CoverWork(request);
    } else {
      BuildRoot(request);
    }
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  } else {
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (fchdir(kWorkFd) != 0) Die("work directory");
  }
  WriteFiles(reading);
  if (namespaces && request.flags & kHost) FreezeRoot();

  int refusals[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, refusals) != 0) Die("socketpair");
  for (int& end : refusals) {  // the places of descriptors that are not there stay free
    const int low = end;
    end = fcntl(low, F_DUPFD_CLOEXEC, kFirstFreeFd);
    close(low);
  }
  const pid_t child = fork();
  if (child < 0) Die("fork");
  if (child == 0) {
    close(refusals[0]);
    Confine(request, refusals[1]);
    return;
  }
  close(refusals[1]);
  CloseStandard();
  close(kProgramFd);
  Watch(reading, child, refusals[0], alone);
}

}  // namespace retort::exec
