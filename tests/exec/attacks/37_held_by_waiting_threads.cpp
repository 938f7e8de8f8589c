// 37. Threads wait for sockets that others close. -> memory-limit, signalled, exited
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <vector>
int main() {
  static char bytes[65536];
  long held = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<pollfd> pairs;
    int ends[2];
    while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0) {
      for (int end : ends) {
        for (long n = 1; n > 0; held += n > 0 ? n : 0) n = write(end, bytes, sizeof bytes);
      }
      pairs.push_back({ends[0], 0, 0});
      pairs.push_back({ends[1], 0, 0});
    }
    std::vector<int> fds;
    for (pollfd& pair : pairs) fds.push_back(pair.fd);
    try {
      std::thread([pairs]() mutable { poll(pairs.data(), pairs.size(), -1); }).detach();
    } catch (...) {
      break;
    }
    usleep(2000);
    for (int fd : fds) close(fd);
  }
  if (held > 192L << 20) std::printf("ESCAPED with %ld\n", held), std::fflush(stdout);
  _exit(0);
}
