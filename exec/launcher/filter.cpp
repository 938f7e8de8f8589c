// The seccomp filter (seccomp(2)): a list of what is allowed, so that calls of later kernels are
// not.
//
//   allowed   what programs compute, allocate and read and write files with. Not memory that no
//   limit
//             counts: memfd_create, System V IPC
//   refused   answers EPERM and is told to the watcher: new processes, sockets, signals to others
//   killed    what no honest program tries: tracing, mounting, kernel interfaces
//   the rest  ENOSYS, as on a kernel without it

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

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
    SYS_pipe2,
    SYS_ioctl,
    SYS_getcwd,
    SYS_chdir,
    SYS_fchdir,
    SYS_umask,
    SYS_sendfile,
    SYS_splice,
    SYS_tee,
    SYS_copy_file_range,
    SYS_ppoll,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_eventfd2,
    SYS_signalfd4,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_inotify_init1,
    SYS_inotify_add_watch,
    SYS_inotify_rm_watch,
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
    SYS_prctl,
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
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_shutdown,
    SYS_getsockname,
    SYS_getpeername,
    SYS_getsockopt,
    SYS_setsockopt,
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
    SYS_pipe,
    SYS_poll,
    SYS_select,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_eventfd,
    SYS_signalfd,
    SYS_inotify_init,
    SYS_alarm,
    SYS_pause,
    SYS_time,
    SYS_getpgrp,
    SYS_arch_prctl,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_close_range
    SYS_close_range,
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
constexpr int kOfItselfOrZero[] = {
    SYS_prlimit64,      SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_setscheduler,
    SYS_sched_setparam, SYS_sched_getattr,     SYS_sched_setattr};

constexpr int kRefused[] = {
    SYS_socket,      SYS_connect,   SYS_bind,      SYS_listen,    SYS_accept, SYS_accept4,
    SYS_setpriority, SYS_tkill,     SYS_mknodat,   SYS_setuid,    SYS_setgid, SYS_setreuid,
    SYS_setregid,    SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_capset,
#ifdef SYS_mknod
    SYS_mknod,
#endif
};

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

class Builder {
 public:
  explicit Builder(bool listened) : refuse_(listened ? SECCOMP_RET_USER_NOTIF : kErrno | EPERM) {}

  void Load(size_t offset) { Add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset), 0, 0); }
  void LoadArgument(int index) { Load(offsetof(seccomp_data, args) + 8 * index); }
  void Return(uint32_t action) { Add(BPF_RET | BPF_K, action, 0, 0); }
  void Jump(uint16_t test, uint32_t value, uint8_t if_true, uint8_t if_false) {
    Add(static_cast<uint16_t>(BPF_JMP | test | BPF_K), value, if_true, if_false);
  }
  void Call(int number, uint32_t action) {
    Jump(BPF_JEQ, static_cast<uint32_t>(number), 0, 1);
    Return(action);
  }
  template <size_t n>
  void Calls(const int (&numbers)[n], uint32_t action) {
    for (const int number : numbers) Call(number, action);
  }
  // Allowed where `test` of an argument holds (or fails, if `negated`), else refused.
  void CallIf(int number, int argument, uint16_t test, uint32_t value, bool negated = false) {
    Jump(BPF_JEQ, static_cast<uint32_t>(number), 0, 4);
    LoadArgument(argument);
    Jump(test, value, negated ? 1 : 0, negated ? 0 : 1);
    Return(SECCOMP_RET_ALLOW);
    Return(refuse_);
  }
  uint32_t refuse() const { return refuse_; }
  sock_fprog Program() { return {count_, code_}; }

 private:
  void Add(int code, uint32_t k, uint8_t jt, uint8_t jf) {
    if (count_ == kSize) Die("seccomp: filter too long");
    code_[count_++] = {static_cast<uint16_t>(code), jt, jf, k};
  }
  static constexpr uint16_t kSize = 1024;
  sock_filter code_[kSize];
  uint16_t count_ = 0;
  uint32_t refuse_;
};

void Build(const Request& request, Builder& filter) {
  const auto self = static_cast<uint32_t>(getpid());
  filter.Load(offsetof(seccomp_data, arch));
  filter.Jump(BPF_JEQ, kArchitecture, 1, 0);
  filter.Return(SECCOMP_RET_KILL_PROCESS);
  filter.Load(offsetof(seccomp_data, nr));
#ifdef __x86_64__
  filter.Jump(BPF_JGE, 0x40000000, 0, 1);  // x32: another table of numbers
  filter.Return(SECCOMP_RET_KILL_PROCESS);
#endif
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

  // Descriptors must not send signals on somebody's behalf.
  constexpr int kCommands[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};
  filter.Jump(BPF_JEQ, SYS_fcntl, 0, 6);
  filter.LoadArgument(1);
  filter.Jump(BPF_JEQ, kCommands[0], 2, 0);
  filter.Jump(BPF_JEQ, kCommands[1], 1, 0);
  filter.Jump(BPF_JEQ, kCommands[2], 0, 1);
  filter.Return(filter.refuse());
  filter.Return(SECCOMP_RET_ALLOW);

  for (const int call : kOfItself) {
    if (request.processes > 1 && own_files) {
      filter.Call(call, SECCOMP_RET_ALLOW);
    } else {
      filter.CallIf(call, 0, BPF_JEQ, self);
    }
  }
  for (const int call : kOfItselfOrZero) {
    filter.Jump(BPF_JEQ, static_cast<uint32_t>(call), 0, 5);
    filter.LoadArgument(0);
    filter.Jump(BPF_JEQ, 0, 1, 0);
    filter.Jump(BPF_JEQ, self, 0, 1);
    filter.Return(SECCOMP_RET_ALLOW);
    filter.Return(filter.refuse());
  }
  filter.CallIf(SYS_socketpair, 0, BPF_JEQ, AF_UNIX);

  // New processes and threads. clone3 hides its flags in memory: without it libraries use clone.
  constexpr uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                   CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  const bool many = request.processes > 1;
  if (many) {
    filter.CallIf(SYS_clone, 0, BPF_JSET, kNamespaces, true);
  } else {
    filter.CallIf(SYS_clone, 0, BPF_JSET, CLONE_THREAD);
  }
#ifdef SYS_fork
  filter.Call(SYS_fork, many ? SECCOMP_RET_ALLOW : filter.refuse());
  filter.Call(SYS_vfork, many ? SECCOMP_RET_ALLOW : filter.refuse());
#endif
  filter.Calls(kRefused, filter.refuse());
  filter.Calls(kKilled, SECCOMP_RET_KILL_PROCESS);
  filter.Return(kErrno | ENOSYS);
}

}  // namespace

void Filter(const Request& request) {
  if (kArchitecture == 0) Die("seccomp: unknown architecture");
  {
    Builder filter(true);
    Build(request, filter);
    const sock_fprog program = filter.Program();
    const long listener =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener >= 0) {
      const int fd = static_cast<int>(listener);
      if (!SendDescriptor(kWatcherFd, "", 1, fd)) Die("seccomp: the watcher has gone");
      close(fd);
      return;
    }
  }
  // An outer sandbox has a listener of its own, or the kernel is old: nobody is told.
  Builder filter(false);
  Build(request, filter);
  const sock_fprog program = filter.Program();
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) Die("seccomp");
}

}  // namespace retort::exec
