// The seccomp filter (seccomp(2)): a list of what is allowed, so that calls of later kernels are
// not.
//
//   allowed   what programs compute, allocate and read and write files with. Not memory that no
//             limit counts: memfd_create, System V IPC, pages that only a pipe or socket still
//             holds (splice, tee, sendfile)
//   counted   allowed, too, but the watcher is asked: what makes the kernel hold memory for the
//             program (watch.cpp)
//   refused   answers EPERM and is told to the watcher: new processes, sockets, signals to others,
//             larger pipes and buffers, descriptors sent away
//   killed    what no honest program tries: tracing, mounting, kernel interfaces
//   the rest  ENOSYS, as on a kernel without it

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "exec/launcher/launcher.h"

namespace retort::exec {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kArchitecture = 0;  // no filter: seccomp is not offered
#endif

constexpr int kAllowed[] = {
    // Files.
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_preadv,
    SYS_pwritev,
    SYS_preadv2,
    SYS_pwritev2,
    SYS_close,
    SYS_lseek,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_fstatfs,
    SYS_statfs,
    SYS_faccessat,
    SYS_getdents64,
    SYS_readlinkat,
    SYS_mkdirat,
    SYS_symlinkat,
    SYS_linkat,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync_file_range,
    SYS_fadvise64,
    SYS_flock,
    SYS_dup,
    SYS_dup3,
    SYS_ioctl,
    SYS_getcwd,
    SYS_chdir,
    SYS_fchdir,
    SYS_umask,
    SYS_copy_file_range,
    SYS_ppoll,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_pwait,
    SYS_eventfd2,
    SYS_signalfd4,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_readahead,
    // Memory.
    SYS_brk,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_mincore,
    SYS_msync,
    SYS_mlock,
    SYS_munlock,
    SYS_mlockall,
    SYS_munlockall,
    SYS_membarrier,
    SYS_get_mempolicy,
    SYS_set_mempolicy,
    SYS_mbind,
    // Its own process and threads.
    SYS_exit,
    SYS_exit_group,
    SYS_wait4,
    SYS_waitid,
    SYS_execve,
    SYS_execveat,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getresuid,
    SYS_getresgid,
    SYS_getgroups,
    SYS_getpgid,
    SYS_getsid,
    SYS_setpgid,
    SYS_setsid,
    SYS_set_tid_address,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_futex,
    SYS_sched_yield,
    SYS_sched_getscheduler,
    SYS_sched_getparam,
    SYS_sched_get_priority_max,
    SYS_sched_get_priority_min,
    SYS_sched_rr_get_interval,
    SYS_getpriority,
    SYS_getrlimit,
    SYS_setrlimit,
    SYS_getrusage,
    SYS_times,
    SYS_getcpu,
    SYS_capget,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrandom,
    SYS_personality,
    SYS_restart_syscall,
    // Signals of its own.
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    // Time.
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getitimer,
    SYS_setitimer,
    SYS_timer_create,
    SYS_timer_settime,
    SYS_timer_gettime,
    SYS_timer_getoverrun,
    SYS_timer_delete,
    // On descriptors that cannot be sockets to the outside: socket() is refused.
    SYS_sendto,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_shutdown,
    SYS_getsockname,
    SYS_getpeername,
    SYS_getsockopt,
#ifdef SYS_open  // old forms that newer architectures do without
    SYS_creat,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_getdents,
    SYS_readlink,
    SYS_mkdir,
    SYS_rmdir,
    SYS_symlink,
    SYS_link,
    SYS_dup2,
    SYS_poll,
    SYS_select,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_eventfd,
    SYS_signalfd,
    SYS_alarm,
    SYS_pause,
    SYS_time,
    SYS_getpgrp,
    SYS_arch_prctl,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
};

// Harmless where files are its own; elsewhere they would reach those of the user.
constexpr int kAllowedInNamespaces[] = {
    SYS_fchmod,   SYS_fchmodat,  SYS_fchown,    SYS_fchownat,  SYS_utimensat,  SYS_truncate,
    SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr, SYS_flistxattr,
#ifdef SYS_chmod
    SYS_chmod,    SYS_chown,     SYS_lchown,    SYS_utime,     SYS_utimes,     SYS_futimesat,
#endif
};

// A file that is removed and still open takes room that nobody sees. Where the work directory is
// not one of bounded size, the watcher lets few of these pass.
constexpr int kRemoving[] = {
    SYS_unlinkat, SYS_renameat2,
#ifdef SYS_unlink
    SYS_unlink,   SYS_rename,    SYS_renameat,
#endif
};

// The first argument must be the process itself (or 0, where that means the same).
constexpr int kOfItself[] = {SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo};
constexpr int kOfItselfOrZero[] = {SYS_prlimit64, SYS_sched_getaffinity, SYS_sched_setaffinity,
                                   SYS_sched_getattr};

constexpr int kRefused[] = {
    SYS_socket,         SYS_connect,       SYS_bind,
    SYS_listen,         SYS_accept,        SYS_accept4,
    SYS_setpriority,    SYS_tkill,         SYS_mknodat,
    SYS_setuid,         SYS_setgid,        SYS_setreuid,
    SYS_setregid,       SYS_setresuid,     SYS_setresgid,
    SYS_setgroups,      SYS_capset,        SYS_sched_setscheduler,
    SYS_sched_setparam, SYS_sched_setattr, SYS_setsockopt,
    SYS_inotify_init1,
#ifdef SYS_mknod
    SYS_mknod,          SYS_inotify_init,
#endif
};

// Of calls with a list of commands, those that are allowed.
constexpr int kFileCommands[] = {F_DUPFD,    F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,    F_GETFL,
                                 F_SETFL,    F_GETLK,         F_OFD_GETLK, F_GETOWN,   F_GETSIG,
                                 F_GETLEASE, F_GETPIPE_SZ,    F_ADD_SEALS, F_GET_SEALS};
constexpr int kProcessCommands[] = {
    PR_SET_NAME,       PR_GET_NAME,           PR_SET_PDEATHSIG,    PR_GET_PDEATHSIG,
    PR_SET_DUMPABLE,   PR_GET_DUMPABLE,       PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS,
    PR_SET_TIMERSLACK, PR_GET_TIMERSLACK,     PR_SET_THP_DISABLE,  PR_GET_THP_DISABLE,
    PR_CAPBSET_READ,   PR_GET_SECCOMP,        PR_GET_SECUREBITS,   PR_GET_KEEPCAPS,
    PR_GET_TSC,        PR_GET_CHILD_SUBREAPER};

constexpr int kKilled[] = {
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_open_by_handle_at,
    SYS_acct,
    SYS_quotactl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_syslog,
    SYS_fanotify_init,
#ifdef SYS_iopl
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
#endif
#ifdef SYS_fsopen
    SYS_fsopen,
    SYS_fsmount,
    SYS_move_mount,
    SYS_open_tree,
#endif
#ifdef SYS_pidfd_getfd
    SYS_pidfd_getfd,
#endif
};

constexpr uint32_t kErrno = SECCOMP_RET_ERRNO;
constexpr uint32_t kOtherwise = kErrno | ENOSYS;

// A filter is a list of rules: what to do about the calls of a range of numbers. The kernel looks
// at every number with the whole filter when it gets one, so rules are found by bisection.
class Builder {
 public:
  explicit Builder(bool listened)
      : refuse_(listened ? SECCOMP_RET_USER_NOTIF : kErrno | EPERM),
        count_call_(listened ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW) {}

  // A rule, whose body follows and ends with Return on every path.
  void Rule(int first, int last) {
    if (rules_ == kMostRules) Die("seccomp: too many rules");
    rule_[rules_++] = {first, last, body_size_, 0};
  }
  void LoadArgument(int index) {
    AddBody(BPF_LD | BPF_W | BPF_ABS,
            static_cast<uint32_t>(offsetof(seccomp_data, args)) + 8 * index, 0, 0);
  }
  void Jump(uint16_t test, uint32_t value, uint8_t if_true, uint8_t if_false) {
    AddBody(BPF_JMP | test | BPF_K, value, if_true, if_false);
  }
  void Return(uint32_t action) { AddBody(BPF_RET | BPF_K, action, 0, 0); }

  void Call(int number, uint32_t action) {
    Rule(number, number);
    Return(action);
  }
  template <size_t n>
  void Calls(const int (&numbers)[n], uint32_t action) {
    int sorted[n];
    std::copy(numbers, numbers + n, sorted);
    std::sort(sorted, sorted + n);
    for (size_t first = 0, end = 0; first < n; first = end) {
      for (end = first + 1; end < n && sorted[end] == sorted[end - 1] + 1;) ++end;
      Rule(sorted[first], sorted[end - 1]);
      Return(action);
    }
  }
  // Allowed where `test` of an argument holds (or fails, if `negated`), else refused.
  void CallIf(int number, int argument, uint16_t test, uint32_t value, bool negated = false) {
    Rule(number, number);
    LoadArgument(argument);
    Jump(test, value, negated ? 1 : 0, negated ? 0 : 1);
    Return(SECCOMP_RET_ALLOW);
    Return(refuse_);
  }
  // `action` where the argument that was loaded is one of `values`; else what follows counts.
  template <size_t n>
  void IfOneOf(const int (&values)[n], uint32_t action) {
    for (size_t i = 0; i < n; ++i) {
      const auto to_action = static_cast<uint8_t>(n - 1 - i);
      Jump(BPF_JEQ, static_cast<uint32_t>(values[i]), to_action, i + 1 < n ? 0 : 1);
    }
    Return(action);
  }
  uint32_t refuse() const { return refuse_; }
  // The watcher decides; without one there is nobody to count.
  uint32_t count_call() const { return count_call_; }

  // The filter, with what to do where no rule is.
  sock_fprog Program(uint32_t otherwise) {
    const auto load = [&](size_t offset) {
      Add({BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offset)});
    };
    const auto kill_unless = [&](uint16_t test, uint32_t value, bool holds) {
      Add(Test(test, value, holds ? 1 : 0, holds ? 0 : 1));
      Add({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS});
    };
    load(offsetof(seccomp_data, arch));
    kill_unless(BPF_JEQ, kArchitecture, true);
    load(offsetof(seccomp_data, nr));
#ifdef __x86_64__
    kill_unless(BPF_JGE, 0x40000000, false);  // x32: another table of numbers
#endif
    std::sort(rule_, rule_ + rules_,
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (int i = 1; i < rules_; ++i) {
      if (rule_[i].first <= rule_[i - 1].last) Die("seccomp: a call has two rules", EINVAL);
    }
    Bisect(0, rules_, otherwise);
    return {count_, code_};
  }

 private:
  struct Range {
    int first, last;
    uint16_t begin, size;
  };

  static sock_filter Test(uint16_t test, uint32_t value, uint8_t if_true, uint8_t if_false) {
    return {static_cast<uint16_t>(BPF_JMP | test | BPF_K), if_true, if_false, value};
  }

  void Bisect(int begin, int end, uint32_t otherwise) {
    constexpr int kLinear = 6;
    if (end - begin > kLinear) {
      const int middle = (begin + end) / 2;
      Add(Test(BPF_JGE, static_cast<uint32_t>(rule_[middle].first), 0, 1));
      const uint16_t jump = count_;
      Add({BPF_JMP | BPF_JA, 0, 0, 0});
      Bisect(begin, middle, otherwise);
      code_[jump].k = count_ - jump - 1U;
      return Bisect(middle, end, otherwise);
    }
    for (int i = begin; i < end; ++i) {
      const Range& rule = rule_[i];
      const auto size = static_cast<uint8_t>(rule.size);
      if (rule.first < rule.last) {
        Add(Test(BPF_JGE, static_cast<uint32_t>(rule.first), 0, size + 1));
        Add(Test(BPF_JGT, static_cast<uint32_t>(rule.last), size, 0));
      } else {
        Add(Test(BPF_JEQ, static_cast<uint32_t>(rule.first), 0, size));
      }
      for (int at = rule.begin; at < rule.begin + rule.size; ++at) Add(body_[at]);
    }
    Add({BPF_RET | BPF_K, 0, 0, otherwise});
  }

  void Add(sock_filter instruction) {
    if (count_ == kSize) Die("seccomp: filter too long");
    code_[count_++] = instruction;
  }
  void AddBody(int code, uint32_t k, uint8_t jt, uint8_t jf) {
    if (body_size_ == kSize) Die("seccomp: filter too long");
    body_[body_size_++] = {static_cast<uint16_t>(code), jt, jf, k};
    ++rule_[rules_ - 1].size;
  }

  static constexpr uint16_t kSize = 1024;
  static constexpr int kMostRules = 256;
  Range rule_[kMostRules];
  int rules_ = 0;
  sock_filter body_[kSize], code_[kSize];
  uint16_t body_size_ = 0, count_ = 0;
  uint32_t refuse_, count_call_;
};

void Build(const Request& request, Builder& filter) {
  const auto self = static_cast<uint32_t>(getpid());
  filter.Calls(kAllowed, SECCOMP_RET_ALLOW);
  const bool own_files = (request.flags & kUseNamespaces) != 0;
  // A tool chain writes programs, which it marks as such.
  const bool tools = (request.flags & kTools) != 0;
  filter.Calls(kAllowedInNamespaces, own_files || tools ? SECCOMP_RET_ALLOW : filter.refuse());

  filter.Calls(kRemoving, own_files ? SECCOMP_RET_ALLOW : filter.refuse());
  const int unnamed = O_TMPFILE & ~O_DIRECTORY;  // a file that was never there, likewise
  const auto open = [&](int call, int argument) {
    if (own_files) {
      filter.Call(call, SECCOMP_RET_ALLOW);
    } else {
      filter.CallIf(call, argument, BPF_JSET, static_cast<uint32_t>(unnamed), true);
    }
  };
  open(SYS_openat, 2);
#ifdef SYS_open
  open(SYS_open, 1);
#endif

  // A group counts all that the kernel holds for its processes; elsewhere the watcher does.
  const uint32_t counted =
      (request.flags & kUseCgroup) != 0 ? SECCOMP_RET_ALLOW : filter.count_call();
  // Not those by which descriptors send signals on somebody's behalf, or pipes grow.
  filter.Rule(SYS_fcntl, SYS_fcntl);
  filter.LoadArgument(1);
  filter.IfOneOf(kFileCommands, SECCOMP_RET_ALLOW);
  filter.IfOneOf(kLocks, counted);
  filter.Return(filter.refuse());
  // Not those that make tables in the kernel or further filters.
  filter.Rule(SYS_prctl, SYS_prctl);
  filter.LoadArgument(0);
  filter.IfOneOf(kProcessCommands, SECCOMP_RET_ALLOW);
  filter.Return(kErrno | EINVAL);

  filter.Call(SYS_pipe2, counted);
#ifdef SYS_pipe
  filter.Call(SYS_pipe, counted);
#endif
  filter.Rule(SYS_epoll_ctl, SYS_epoll_ctl);
  filter.LoadArgument(1);
  filter.Jump(BPF_JEQ, EPOLL_CTL_ADD, 0, 1);
  filter.Return(counted);
  filter.Return(SECCOMP_RET_ALLOW);
#ifdef SYS_close_range
  // Threads share one table of descriptors.
  filter.CallIf(SYS_close_range, 2, BPF_JSET, 2 /* CLOSE_RANGE_UNSHARE */, true);
#endif

  for (const int call : kOfItself) {
    if (request.processes > 1 && own_files) {
      filter.Call(call, SECCOMP_RET_ALLOW);
    } else {
      filter.CallIf(call, 0, BPF_JEQ, self);
    }
  }
  for (const int call : kOfItselfOrZero) {
    filter.Rule(call, call);
    filter.LoadArgument(0);
    filter.Jump(BPF_JEQ, 0, 1, 0);
    filter.Jump(BPF_JEQ, self, 0, 1);
    filter.Return(SECCOMP_RET_ALLOW);
    filter.Return(filter.refuse());
  }
  // It could send descriptors away, which live on meanwhile and count for all of its user.
  filter.CallIf(SYS_sendmsg, 0, BPF_JEQ, static_cast<uint32_t>(Descriptors(request)));
  filter.Rule(SYS_socketpair, SYS_socketpair);
  filter.LoadArgument(0);
  filter.Jump(BPF_JEQ, AF_UNIX, 1, 0);
  filter.Return(filter.refuse());
  filter.LoadArgument(1);  // a stream: others hold twice as much
  filter.Jump(BPF_JSET, kNotStream, 1, 0);
  filter.Return(counted);
  filter.Return(filter.refuse());

  // New processes and threads. clone3 hides its flags in memory: without it libraries use clone.
  constexpr uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                   CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  const bool many = request.processes > 1;
  if (many) {
    filter.CallIf(SYS_clone, 0, BPF_JSET, kNamespaces, true);
  } else {  // a thread, with the descriptors of the others
    filter.Rule(SYS_clone, SYS_clone);
    filter.LoadArgument(0);
    filter.Jump(BPF_JSET, CLONE_THREAD, 0, 2);
    filter.Jump(BPF_JSET, CLONE_FILES, 0, 1);
    filter.Return(SharesUser(request) ? filter.count_call() : SECCOMP_RET_ALLOW);
    filter.Return(filter.refuse());
  }
#ifdef SYS_fork
  filter.Call(SYS_fork, many ? SECCOMP_RET_ALLOW : filter.refuse());
  filter.Call(SYS_vfork, many ? SECCOMP_RET_ALLOW : filter.refuse());
#endif
  filter.Calls(kRefused, filter.refuse());
  filter.Calls(kKilled, SECCOMP_RET_KILL_PROCESS);
}

}  // namespace

bool Filter(const Request& request) {
  if (kArchitecture == 0) Die("seccomp: unknown architecture");
  {
    Builder filter(true);
    Build(request, filter);
    const sock_fprog program = filter.Program(kOtherwise);
    const long listener =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener >= 0) {
      const int fd = static_cast<int>(listener);
      if (!SendDescriptor(Descriptors(request), "", 1, fd)) Die("seccomp: the watcher has gone");
      close(fd);
      return true;
    }
  }
  // An outer sandbox has a listener of its own, or the kernel is old: nobody is told.
  Builder filter(false);
  Build(request, filter);
  const sock_fprog program = filter.Program(kOtherwise);
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) Die("seccomp");
  return false;
}

}  // namespace retort::exec
