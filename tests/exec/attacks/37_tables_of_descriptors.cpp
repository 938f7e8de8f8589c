// 37. Threads with a table of descriptors of their own. -> exited, process-limit, denied
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>
std::atomic<int> held{0};
int Alone(void*) {
  while (open("/usr", O_RDONLY) >= 0) ++held;
  usleep(100'000);
  syscall(SYS_exit, 0);
  return 0;
}
int main() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([] {
      if (syscall(436 /* close_range */, 200, 300, 2 /* UNSHARE */) == 0) Alone(nullptr);
      usleep(100'000);
    });
  }
  static char stack[16][16384];
  for (auto& own : stack) {
    clone(Alone, own + sizeof own, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS, nullptr);
  }
  for (std::thread& thread : threads) thread.join();
  if (held > 256) std::printf("ESCAPED with %d\n", held.load());
}
