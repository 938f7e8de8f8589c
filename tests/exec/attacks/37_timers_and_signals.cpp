// 37. Timers and signals that wait. -> exited, denied, runtime-error
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
int main() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  long timers = 0, signals = 0;
  timer_t timer;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN;
  while (timers < 10000 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) ++timers;
  while (signals < 10000 && sigqueue(getpid(), SIGRTMIN + 1, {}) == 0) ++signals;
  if (timers + signals > 1000) std::printf("ESCAPED with %ld, %ld\n", timers, signals);
}
