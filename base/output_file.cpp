#include "base/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/file.h"
#include "base/safe_open.h"

namespace retort {
namespace fs = std::filesystem;
namespace {

using Status = struct stat;

std::optional<Status> StatusOf(const fs::path& path) {
  Status status{};
  const int failed = path == "-" ? ::fstat(STDIN_FILENO, &status) : ::stat(path.c_str(), &status);
  if (failed) return std::nullopt;
  return status;
}

bool SameFile(const Status& a, const Status& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Two ends of one terminal are no danger, a file and a pipe are.
bool HoldsBytes(const Status& status) {
  return S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode);
}

std::optional<int> NumberIn(const std::string& text) {
  if (text.empty() || text.size() > 7 ||
      text.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return std::stoi(text);
}

// The descriptor of this process that a path means: told by its spelling, so that it works where
// /dev is bare, and else by where its folder really is.
std::optional<int> DescriptorOf(const fs::path& path) {
  if (path == "-" || path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  const auto number = NumberIn(path.filename());
  if (!number) return std::nullopt;
  if (path.parent_path() == "/dev/fd" || path.parent_path() == "/proc/self/fd") return number;
  std::error_code ignored;
  const std::string folder = fs::canonical(path.parent_path(), ignored).string();
  const std::string own = StrCat("/proc/", ::getpid(), "/");
  return folder.starts_with(own) && folder.ends_with("/fd") ? number : std::nullopt;
}

// What /proc shows as a link to "pipe:[17]" can be opened but not followed.
bool IsPipeOfAProcess(const fs::path& path) {
  std::error_code ignored;
  const auto status = StatusOf(path);
  return status && !S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode) &&
         fs::canonical(path.parent_path(), ignored).string().starts_with("/proc/");
}

// What a symbolic link says, from where it stands.
fs::path FollowLink(const fs::path& link) {
  const fs::path to = fs::read_symlink(link);
  return to.is_absolute() ? to : link.parent_path() / to;
}

constexpr uint32_t kApplicationId = 0x52744F54;  // of trace databases

bool IsTraceDatabase(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  std::array<unsigned char, 72> head{};
  const ssize_t size = ::read(fd, head.data(), head.size());
  ::close(fd);
  if (size != static_cast<ssize_t>(head.size()) || std::memcmp(head.data(), "SQLite format 3", 16))
    return false;
  uint32_t id = 0;
  for (size_t i = 68; i < 72; ++i) id = id << 8 | head[i];
  return id == kApplicationId;
}

constexpr std::array kSideFiles{"-wal", "-shm", "-journal"};

// "traces.db" of "traces.db-wal"; "" of other names.
fs::path WithoutSideSuffix(const fs::path& path) {
  const std::string text = path.string();
  for (const std::string suffix : kSideFiles) {
    if (text.ends_with(suffix)) return text.substr(0, text.size() - suffix.size());
  }
  return {};
}

bool IsRunDirectory(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "retort.json", ignored) || fs::exists(folder / "traces.db", ignored);
}

// Whether Retort keeps this path in a run directory: its own files there, and everything in the
// folders of models and logs, which it replaces and removes as a whole.
bool BelongsToRun(const fs::path& path) {
  const std::string name = path.filename();
  if (IsRunDirectory(path.parent_path())) {
    for (const char* own : {"recipe.json", "stages.json", "metrics.jsonl", "retort.json"}) {
      if (name == own) return true;
    }
    if (name.starts_with("traces.db")) return true;
  }
  std::error_code ignored;
  for (fs::path folder = path.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (!IsRunDirectory(folder.parent_path())) continue;
    const std::string inner = folder.filename();
    if (inner == "final" || inner == "tb" || inner.starts_with("checkpoint-") ||
        fs::exists(folder / "config.json", ignored)) {
      return true;
    }
  }
  return false;
}

// Of an input folder every file is an input, but for JSON Lines: those are what an earlier command
// left there (a run's metrics.jsonl is refused by name).
bool LiesIn(const fs::path& path, const fs::path& folder) {
  if (path.extension() == ".jsonl") return false;
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

[[noreturn]] void FailInput(const fs::path& name, const fs::path& input) {
  Fail(name.string(), ": is an input of this command (",
       input == "-" ? "standard input" : input.string(),
       "), and writing there would destroy it; choose another name");
}

void CheckNoInput(const fs::path& name, const fs::path& path, const Status& status,
                  const std::vector<fs::path>& inputs) {
  if (!HoldsBytes(status)) return;
  for (const fs::path& input : inputs) {
    const auto other = StatusOf(input);
    if (!other) continue;
    if (SameFile(status, *other)) FailInput(name, input);
    if (S_ISDIR(other->st_mode)) {
      std::error_code ignored;
      if (LiesIn(path, fs::canonical(input, ignored))) FailInput(name, input);
      continue;
    }
    for (const char* suffix : kSideFiles) {
      const auto side = StatusOf(input.string() + suffix);
      if (side && SameFile(status, *side)) FailInput(name, input);
    }
  }
}

void CheckReplaceable(const fs::path& name, const fs::path& path) {
  RETORT_CHECK(!BelongsToRun(path), name.string(), ": is kept by Retort in a run directory (",
               path.parent_path().string(), "); choose another name, or another folder");
  const fs::path database = WithoutSideSuffix(path);
  RETORT_CHECK(!IsTraceDatabase(path) && (database.empty() || !IsTraceDatabase(database)),
               name.string(),
               ": belongs to a trace database of Retort, which --out never "
               "replaces; choose another name");
}

}  // namespace

OutputTarget::OutputTarget(const fs::path& name, const std::vector<fs::path>& inputs)
    : name_(name) {
  RETORT_CHECK(!name.empty(), "the name of an output file is empty");
  fs::path path = name;
  for (int links = 0;; ++links) {
    RETORT_CHECK(links < 40, name.string(), ": too many symbolic links");
    descriptor_ = DescriptorOf(path);
    if (descriptor_) break;
    std::error_code ignored;
    if (!fs::is_symlink(fs::symlink_status(path, ignored)) || IsPipeOfAProcess(path)) break;
    path = FollowLink(path);
  }
  if (descriptor_) {
    Status status{};
    if (::fstat(*descriptor_, &status) != 0) FailErrno(name, "write");
    RETORT_CHECK((::fcntl(*descriptor_, F_GETFL) & O_ACCMODE) != O_RDONLY, name.string(),
                 ": the descriptor is open for reading only");
    stream_ = true;
    CheckNoInput(name, name, status, inputs);
    return;
  }

  std::error_code error;
  const fs::path parent = path.parent_path().empty() ? "." : path.parent_path();
  path_ = fs::canonical(parent, error) / path.filename();
  RETORT_CHECK(!error && fs::is_directory(parent), name.string(), ": there is no folder ",
               parent.string(), "; make it first");
  const auto status = StatusOf(path_);
  RETORT_CHECK(path_.has_filename() && !(status && S_ISDIR(status->st_mode)), name.string(),
               ": is a folder, expected the name of a file");
  if (status) {
    if (::access(path_.c_str(), W_OK) != 0) FailErrno(name, "write");
    stream_ = !S_ISREG(status->st_mode);
    CheckNoInput(name, path_, *status, inputs);
  }
  if (!stream_) CheckReplaceable(name, path_);
}

bool OutputTarget::is_standard_output() const {
  return descriptor_ && *descriptor_ == STDOUT_FILENO;
}

OutputFile::OutputFile(OutputTarget target, Growth growth)
    : target_(std::move(target)), growth_(growth) {
  if (target_.is_stream()) {
    fd_ = target_.descriptor() ? ::fcntl(*target_.descriptor(), F_DUPFD_CLOEXEC, 3)
                               : ::open(target_.path().c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd_ < 0) FailErrno(target_.name(), "open");
    return;
  }
  if (growth == Growth::kPartial) growing_ = PartialOf(target_);
  Create();
}

OutputFile::OutputFile(OutputTarget target, int64_t bytes)
    : target_(std::move(target)), growth_(Growth::kPartial), growing_(PartialOf(target_)) {
  fd_ = OpenOwnFile(growing_, O_WRONLY);
  Lock();
  if (::ftruncate(fd_, bytes) != 0 || ::lseek(fd_, 0, SEEK_END) < 0) FailErrno(growing_, "write");
}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!growing_.empty() && growth_ == Growth::kHidden) ::unlink(growing_.c_str());
}

fs::path OutputFile::PartialOf(const OutputTarget& target) {
  return target.path().string() + ".partial";
}

fs::path OutputFile::LockOf(const OutputTarget& target) {
  return target.path().parent_path() / StrCat(".", target.path().filename().string(), ".lock");
}

void OutputFile::Create() {
  if (growth_ == Growth::kHidden) {
    std::tie(fd_, growing_) = CreateTemporary(target_.path(), 0666);
  } else {
    fd_ = OpenOwnFile(growing_, O_WRONLY | O_CREAT | O_EXCL, 0666);
  }
  Lock();
  Status old{};
  if (::stat(target_.path().c_str(), &old) == 0) {
    // As root a file keeps its owner; others own what they write.
    [[maybe_unused]] const int ignored = ::fchown(fd_, old.st_uid, old.st_gid);
    ::fchmod(fd_, old.st_mode & 07777);
  }
}

void OutputFile::Lock() {
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(std::exchange(fd_, -1));
  Fail(growing_.string(), ": another process is writing it");
}

void OutputFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) {
      throw BrokenPipe(StrCat(target_.name().string(), ": nobody reads any more"));
    }
    if (written < 0) FailErrno(target_.name(), "write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void OutputFile::Commit() {
  if (growing_.empty()) {
    ::close(std::exchange(fd_, -1));
    return;
  }
  if (::fsync(fd_) != 0) FailErrno(target_.name(), "sync");
  const fs::path& path = target_.path();
  if (::rename(growing_.c_str(), path.c_str()) != 0) FailErrno(target_.name(), "rename into place");
  ::close(std::exchange(fd_, -1));
  const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {  // the rename is durable once its folder is synced
    ::fsync(folder);
    ::close(folder);
  }
}

void OutputFile::Discard() {
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  if (!growing_.empty()) ::unlink(growing_.c_str());
}

}  // namespace retort
