#include "cli/parts/interrupt.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/error.h"

namespace retort::cli {
namespace {

std::atomic<bool> interrupted = false;  // every thread asks
std::atomic<bool> asked_to_end = false;
int event = -1;  // of CatchEachInterrupt

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&signals, SIGHUP);  // nohup: stay
  return signals;
}

void AwaitEachSignal() {
  const sigset_t signals = Signals();
  for (int signal = 0;;) {
    sigwait(&signals, &signal);
    if (signal != SIGINT) asked_to_end = true;
    const bool again = interrupted.exchange(true);
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event, &one, sizeof one);
    if (!again && !asked_to_end) continue;
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    if (again) ::kill(::getpid(), signal);
    for (;;) pause();
  }
}

void AwaitSignal() {
  const sigset_t signals = Signals();
  int signal = 0;
  sigwait(&signals, &signal);
  interrupted = true;
  // The second one ends this thread and all others.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  constexpr std::string_view kText =
      "\nretort: stopping at the next safe place; once more to stop at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText.data(), kText.size());
  for (;;) pause();
}

void CatchWith(void (*await)()) {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // here, and in all threads that this one starts
  try {
    std::thread(await).detach();
  } catch (const std::system_error& error) {
    Fail("threads: the system gave none (", error.what(), "). Raise the limit (ulimit -u)");
  }
}

}  // namespace

void CatchInterrupts() {
  [[maybe_unused]] static const bool once = [] {
    CatchWith(AwaitSignal);
    return true;
  }();
}

void CatchEachInterrupt() {
  event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  RETORT_CHECK(event >= 0, "eventfd: the system gave none. Raise the limit (ulimit -n)");
  CatchWith(AwaitEachSignal);
}

void ForgetInterrupt() {
  interrupted = false;
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(event, &count, sizeof count);
}

bool AskedToEnd() { return asked_to_end; }

int InterruptDescriptor() { return event; }

bool Interrupted() { return interrupted; }

bool InterruptedByNow() {
  sigset_t pending;
  sigpending(&pending);
  const bool waits = sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
                     sigismember(&pending, SIGHUP) == 1;
  return waits || interrupted;
}

}  // namespace retort::cli
