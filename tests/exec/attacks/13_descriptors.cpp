// 13. Writes to every descriptor. -> exited
#include <unistd.h>
int main() {
  for (int fd = 3; fd < 4096; ++fd) {
    if (write(fd, "forged", 6) >= 0) write(1, "ESCAPED", 7);
  }
}
