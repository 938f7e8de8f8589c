#include "exec/self_test.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/stopwatch.h"
#include "base/strings.h"
#include "exec/internal/sandbox_impl.h"

namespace retort::exec {
namespace {

struct Attempt {
  const char* word;  // to the launcher, see launcher/attempts.cpp
  const char* what;
  Ending killed_for;  // kExited: the attempt must be refused and the program go on
};

constexpr Attempt kAttempts[] = {
    {"-process", "start a process", Ending::kExited},
    {"-socket", "open a socket", Ending::kExited},
    {"-read", "read a file of the system's settings", Ending::kExited},
    {"-write", "write outside its folder", Ending::kExited},
    {"-signal", "send a signal to Retort", Ending::kExited},
    {"-environment", "find anything in its environment", Ending::kExited},
    {"-descriptors", "write to a descriptor of others", Ending::kExited},
    {"-trace", "trace Retort", Ending::kDenied},
    {"-loop", "run for ever", Ending::kTimeLimit},
    {"-memory", "take all memory", Ending::kMemoryLimit},
    {"-flood", "write without end", Ending::kOutputLimit},
};

}  // namespace

std::vector<SelfTestResult> RunSelfTest(const Sandbox& sandbox) {
  const auto program = std::make_shared<Artifact>(LauncherProgram());
  std::vector<SelfTestResult> results;
  for (const Attempt& attempt : kAttempts) {
    const RunResult run = sandbox.Run({.command = {"attempt", attempt.word, StrCat(getpid())},
                                       .program = program,
                                       .limits = {.time_s = 0.3, .memory_mib = 64}});
    SelfTestResult result{.attempt = attempt.what, .held = false, .outcome = ""};
    if (run.ending == Ending::kInternalError) {
      result.outcome = run.message;
    } else if (run.ending == Ending::kExited) {
      result.outcome = run.out.substr(0, 100);
      result.held = attempt.killed_for == Ending::kExited && run.out == "refused";
    } else {
      result.outcome = "killed: " + EnumName(run.ending);
      result.held = attempt.killed_for == run.ending;
    }
    results.push_back(std::move(result));
  }
  return results;
}

double TimeBareProcess(const std::string& path) {
  const Stopwatch watch;
  std::string name = path;
  char* words[] = {name.data(), nullptr};
  char* environment[] = {nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, path.c_str(), nullptr, nullptr, words, environment);
  RETORT_CHECK(error == 0, path, ": ", std::strerror(error));
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return watch.seconds();
}

}  // namespace retort::exec
