#include "base/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/error.h"
#include "base/safe_open.h"
#include "base/strings.h"

namespace retort {
namespace fs = std::filesystem;
namespace {

std::string Now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text;
}

std::string Host() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

// What the holder wrote; it may be about to.
std::string HolderIn(int fd) {
  char text[512];
  const ssize_t size = ::pread(fd, text, sizeof text, 0);
  const std::string_view line = size > 0 ? Trim({text, static_cast<size_t>(size)}) : "";
  return line.empty() ? "another process" : std::string(line);
}

bool IsStill(int fd, const fs::path& file) {
  struct stat opened {
  }, there{};
  return ::fstat(fd, &opened) == 0 && ::lstat(file.c_str(), &there) == 0 &&
         opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

}  // namespace

WriterLock::WriterLock(fs::path file, const std::string& what, const std::string& holder)
    : file_(std::move(file)) {
  for (;;) {
    int fd = -1;
    try {
      fd = OpenOwnFile(file_, O_RDWR | O_CREAT);
    } catch (const Error& error) {
      Fail(what, ": cannot be locked for writing (", error.what(),
           "). Check that its folder may be written");
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      const std::string other = HolderIn(fd);
      ::close(fd);
      RETORT_CHECK(error == EWOULDBLOCK, what, ": cannot be locked (", file_.string(),
                   "): ", std::strerror(error), ". Choose a folder on a file system with locks");
      Fail(what, ": is being written by ", other,
           ". Wait until it is done, stop it, or choose another place");
    }
    // The last holder may have removed the file between open and lock: then another one counts.
    if (IsStill(fd, file_)) {
      fd_ = fd;
      break;
    }
    ::close(fd);
  }
  const std::string text =
      StrCat(holder, " (process ", ::getpid(), " on ", Host(), ", since ", Now(), ")\n");
  if (::ftruncate(fd_, 0) == 0) {
    [[maybe_unused]] const ssize_t told = ::pwrite(fd_, text.data(), text.size(), 0);
  }
}

WriterLock::~WriterLock() {
  ::unlink(file_.c_str());  // before the lock goes: nobody else can have it under this name
  ::close(fd_);
}

fs::path LockFileOf(const fs::path& database) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(database, error);
  return (error ? database : real).parent_path() / ".retort.lock";
}

}  // namespace retort
