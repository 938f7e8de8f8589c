#include "base/read_pipe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/file.h"

namespace retort {
namespace {

struct Descriptor {
  ~Descriptor() { ::close(fd); }
  int fd;
};

}  // namespace

std::string ReadPipe(const std::filesystem::path& path, size_t limit) {
  // Opened so, a pipe without a writer ends at once.
  const Descriptor pipe{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (pipe.fd < 0) FailErrno(path, "open");
  struct stat status {};
  RETORT_CHECK(::fstat(pipe.fd, &status) == 0 && S_ISFIFO(status.st_mode), path.string(),
               ": is not a pipe");
  if (::fcntl(pipe.fd, F_SETFL, 0) != 0) FailErrno(path, "read");
  std::string text;
  char piece[1 << 16];
  while (true) {
    const ssize_t size = ::read(pipe.fd, piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) FailErrno(path, "read");
    if (size == 0) break;
    text.append(piece, static_cast<size_t>(size));
    RETORT_CHECK(text.size() <= limit, path.string(), ": more than ", limit,
                 " bytes came through this pipe. Name a file instead");
  }
  RETORT_CHECK(!text.empty(), path.string(),
               ": nothing came through this pipe. Name a file instead, or start its writer first");
  return text;
}

}  // namespace retort
