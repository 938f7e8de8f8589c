// 18. Memory by malloc, touched. -> memory-limit, signalled, time-limit
#include <new>
int main() {
  while (true) {
    char* block = new char[1 << 20];
    for (int i = 0; i < 1 << 20; i += 4096) block[i] = 1;
  }
}
