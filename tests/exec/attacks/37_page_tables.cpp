// 37. One page in every GiB, and each takes two pages of tables. -> memory-limit, exited, signalled
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
int main() {
  long pages = 0;
  for (unsigned long at = 1UL << 32; at < 1UL << 46; at += 1UL << 30) {
    void* page = mmap(reinterpret_cast<void*>(at), 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page == MAP_FAILED) continue;
    *static_cast<volatile char*>(page) = 1;
    ++pages;
  }
  // 2 MiB apart: a table of the last level each.
  for (unsigned long at = 1UL << 46; at < (1UL << 46) + (200UL << 30); at += 1UL << 21) {
    void* page = mmap(reinterpret_cast<void*>(at), 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page == MAP_FAILED) break;
    *static_cast<volatile char*>(page) = 1;
    ++pages;
  }
  usleep(200'000);
  if (pages > 60000) std::printf("ESCAPED with %ld\n", pages);
}
