#include "exec/internal/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "exec/internal/cgroup.h"

namespace retort::exec {
namespace {

using std::chrono::steady_clock;

constexpr int kPatienceMs = 5000;  // for what was killed to be gone

// A write to a pipe whose reader has gone raises SIGPIPE in this thread; it is taken back before
// anybody sees it.
ssize_t QuietWrite(int fd, std::string_view bytes) {
  sigset_t pipe, before, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t n = write(fd, bytes.data(), bytes.size());
  const int error = errno;
  if (n < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE)) {
    const timespec now{0, 0};
    while (sigtimedwait(&pipe, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return n;
}

// A file of the work directory, copied: what the program still holds open is not ours.
std::shared_ptr<const Artifact> Copy(int fd, int64_t limit) {
  const Fd file(fd);
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > limit) return nullptr;
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n <= 0) return nullptr;
    done += static_cast<size_t>(n);
  }
  return std::make_shared<Artifact>(bytes);
}

// Allocation failed right at the limit: the program says so in its last words.
bool RanOutOfMemory(const RunResult& result, const Limits& limits) {
  if (result.Success()) return false;
  const std::string_view words(result.err);
  const std::string_view last = words.substr(words.size() - std::min<size_t>(words.size(), 4096));
  for (const char* sign : {"MemoryError", "bad_alloc", "out of memory", "Cannot allocate memory",
                           "virtual memory exhausted"}) {
    if (last.find(sign) != std::string_view::npos) return true;
  }
  return result.peak_kib > limits.memory_mib * 1024 * 9 / 10;
}

// Contents first, without following links; a folder that cannot be read stays for the next try.
void RemoveBelow(int folder, int depth) {
  constexpr int kMaxDepth = 64;
  const Fd own(folder);
  std::error_code ignored;
  const std::string path = StrCat("/proc/self/fd/", folder);
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename().string();
    if (unlinkat(folder, name.c_str(), 0) == 0 || errno != EISDIR) continue;
    [[maybe_unused]] const int readable = fchmodat(folder, name.c_str(), 0700, 0);
    const int below = openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below >= 0 && depth < kMaxDepth) {
      RemoveBelow(below, depth + 1);
    } else if (below >= 0) {
      close(below);
    }
    unlinkat(folder, name.c_str(), AT_REMOVEDIR);
  }
}

}  // namespace

WorkFolder::WorkFolder(uint32_t uid) {
  std::string name =
      (std::filesystem::temp_directory_path() / StrCat("retort-sandbox-", getpid(), "-XXXXXX"))
          .string();
  RETORT_CHECK(mkdtemp(name.data()) != nullptr, name, ": ", std::strerror(errno),
               "; TMPDIR must name a folder that can be written");
  path_ = name;
  fd_ = Own(open(name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), name);
  if (uid != 0) {
    RETORT_CHECK(fchown(fd_.get(), uid, uid) == 0, name, ": chown: ", std::strerror(errno));
  }
}

WorkFolder::~WorkFolder() {
  RemoveBelow(fd_.Release(), 0);
  rmdir(path_.c_str());
}

void Leaving::Add(std::unique_ptr<Process::Impl> run) {
  constexpr size_t kMost = 8;  // the next needs descriptors, too
  std::unique_ptr<Process::Impl> oldest;
  const std::lock_guard lock(mutex_);
  runs_.push_back(std::move(run));
  if (runs_.size() <= kMost) return;
  oldest = std::move(runs_.front());
  runs_.pop_front();
}

Process::Impl::~Impl() {
  if (control.valid()) {
    Kill();
    // Its end is the end of all that had a part in the run.
    pollfd wait{control.get(), POLLIN, 0};
    char report[sizeof(Report)];
    while (poll(&wait, 1, kPatienceMs) > 0 &&
           recv(control.get(), report, sizeof report, MSG_DONTWAIT) > 0) {
    }
    control.Reset();
  }
  if (launcher > 0) {
    while (waitpid(launcher, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

void Process::Impl::Kill() { shutdown(control.get(), SHUT_WR); }

bool Process::Impl::Take(Fd& fd, std::string& buffer, size_t& total, bool& open) {
  const auto limit = static_cast<size_t>(limits.output_kib) * 1024;
  char bytes[65536];
  const ssize_t n = read(fd.get(), bytes, sizeof bytes);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? false : (open = false);
  if (n == 0) return open = false;
  const size_t kept = std::min(static_cast<size_t>(n), limit - total);
  buffer.append(bytes, kept);
  total += kept;
  if (kept < static_cast<size_t>(n)) {
    flooded = true;
    Kill();
  }
  return true;
}

void Process::Impl::Hear() {
  Report report;
  iovec data{&report, sizeof report};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  const ssize_t n = recvmsg(control.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n != static_cast<ssize_t>(sizeof report)) {
    lost = failed.empty();
    if (lost) failed = "the launcher died";
    ended = Report{};
    return;
  }
  if (report.type == ReportType::kStarted) started = report;
  if (report.type == ReportType::kEnded) ended = report;
  if (report.type == ReportType::kFailed) {
    failed.assign(report.text, strnlen(report.text, sizeof report.text));
    // Before the start nobody is left to report an end.
    if (!started) ended = report;
  }
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    kept = Copy(fd, limits.file_size_mib << 20);
  }
}

bool Process::Impl::Runs() {
  pollfd wait{control.get(), POLLIN, 0};
  while (!ended && poll(&wait, 1, 0) > 0) Hear();
  return !ended;
}

bool Process::Impl::Pump(std::string_view* sending) {
  const bool send = sending != nullptr && !sending->empty() && in.valid();
  pollfd wait[4] = {{out_open ? out.get() : -1, POLLIN, 0},
                    {err_open ? err.get() : -1, POLLIN, 0},
                    {ended ? -1 : control.get(), POLLIN, 0},
                    {send ? in.get() : -1, POLLOUT, 0}};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - steady_clock::now());
  // Once the program has ended nothing but what lies in the pipes will come.
  const int timeout = ended ? 0 : static_cast<int>(std::max<int64_t>(0, left.count()));
  const int ready = poll(wait, 4, timeout);
  if (ready < 0) return errno == EINTR;
  if (ready == 0) {
    if (ended) return false;
    failed = "the launcher did not keep its limits";
    lost = true;
    ended = Report{};
    if (launcher > 0) kill(launcher, SIGKILL);
    control.Reset();
    return false;
  }
  size_t err_total = err_bytes.size();
  if (wait[0].revents) Take(out, out_bytes, out_total, out_open);
  if (wait[1].revents) Take(err, err_bytes, err_total, err_open);
  if (wait[2].revents) Hear();
  if (wait[3].revents) {
    const ssize_t n = QuietWrite(in.get(), *sending);
    if (n > 0) sending->remove_prefix(static_cast<size_t>(n));
    if (n < 0 && errno != EAGAIN && errno != EINTR) in.Reset();
  }
  return !ended || out_open || err_open;
}

RunResult Process::Impl::Result() {
  RunResult result;
  result.out = std::move(out_bytes.erase(0, out_taken));
  result.err = std::move(err_bytes);
  result.kept = std::move(kept);
  const Report& report = *ended;
  if (started) {
    result.layers = {.seccomp = (started->layers & kUseSeccomp) != 0,
                     .landlock = (started->layers & kUseLandlock) != 0,
                     .namespaces = (started->layers & kUseNamespaces) != 0,
                     .cgroup = (started->layers & kUseCgroup) != 0};
  }
  result.cpu_s = static_cast<double>(report.cpu_us) / 1e6;
  result.wall_s = static_cast<double>(report.wall_us) / 1e6;
  result.peak_kib = report.peak_kib;
  if (!failed.empty()) {
    result.message = failed;
    result.lost = lost && started;
    return result;
  }
  result.ending = Ending::kExited;
  if (WIFEXITED(report.status)) result.exit_code = WEXITSTATUS(report.status);
  if (WIFSIGNALED(report.status)) {
    result.ending = Ending::kSignalled;
    result.signal = WTERMSIG(report.status);
  }
  const bool over_time = result.cpu_s > limits.time_s;
  const bool cgroup_killed = cgroup && cgroup->OutOfMemory();
  if (flooded) {
    result.ending = Ending::kOutputLimit;
  } else if (stopped && report.killed == Killed::kAsked) {
    result.ending = Ending::kStopped;
  } else if (report.killed == Killed::kTime || result.signal == SIGXCPU ||
             (result.signal == SIGKILL && over_time)) {
    result.ending = Ending::kTimeLimit;
  } else if (report.killed == Killed::kMemory || cgroup_killed || RanOutOfMemory(result, limits)) {
    result.ending = Ending::kMemoryLimit;
  } else if (report.killed == Killed::kFiles || result.signal == SIGXFSZ) {
    result.ending = Ending::kOutputLimit;
    result.message = "files";
  } else if (result.signal == SIGSYS) {
    result.ending = Ending::kDenied;
    result.message = "a system call that is never allowed";
  } else if (!result.Success() && report.refused_processes > 0) {
    result.ending = Ending::kProcessLimit;
    result.message = StrCat("refused ", report.refused_processes, " new processes");
  } else if (!result.Success() && report.refused_calls > 0) {
    result.ending = Ending::kDenied;
    result.message = StrCat("refused ", report.refused_calls, " system calls");
  }
  return result;
}

Process::Process(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Process::~Process() {
  if (!impl_->control.valid() || impl_->ended) return;
  impl_->Kill();
  const std::shared_ptr<Leaving> leaving = std::move(impl_->leaving);
  leaving->Add(std::move(impl_));
}

bool Process::Write(std::string_view bytes) {
  while (!bytes.empty() && impl_->in.valid() && impl_->Pump(&bytes)) {
  }
  return bytes.empty();
}

void Process::CloseInput() { impl_->in.Reset(); }

std::string Process::Impl::TakeOut(size_t size, size_t end) {
  std::string taken = out_bytes.substr(out_taken, size);
  out_taken += end;
  if (out_taken > out_bytes.size() / 2) {
    out_bytes.erase(0, std::exchange(out_taken, 0));
  }
  return taken;
}

std::optional<std::string> Process::Read(size_t size) {
  const auto missing = [&] { return impl_->out_bytes.size() - impl_->out_taken < size; };
  while (missing() && impl_->out_open && impl_->Pump(nullptr)) {
  }
  if (missing()) return std::nullopt;
  return impl_->TakeOut(size, size);
}

std::optional<std::string> Process::ReadLine(size_t limit) {
  size_t seen = 0;
  while (true) {
    const std::string_view rest = std::string_view(impl_->out_bytes).substr(impl_->out_taken);
    const size_t end = rest.find('\n', seen);
    if (end != std::string_view::npos && end <= limit) return impl_->TakeOut(end, end + 1);
    seen = rest.size();
    if (seen > limit || !impl_->out_open || !impl_->Pump(nullptr)) return std::nullopt;
  }
}

void Process::Stop() {
  impl_->stopped = true;
  if (impl_->failure.empty()) impl_->Kill();
}

RunResult Process::Finish() {
  if (!impl_->failure.empty()) {
    RunResult result;
    result.message = impl_->failure;
    return result;
  }
  CloseInput();
  while (impl_->Pump(nullptr)) {
  }
  return impl_->Result();
}

}  // namespace retort::exec
