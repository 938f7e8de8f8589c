#include "exec/python_host.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <iterator>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "exec/internal/sandbox_impl.h"

namespace retort::exec {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kWait{250};  // their clock runs meanwhile
constexpr std::array kPlaces{"/usr/bin/python3", "/usr/local/bin/python3"};
// Started without site (-S), a Python lacks what programs end themselves with.
constexpr const char* kRead =
    "import builtins, sys\n"
    "builtins.exit = builtins.quit = sys.exit\n"
    "exec(compile(open('driver.py').read(), 'driver', 'exec'))\n";
constexpr const char* kServe =
    "import ctypes, gc\n"
    "gc.collect(); gc.freeze()\n"  // what children share is not to be touched
    "if ctypes.PyDLL('./serve.so').retort_serve(nested): raise SystemExit\n";
// What an interpreter does at its end, but for taking itself apart, which costs more than a short
// program.
constexpr const char* kMain = R"(import atexit, os, sys
code = 0
try:
    main()
except SystemExit as end:
    code = 0 if end.code is None else end.code
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
except BaseException:
    sys.excepthook(*sys.exc_info())
    code = 1
if 'threading' in sys.modules:
    sys.modules['threading']._shutdown()
atexit._run_exitfuncs()
for file in (sys.stdout, sys.stderr):
    try:
        file.flush()
    except Exception:
        code = code or 120
os._exit(code & 255)
)";

std::string FindPython() {
  for (const char* path : kPlaces) {
    if (access(path, X_OK) == 0) return path;
  }
  return "";
}

}  // namespace

struct PythonHost::Impl {
  const Sandbox::Impl* sandbox = nullptr;
  PythonHostOptions options;
  std::string python, refusal;

  mutable std::mutex mutex;  // of what follows
  mutable std::unique_ptr<Process> host;
  mutable Fd socket;
  mutable uint32_t user = 0;
  struct Waiting {
    Clock::time_point since;
    std::unique_ptr<Process::Impl> run;
  };
  mutable std::vector<Waiting> waiting;  // for whoever comes next
  mutable int starts_left = 3;           // one that keeps dying is given up: runs start cold then

  Job ColdJob(const Limits& limits) const {
    return {.command = {python, "-I", "-S", "-c", StrCat(kRead, kMain)},
            .files = {{"driver.py", options.driver}},
            .limits = limits};
  }

  // A Python that has read the driver and serves, if there can be one.
  void StartHost() const {
    --starts_left;
    Limits limits{.processes = 1000, .file_size_mib = 64};
    Job job{
        .command = {python, "-I", "-S", "-c",
                    StrCat("nested = ", sandbox->layers.namespaces, "\n", kRead, kServe, kMain)},
        .files = {{"driver.py", options.driver}, {"serve.so", std::string(LauncherLibrary())}},
        .limits = limits};
    const Layers with{.namespaces = sandbox->layers.namespaces};
    RunEnds ends = sandbox->Prepare(job, with, kHost);
    auto [own, other] = MakeSocketPair();
    ends.in = std::move(other);
    ends.own->launcher = sandbox->Spawn(ends, job);
    user = ends.user;
    host.reset(new Process(std::move(ends.own)));
    socket = std::move(own);
  }

  // False when the host has gone.
  bool Send(const RunEnds& ends) const {
    std::vector<std::pair<int, int>> fds{{ends.in.get(), 0},
                                         {ends.out.get(), 1},
                                         {ends.err.get(), 2},
                                         {ends.request.get(), kRequestFd},
                                         {ends.control.get(), kControlFd}};
    if (ends.own->work) fds.emplace_back(ends.own->work->fd(), kWorkFd);
    if (ends.own->cgroup) {
      fds.emplace_back(ends.own->cgroup->memory_fd(), kCgroupFd);
      const int tasks = ends.own->cgroup->tasks_fd();
      if (tasks >= 0) fds.emplace_back(tasks, kCgroupFd + 1);
    }
    std::string places;
    std::vector<int> numbers;
    for (const auto& [fd, place] : fds) {
      numbers.push_back(fd);
      places.push_back(static_cast<char>(place));
    }
    iovec data{places.data(), places.size()};
    const size_t bytes = numbers.size() * sizeof(int);
    std::vector<char> space(CMSG_SPACE(bytes));
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(header), numbers.data(), bytes);
    return sendmsg(socket.get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(places.size());
  }

  // Null when there is no warm Python.
  std::unique_ptr<Process::Impl> StartWarm(const Limits& limits) const {
    std::vector<Waiting> useless;  // ended without the lock: that takes a while
    const std::lock_guard lock(mutex);
    const Clock::time_point now = Clock::now();
    const auto old = std::partition(waiting.begin(), waiting.end(), [&](const Waiting& one) {
      return now - one.since < kWait && one.run->limits == limits && one.run->Runs();
    });
    std::move(old, waiting.end(), std::back_inserter(useless));
    waiting.erase(old, waiting.end());
    if (waiting.empty()) {
      if (auto run = Fork(limits)) waiting.push_back({now, std::move(run)});
    }
    if (waiting.empty()) return nullptr;
    std::unique_ptr<Process::Impl> run = std::move(waiting.back().run);
    waiting.pop_back();
    if (options.ahead) {
      if (auto next = Fork(limits)) waiting.push_back({now, std::move(next)});
    }
    return run;
  }

  std::unique_ptr<Process::Impl> Fork(const Limits& limits) const {
    const Job job{.command = {}, .limits = limits};
    uint32_t flags = 0;
    if (sandbox->layers.namespaces) flags |= kNested;
    while (host || starts_left > 0) {
      if (!host) StartHost();
      RunEnds ends = sandbox->Prepare(job, sandbox->layers, flags, user);
      if (Send(ends)) return std::move(ends.own);
      host.reset();
    }
    return nullptr;
  }
};

PythonHost::PythonHost(const Sandbox& sandbox, PythonHostOptions options)
    : impl_(std::make_unique<Impl>()) {
  impl_->sandbox = sandbox.impl_.get();
  impl_->options = std::move(options);
  impl_->python = FindPython();
  impl_->refusal = impl_->python.empty() ? "no Python: expected /usr/bin/python3 (package python3)"
                                         : impl_->sandbox->Refusal(impl_->ColdJob({}));
}

PythonHost::~PythonHost() = default;

const std::string& PythonHost::refusal() const { return impl_->refusal; }

void PythonHost::Warm() const {
  if (!impl_->options.warm || !impl_->refusal.empty()) return;
  try {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->host && impl_->starts_left > 0) impl_->StartHost();
  } catch (const Error&) {
    // Start tries again, and says so.
  }
}

std::unique_ptr<Process> PythonHost::Start(const Limits& limits, bool cold) const {
  auto failed = std::make_unique<Process::Impl>();
  try {
    const Job job = impl_->ColdJob(limits);
    failed->failure = impl_->refusal.empty() ? impl_->sandbox->Refusal(job) : impl_->refusal;
    if (failed->failure.empty()) {
      std::unique_ptr<Process::Impl> run;
      if (impl_->options.warm && !cold) run = impl_->StartWarm(limits);
      if (run) return std::unique_ptr<Process>(new Process(std::move(run)));
      return impl_->sandbox->Start(job, impl_->sandbox->layers, 0);
    }
  } catch (const Error& error) {
    failed->failure = error.what();
  }
  return std::unique_ptr<Process>(new Process(std::move(failed)));
}

}  // namespace retort::exec
