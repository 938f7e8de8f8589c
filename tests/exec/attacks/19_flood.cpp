// 19. Floods standard output. -> output-limit
#include <unistd.h>
char bytes[1 << 16];
int main() {
  while (write(1, bytes, sizeof bytes) > 0) {
  }
  for (;;) {
  }
}
