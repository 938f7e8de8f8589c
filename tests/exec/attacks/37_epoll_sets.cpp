// 37. The same file under every number in every set of epoll. -> memory-limit, exited, time-limit
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <vector>
int main() {
  std::vector<int> sets;
  for (int i = 0; i < 20; ++i) sets.push_back(epoll_create1(0));
  long items = 0;
  // Each file stays open under its first number.
  for (int file = eventfd(0, 0); file >= 0 && file < 200; file = eventfd(0, 0)) {
    for (int number = file + 1; dup2(file, number) == number; ++number) {
      for (int set : sets) {
        epoll_event event{};
        if (epoll_ctl(set, EPOLL_CTL_ADD, number, &event) == 0) ++items;
      }
      close(number);
    }
  }
  if (items > 400000) std::printf("ESCAPED with %ld\n", items);
}
