// 17. Threads beyond number, of no memory of their own. -> exited, runtime-error, time-limit
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
int word = 0;
int Wait(void*) {
  while (true) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
}
int main() {
  static char stacks[2048][4096];
  int count = 0;
  constexpr int kThread =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  for (auto& stack : stacks) {
    if (clone(Wait, stack + sizeof stack, kThread, nullptr) >= 0) ++count;
  }
  if (count > 130) std::printf("ESCAPED with %d\n", count), std::fflush(stdout);
  syscall(SYS_exit_group, 0);
}
