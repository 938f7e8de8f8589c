#include "exec/internal/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace retort::exec {

namespace {

constexpr int kLowest = 16;
constexpr unsigned kExecutable = 0x10;  // MFD_EXEC, Linux 6.3

}  // namespace

void Fd::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

Fd Own(int fd, std::string_view what) {
  RETORT_CHECK(fd >= 0, what, ": ", std::strerror(errno));
  if (fd >= kLowest) return Fd(fd);
  const Fd low(fd);
  const int moved = fcntl(fd, F_DUPFD_CLOEXEC, kLowest);
  RETORT_CHECK(moved >= 0, what, ": ", std::strerror(errno));
  return Fd(moved);
}

std::pair<Fd, Fd> MakePipe() {
  int ends[2];
  RETORT_CHECK(pipe2(ends, O_CLOEXEC) == 0, "pipe: ", std::strerror(errno));
  Fd second(ends[1]);
  Fd first = Own(ends[0], "pipe");
  return {std::move(first), Own(second.Release(), "pipe")};
}

std::pair<Fd, Fd> MakeSocketPair() {
  int ends[2];
  RETORT_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0,
               "socketpair: ", std::strerror(errno));
  Fd second(ends[1]);
  Fd first = Own(ends[0], "socketpair");
  return {std::move(first), Own(second.Release(), "socketpair")};
}

Fd MakeSealedFile(const char* name, std::string_view bytes) {
  int made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | kExecutable);
  if (made < 0 && errno == EINVAL) made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  Fd file = Own(made, "memfd_create");
  while (!bytes.empty()) {
    const ssize_t n = write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    RETORT_CHECK(n > 0, "a file in memory: ", std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  RETORT_CHECK(fcntl(file.get(), F_ADD_SEALS, kSeals) == 0, "seal: ", std::strerror(errno));
  return file;
}

}  // namespace retort::exec
