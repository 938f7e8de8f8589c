// The launcher: makes a sandbox and runs one program in it (see exec/sandbox.h). Retort carries it
// inside and starts it with the descriptors of request.h.

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "exec/launcher/launcher.h"

int main(int count, char** words) {
  using namespace retort::exec;
  // As a program in the sandbox, with a word, it tries what that says and with "-" nothing.
  if (count > 1) {
    if (count > 2) Attempt(words[1], atoi(words[2]));
    return 0;
  }
  for (int fd = kRequestFd; fd < kFirstFreeFd; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
#ifdef SYS_close_range
  syscall(SYS_close_range, kFirstFreeFd, ~0U, 0);
#endif
  const Reading reading = ReadRequest();
  Enter(reading);

  static char path[] = "PATH=/usr/bin:/bin", temporary[] = "TMPDIR=.", locale[] = "LC_ALL=C";
  char* none[] = {nullptr};
  char* tools[] = {path, temporary, locale, nullptr};
  char** environment = reading.request->flags & kTools ? tools : none;
  auto arguments = const_cast<char* const*>(reading.arguments);
  if (reading.request->flags & kHasProgram) {
    syscall(SYS_execveat, kProgramFd, "", arguments, environment, 0x1000 /* AT_EMPTY_PATH */);
  } else {
    execve(arguments[0], arguments, environment);
  }
  Die(arguments[0]);
}
