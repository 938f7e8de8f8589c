#include "exec/sandbox.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"
#include "exec/internal/sandbox_impl.h"

namespace retort::exec {
namespace {

// Longer than the launcher needs to kill whatever it holds.
constexpr auto kPatience = std::chrono::seconds(20);
constexpr int kThreads = 64;

bool KernelHasLandlock() { return syscall(444 /* landlock_create_ruleset */, nullptr, 0, 1) > 0; }

uint32_t Flags(const Layers& layers) {
  uint32_t flags = 0;
  if (layers.namespaces) flags |= kUseNamespaces;
  if (layers.landlock) flags |= kUseLandlock;
  if (layers.seccomp) flags |= kUseSeccomp;
  if (layers.cgroup) flags |= kUseCgroup;
  return flags;
}

void CheckText(std::string_view text) {
  RETORT_CHECK(text.find('\0') == std::string_view::npos, "an argument or name holds a NUL byte");
}

Fd WriteRequest(const Request& request, const Job& job) {
  std::string bytes(sizeof request, '\0');
  std::memcpy(bytes.data(), &request, sizeof request);
  const auto add_text = [&](std::string_view text) {
    CheckText(text);
    bytes.append(text).push_back('\0');
  };
  for (const std::string& word : job.command) add_text(word);
  add_text(job.keep);
  for (const auto& [name, content] : job.files) {
    RETORT_CHECK(
        !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos, "'",
        name, "': the name of a file of the work directory has no '/'");
    add_text(name);
    const auto size = static_cast<int64_t>(content.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(content);
  }
  return MakeSealedFile("retort-request", bytes);
}

std::unique_ptr<Process::Impl> Failed(std::string why) {
  auto impl = std::make_unique<Process::Impl>();
  impl->failure = std::move(why);
  return impl;
}

}  // namespace

std::string Layers::Names() const {
  std::vector<std::string> names{"limits"};
  if (seccomp) names.push_back("seccomp");
  if (landlock) names.push_back("landlock");
  if (namespaces) names.push_back("namespaces");
  if (cgroup) names.push_back("cgroup");
  return Join(names, ", ");
}

Artifact::Artifact(std::string_view bytes)
    : fd_(MakeSealedFile("retort-artifact", bytes).Release()) {}
Artifact::~Artifact() {
  if (fd_ >= 0) close(fd_);
}

uint32_t Sandbox::Impl::FreshUser() const {
  // Few, and low: a container may map no more.
  return geteuid() == 0 ? 61000 + (static_cast<uint32_t>(getpid()) * 64 + ++count) % 4000 : 0;
}

RunEnds Sandbox::Impl::Prepare(const Job& job, const Layers& with, uint32_t flags,
                               std::optional<uint32_t> owner) const {
  const Limits& limits = job.limits;
  Request request;
  request.flags = Flags(with) | flags;
  // Of one process its own limits are the sum; joining a group takes milliseconds.
  if (limits.processes == 1) request.flags &= ~uint32_t{kUseCgroup};
  if (job.tools) request.flags |= kTools;
  if (job.program) request.flags |= kHasProgram;
  if (!owner) request.uid = FreshUser();
  if (!(flags & kHost)) {
    request.cpu_ms = std::llround(limits.time_s * 1000);
    request.wall_ms = std::llround(WallSeconds(limits) * 1000);
    request.memory_bytes = limits.memory_mib << 20;
  }
  request.file_bytes = limits.file_size_mib << 20;
  request.processes = limits.processes;
  request.arguments = static_cast<int64_t>(job.command.size());
  request.files = static_cast<int64_t>(job.files.size());

  RunEnds ends;
  ends.own = std::make_unique<Process::Impl>();
  ends.user = request.uid;
  Process::Impl& own = *ends.own;
  own.limits = limits;
  own.leaving = leaving;
  if (!with.namespaces) own.work = std::make_unique<WorkFolder>(owner.value_or(request.uid));
  if ((request.flags & kUseCgroup) != 0) {
    own.cgroup =
        cgroups->Lease(request.memory_bytes + request.file_bytes, limits.processes + kThreads + 4);
    RETORT_CHECK(own.cgroup, "no cgroup can be made any more");
  }
  std::tie(ends.in, own.in) = MakePipe();
  std::tie(own.out, ends.out) = MakePipe();
  std::tie(own.err, ends.err) = MakePipe();
  std::tie(own.control, ends.control) = MakeSocketPair();
  for (const Fd* fd : {&own.in, &own.out, &own.err}) fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  ends.request = WriteRequest(request, job);
  own.give_up = std::chrono::steady_clock::now() + kPatience +
                kMostPatience * std::chrono::milliseconds(std::llround(WallSeconds(limits) * 1000));
  return ends;
}

int Sandbox::Impl::Spawn(const RunEnds& ends, const Job& job) const {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  RETORT_CHECK(posix_spawn_file_actions_init(&actions) == 0, "posix_spawn: out of memory");
  RETORT_CHECK(posix_spawnattr_init(&attributes) == 0, "posix_spawn: out of memory");
  const auto put = [&](int fd, int place) {
    posix_spawn_file_actions_adddup2(&actions, fd, place);
  };
  put(ends.in.get(), 0);
  put(ends.out.get(), 1);
  put(ends.err.get(), 2);
  put(ends.request.get(), kRequestFd);
  put(ends.control.get(), kControlFd);
  if (job.program) put(job.program->fd(), kProgramFd);
  if (ends.own->work) put(ends.own->work->fd(), kWorkFd);
  if (ends.own->cgroup) {
    put(ends.own->cgroup->memory_fd(), kCgroupFd);
    if (ends.own->cgroup->tasks_fd() >= 0) put(ends.own->cgroup->tasks_fd(), kCgroupFd + 1);
  }
  // Ctrl-C in the terminal is Retort's to handle; what Retort's threads block is its own affair.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  const std::string path = StrCat("/proc/self/fd/", launcher.get());
  char name[] = "retort-launcher";
  char* words[] = {name, nullptr};
  char* environment[] = {nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, path.c_str(), &actions, &attributes, words, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  RETORT_CHECK(error == 0, "the launcher cannot be started: ", std::strerror(error));
  return pid;
}

std::unique_ptr<Process> Sandbox::Impl::Start(const Job& job, const Layers& with,
                                              uint32_t flags) const {
  try {
    RunEnds ends = Prepare(job, with, flags);
    ends.own->launcher = Spawn(ends, job);
    return std::unique_ptr<Process>(new Process(std::move(ends.own)));
  } catch (const Error& error) {
    return std::unique_ptr<Process>(new Process(Failed(error.what())));
  }
}

Sandbox::Sandbox(const SandboxOptions& options) : impl_(std::make_unique<Impl>()) {
  impl_->options = options;
  impl_->launcher = MakeSealedFile("retort-launcher", LauncherProgram());
  if (options.cgroup) impl_->cgroups = Cgroups::Find();
  const bool landlock = options.landlock && KernelHasLandlock();
  const bool cgroup = impl_->cgroups != nullptr;
  // The launcher itself, started in the sandbox, does nothing.
  Job nothing{.command = {"retort", "-"}, .program = std::make_shared<Artifact>(LauncherProgram())};
  for (const bool namespaces : {true, false}) {
    if (namespaces && !options.namespaces) continue;
    for (const bool seccomp : {true, false}) {
      for (const bool group : {true, false}) {
        if (group && !cgroup) continue;
        nothing.limits.processes = group ? 2 : 1;
        const Layers with{seccomp, landlock, namespaces, group};
        if (!impl_->Start(nothing, with, 0)->Finish().Success()) continue;
        impl_->layers = with;
        return;
      }
    }
  }
}

Sandbox::~Sandbox() = default;

const Layers& Sandbox::layers() const { return impl_->layers; }

std::string Sandbox::Refusal(const Job& job) const { return impl_->Refusal(job); }

std::string Sandbox::Impl::Refusal(const Job& job) const {
  if (options.unsafe) return "";
  if (!layers.Hold()) {
    return StrCat("nothing here holds a program that is not trusted (only ", layers.Names(),
                  "); it takes seccomp with Landlock (Linux 5.13) or with user namespaces. "
                  "`retort sandbox check` says more");
  }
  if (job.limits.processes > 1 && !layers.namespaces && !job.tools) {
    return "without namespaces a program cannot have processes of its own: nothing would find them "
           "all again. Set processes to 1";
  }
  return "";
}

std::unique_ptr<Process> Sandbox::Start(const Job& job) const {
  const std::string refusal = Refusal(job);
  if (!refusal.empty()) return std::unique_ptr<Process>(new Process(Failed(refusal)));
  return impl_->Start(job, impl_->layers, 0);
}

RunResult Sandbox::Run(const Job& job, std::string_view input) const {
  const std::unique_ptr<Process> process = Start(job);
  process->Write(input);
  return process->Finish();
}

}  // namespace retort::exec
