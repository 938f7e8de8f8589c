// The launcher as a library inside an interpreter that has started already: for every request that
// comes, a process that returns from retort_serve, held by every layer, while this one waits for
// the next.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "exec/launcher/launcher.h"

namespace {

using retort::exec::kFirstFreeFd;

constexpr int kPlaces = kFirstFreeFd - 1;  // all but the watcher's

// A message is one byte per descriptor: its place. 0 at the end of Retort.
int Receive(int socket, unsigned char (&places)[kPlaces], int (&fds)[kPlaces]) {
  iovec data{places, sizeof places};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof fds)];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const cmsghdr* header = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_len != CMSG_LEN(sizeof(int) * static_cast<size_t>(got))) {
    return 0;
  }
  memcpy(fds, CMSG_DATA(header), sizeof(int) * static_cast<size_t>(got));
  return static_cast<int>(got);
}

}  // namespace

/// `nested`: inside a host's namespaces. Returns 0 in each new process and 1 in the serving one,
/// once Retort has gone.
extern "C" __attribute__((visibility("default"))) int retort_serve(int nested) {
  constexpr int kFar = 64;  // beyond every place
  const int socket = fcntl(0, F_DUPFD_CLOEXEC, kFar);
  signal(SIGCHLD, SIG_IGN);  // nobody waits for them: they report for themselves
  unsigned char places[kPlaces];
  int fds[kPlaces];
  while (const int count = Receive(socket, places, fds)) {
    // One process less to copy an interpreter for, where the child can be the first in namespaces.
    const unsigned long flags = retort::exec::kNestedNamespaces | SIGCHLD;
    const long child =
        nested ? syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr) : fork();
    if (child != 0) {
      for (int i = 0; i < count; ++i) close(fds[i]);
      continue;
    }
    signal(SIGCHLD, SIG_DFL);
    close(socket);
    for (int i = 0; i < count; ++i) {
      const int far = fcntl(fds[i], F_DUPFD_CLOEXEC, kFar);
      close(fds[i]);
      fds[i] = far;
    }
    for (int place = 0; place < kFirstFreeFd; ++place) close(place);
    for (int i = 0; i < count; ++i) {
      dup3(fds[i], places[i], places[i] > 2 ? O_CLOEXEC : 0);
      close(fds[i]);
    }
    retort::exec::Enter(retort::exec::ReadRequest());
    for (int fd = retort::exec::kRequestFd; fd < kFar + kPlaces; ++fd) close(fd);
    return 0;
  }
  return 1;
}
