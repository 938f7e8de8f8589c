// 37. Pages of a file that was emptied live on in sockets and pipes. -> exited, denied
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
int main() {
  int ends[2], pipe_ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || pipe(pipe_ends) != 0) return 1;
  const int fd = open("file", O_CREAT | O_RDWR, 0600);
  if (write(fd, "page", 4) != 4) return 1;
  off_t at = 0;
  if (sendfile(ends[0], fd, &at, 1) > 0) std::puts("ESCAPED: sendfile");
  loff_t from = 0;
  if (splice(fd, &from, pipe_ends[1], nullptr, 1, 0) > 0) std::puts("ESCAPED: splice");
  iovec part{const_cast<char*>("x"), 1};
  if (vmsplice(pipe_ends[1], &part, 1, 0) > 0) std::puts("ESCAPED: vmsplice");
}
