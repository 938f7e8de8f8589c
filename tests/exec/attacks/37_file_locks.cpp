// 37. Locks every other byte of a file: many records. -> memory-limit, exited, time-limit
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
int main() {
  const int fd = open("file", O_CREAT | O_RDWR, 0600);
  long locks = 0;
  for (long at = 1L << 40; at > 0; at -= 2) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_start = at;
    lock.l_len = 1;
    if (fcntl(fd, F_SETLK, &lock) != 0) break;
    if (++locks == 150000) std::puts("ESCAPED"), std::fflush(stdout);
  }
}
