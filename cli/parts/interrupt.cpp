#include "cli/parts/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/error.h"

namespace retort::cli {
namespace {

std::atomic<bool> interrupted = false;  // every thread asks

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

}  // namespace

void CatchInterrupts() {
  [[maybe_unused]] static const bool once = [] {
    const sigset_t signals = Signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // here, and in all threads that this one starts
    try {
      std::thread(AwaitSignal).detach();
    } catch (const std::system_error& error) {
      Fail("threads: the system gave none (", error.what(), "). Raise the limit (ulimit -u)");
    }
    return true;
  }();
}

bool Interrupted() { return interrupted; }

bool InterruptedByNow() {
  sigset_t pending;
  sigpending(&pending);
  const bool waits = sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
                     sigismember(&pending, SIGHUP) == 1;
  return waits || interrupted;
}

}  // namespace retort::cli
