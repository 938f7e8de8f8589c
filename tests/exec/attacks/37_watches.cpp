// 37. Watches itself by inotify and dnotify. -> exited, denied
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdio>
int main() {
  if (inotify_init1(0) >= 0) std::puts("ESCAPED: inotify");
  if (syscall(253) >= 0) std::puts("ESCAPED: inotify_init or another call");
  const int fd = open(".", O_RDONLY);
  if (fcntl(fd, F_NOTIFY, DN_CREATE) == 0) std::puts("ESCAPED: dnotify");
  if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) std::puts("ESCAPED: a lease");
}
