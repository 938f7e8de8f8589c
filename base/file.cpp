#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/safe_open.h"

namespace retort {
namespace fs = std::filesystem;

void FailErrno(const fs::path& path, const char* action) {
  const int error = errno;
  const char* remedy = error == ENOSPC || error == EFBIG || error == EDQUOT
                           ? ". Free some space (or raise the file-size limit) and run again"
                           : "";
  Fail(path.string(), ": cannot ", action, ": ", std::strerror(error), remedy);
}

namespace {

void WriteAll(int fd, const void* data, size_t size, const fs::path& path) {
  const char* cursor = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(fd, cursor, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) FailErrno(path, "write");
    cursor += written;
    size -= static_cast<size_t>(written);
  }
}

// A pipe would be waited for, and a device need not end.
struct RegularFile {
  explicit RegularFile(const fs::path& path)
      : fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {
    if (fd < 0) {
      FailErrno(path, "open for reading (check that the file exists and is readable)");
    }
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(fd);
      Fail(path.string(), ": is not a regular file; name one instead");
    }
    size = static_cast<size_t>(status.st_size);
  }
  ~RegularFile() { ::close(fd); }
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  int fd;
  size_t size = 0;
};

}  // namespace

std::string ReadFile(const fs::path& path) {
  const RegularFile file(path);
  std::string bytes;
  bytes.reserve(file.size);
  char piece[1 << 16];
  while (true) {  // to its end: what /proc holds has no size
    const ssize_t size = ::read(file.fd, piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) FailErrno(path, "read");
    if (size == 0) return bytes;
    bytes.append(piece, static_cast<size_t>(size));
  }
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  std::tie(fd_, temporary_) = CreateTemporary(path_, 0644);
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) {
    ::close(fd_);
    ::unlink(temporary_.c_str());
  }
}

void AtomicFile::Write(const void* data, size_t size) { WriteAll(fd_, data, size, path_); }
void AtomicFile::Write(std::string_view bytes) { Write(bytes.data(), bytes.size()); }

void AtomicFile::Commit() {
  if (::fsync(fd_) != 0) FailErrno(path_, "sync");
  FaultPoint("file-before-rename");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) FailErrno(path_, "rename into place");
  FaultPoint("file-after-rename");
  ::close(std::exchange(fd_, -1));
  SyncDirectory(path_.parent_path());
}

void WriteFileAtomic(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.Write(bytes);
  file.Commit();
}

AppendFile::AppendFile(fs::path path) : path_(std::move(path)) {
  fd_ = OpenOwnFile(path_, O_WRONLY | O_CREAT | O_APPEND);
}
AppendFile::~AppendFile() { ::close(fd_); }
void AppendFile::Write(std::string_view bytes) { WriteAll(fd_, bytes.data(), bytes.size(), path_); }
void AppendFile::Sync() {
  if (::fsync(fd_) != 0) FailErrno(path_, "sync");
}

MappedFile::MappedFile(const fs::path& path) {
  const RegularFile file(path);
  size_ = file.size;
  if (size_ == 0) return;
  void* map = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (map == MAP_FAILED) FailErrno(path, "map");
  data_ = static_cast<const std::byte*>(map);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

void SyncDirectory(const fs::path& folder) {
  const fs::path path = folder.empty() ? fs::path(".") : folder;
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) FailErrno(path, "open the folder");
  ::fsync(fd);
  ::close(fd);
}

void FaultPoint(std::string_view name) {
  const char* wanted = std::getenv("RETORT_KILL_AT");
  if (!wanted) return;
  const std::string_view spec = wanted;
  const size_t colon = spec.rfind(':');
  if (colon == std::string_view::npos || spec.substr(0, colon) != name) return;
  static std::atomic<long> passages{0};
  if (++passages == std::strtol(wanted + colon + 1, nullptr, 10)) ::raise(SIGKILL);
}

}  // namespace retort
