// The launcher as a library inside an interpreter that has started already: for every request that
// comes, a process that returns from retort_serve, held by every layer, while this one waits for
// the next.

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstring>

#include "exec/launcher/launcher.h"

namespace {

using retort::exec::kFirstFreeFd;

constexpr int kPlaces = kFirstFreeFd;
constexpr int kFar = 64;  // beyond every place

// One byte per descriptor: its place.
struct Message {
  int count = 0;
  unsigned char places[kPlaces];
  int fds[kPlaces];
};

// Without descriptors at the end of Retort.
Message Receive(int socket) {
  Message received;
  iovec data{received.places, sizeof received.places};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof received.fds)];
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
    return received;
  }
  memcpy(received.fds, CMSG_DATA(header), sizeof(int) * static_cast<size_t>(got));
  received.count = static_cast<int>(got);
  return received;
}

// Watchers share this memory, so that an interpreter is copied once a run. Each has a stack of its
// own, and the kernel sets `state` to kFree at its end.
enum : int { kFree, kAlone, kShared };
struct Watcher {
  alignas(16) char stack[1 << 17];
  alignas(16) int state;
  Message message;
};

Watcher* FreeWatcher() {
  constexpr int kMost = 512;
  static Watcher* watchers[kMost];
  static int count = 0;
  while (true) {
    for (int i = 0; i < count; ++i) {
      if (__atomic_load_n(&watchers[i]->state, __ATOMIC_SEQ_CST) == kFree) return watchers[i];
    }
    void* memory = MAP_FAILED;
    if (count < kMost) {
      memory = mmap(nullptr, sizeof(Watcher), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    }
    if (memory == MAP_FAILED) {
      usleep(1000);
    } else {
      return watchers[count++] = static_cast<Watcher*>(memory);
    }
  }
}

// All that a served process may have is below kRequestFd; one call where the kernel knows it.
void CloseFrom(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
  for (int fd = first; fd <= kFar + kPlaces; ++fd) close(fd);
}

// Where a copy of this process goes on as the one that is to run what is not trusted.
jmp_buf serving;

int Begin(void* memory) {
  Watcher& watcher = *static_cast<Watcher*>(memory);
  Message& got = watcher.message;
  signal(SIGCHLD, SIG_DFL);
  for (int i = 0; i < got.count; ++i) {
    const int far = fcntl(got.fds[i], F_DUPFD_CLOEXEC, kFar);
    close(got.fds[i]);
    got.fds[i] = far;
  }
  for (int place = 0; place < kFirstFreeFd; ++place) close(place);
  for (int i = 0; i < got.count; ++i) {
    dup3(got.fds[i], got.places[i], got.places[i] > 2 ? O_CLOEXEC : 0);
    close(got.fds[i]);
  }
  retort::exec::Enter(retort::exec::ReadRequest(), &watcher.state);
  longjmp(serving, 1);
}

}  // namespace

/// `nested`: inside a host's namespaces. Returns 0 in each new process and 1 in the serving one,
/// once Retort has gone.
extern "C" __attribute__((visibility("default"))) int retort_serve(int nested) {
  const int socket = fcntl(0, F_DUPFD_CLOEXEC, kFar);
  signal(SIGCHLD, SIG_IGN);  // nobody waits for them: they report for themselves
  // The watcher is the first in its namespaces, where there are some.
  const int flags = CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD |
                    (nested ? static_cast<int>(retort::exec::kNestedNamespaces) : 0);
  if (setjmp(serving) != 0) {
    CloseFrom(retort::exec::kRequestFd);
    return 0;
  }
  for (Message message = Receive(socket); message.count > 0; message = Receive(socket)) {
    Watcher& watcher = *FreeWatcher();
    watcher.message = message;
    watcher.state = kShared;
    if (clone(Begin, watcher.stack + sizeof watcher.stack, flags, &watcher, nullptr, nullptr,
              &watcher.state) < 0) {
      watcher.state = kFree;
    }
    while (__atomic_load_n(&watcher.state, __ATOMIC_SEQ_CST) == kShared) {
      syscall(SYS_futex, &watcher.state, FUTEX_WAIT, kShared, nullptr);
    }
    for (int i = 0; i < message.count; ++i) close(message.fds[i]);
  }
  return 1;
}
