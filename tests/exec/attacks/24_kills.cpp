// 24. Signals to the grader and to everybody. -> exited
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>
int main(int, char** words) {
  const int grader = atoi(words[2]);
  for (const int target : {grader, static_cast<int>(getppid()), 1, -grader}) {
    if (kill(target, SIGTERM) == 0) write(1, "ESCAPED", 7);
    if (syscall(SYS_tkill, target, SIGTERM) == 0) write(1, "ESCAPED", 7);
  }
  kill(-1, SIGWINCH);
}
