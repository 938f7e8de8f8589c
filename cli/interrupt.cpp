#include "cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>

namespace retort::cli {
namespace {

std::atomic<bool> interrupted = false;  // every thread asks
static_assert(std::atomic<bool>::is_always_lock_free);

void Handle(int) {
  constexpr std::string_view kText =
      "\nretort: stopping at the next safe place; once more to stop at once\n";
  const int kept = errno;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText.data(), kText.size());
  errno = kept;
  interrupted = true;
}

}  // namespace

void CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = Handle;
  action.sa_flags = SA_RESETHAND | SA_RESTART;  // the second signal finds the default again
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // nohup: stay
}

bool Interrupted() { return interrupted; }

}  // namespace retort::cli
