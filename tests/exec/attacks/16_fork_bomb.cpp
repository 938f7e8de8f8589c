// 16. Fork bomb, also by clone and vfork. -> time-limit
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
int main() {
  while (true) {
    if (fork() >= 0 || syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0 ||
        syscall(SYS_clone, CLONE_VM | SIGCHLD, 0, 0, 0, 0) >= 0) {
      write(1, "ESCAPED", 7);
    }
  }
}
