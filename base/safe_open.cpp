#include "base/safe_open.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/file.h"

namespace retort {
namespace fs = std::filesystem;

std::pair<int, fs::path> CreateTemporary(const fs::path& path, mode_t mode) {
  const std::string name = StrCat(".", path.filename().string(), ".tmp-", ::getpid());
  for (int attempt = 0;; ++attempt) {  // a dead process may have had this number
    const fs::path temporary = path.parent_path() / (attempt ? StrCat(name, "-", attempt) : name);
    const int fd =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd >= 0) return {fd, temporary};
    if (errno != EEXIST || attempt > 1000) FailErrno(path, "create");
  }
}

int OpenOwnFile(const fs::path& path, int flags, mode_t mode) {
  // Without O_NONBLOCK a pipe would wait for its reader.
  const int fd = ::open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
  const int error = errno;
  struct stat status {};
  const bool plain =
      fd >= 0 && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink <= 1;
  if (plain) return fd;
  if (fd >= 0) ::close(fd);
  errno = error;
  RETORT_CHECK(error != EEXIST || fd >= 0, path.string(), ": is in the way; move it away");
  if (fd < 0 && error != ELOOP && error != ENXIO) FailErrno(path, "open");
  Fail(path.string(),
       ": is a link, a pipe or a device, or has a second name (a hard link), where Retort keeps a "
       "file of its own, so it is not touched. Move it away");
}

void RequireOwnFile(const fs::path& path) {
  std::error_code none;
  if (fs::exists(fs::symlink_status(path, none))) ::close(OpenOwnFile(path, O_RDONLY));
}

}  // namespace retort
