// What the self-test has a program try inside the sandbox (exec/self_test.h).

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "exec/launcher/launcher.h"

namespace retort::exec {
namespace {

// Whether it did what must not be possible.
bool Done(const char* attempt, int retort) {
  if (strcmp(attempt, "-process") == 0) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    return child > 0;
  }
  if (strcmp(attempt, "-socket") == 0) return socket(AF_INET, SOCK_STREAM, 0) >= 0;
  if (strcmp(attempt, "-read") == 0) return open("/etc/passwd", O_RDONLY) >= 0;
  if (strcmp(attempt, "-write") == 0) {
    // Where there is a root of its own, /tmp is its own, too.
    return open("/usr/retort-attempt", O_CREAT | O_WRONLY, 0600) >= 0 ||
           open("/var/tmp/retort-attempt", O_CREAT | O_WRONLY, 0600) >= 0;
  }
  if (strcmp(attempt, "-signal") == 0) return kill(retort, 0) == 0;
  if (strcmp(attempt, "-environment") == 0) return environ[0] != nullptr;
  if (strcmp(attempt, "-descriptors") == 0) {
    for (int fd = 3; fd < 1024; ++fd) {
      if (fcntl(fd, F_GETFD) != -1) return true;
    }
    return false;
  }
  if (strcmp(attempt, "-trace") == 0) return ptrace(PTRACE_ATTACH, retort, 0, 0) == 0;
  if (strcmp(attempt, "-loop") == 0) {
    for (volatile bool forever = true; forever;) {
    }
  }
  if (strcmp(attempt, "-memory") == 0) {
    while (true) {
      void* block =
          mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (block == MAP_FAILED) {
        constexpr char kWords[] = "out of memory";
        if (write(2, kWords, sizeof kWords - 1) < 0) abort();
        abort();
      }
      memset(block, 1, 1 << 20);
    }
  }
  if (strcmp(attempt, "-flood") == 0) {
    static char bytes[1 << 16];
    while (write(1, bytes, sizeof bytes) > 0) {
    }
    return true;
  }
  return false;
}

}  // namespace

void Attempt(const char* attempt, int retort) {
  const char* answer = Done(attempt, retort) ? "DONE" : "refused";
  if (write(1, answer, strlen(answer)) < 0) _exit(1);
}

}  // namespace retort::exec
