// 29. What is not there: io_uring, calls of later kernels, namespaces by clone. -> exited
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>
int main() {
  char bytes[256] = {};
  if (syscall(SYS_io_uring_setup, 8, bytes) >= 0) write(1, "ESCAPED io_uring", 16);
  for (int number = 440; number < 512; ++number) {
    if (number == 441 || number == 444) continue;
    if (syscall(number, 0, 0, 0, 0, 0, 0) >= 0) write(1, "ESCAPED", 7);
  }
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER;
  arguments.exit_signal = SIGCHLD;
  if (syscall(SYS_clone3, &arguments, sizeof arguments) >= 0) write(1, "ESCAPED clone3", 14);
  for (const long flag : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET}) {
    if (syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0) >= 0) write(1, "ESCAPED clone", 13);
  }
  if (setuid(0) == 0) write(1, "ESCAPED setuid", 14);
  if (prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0) write(1, "ESCAPED privileges", 18);
}
