// 33. Leaves before main. -> exited
#include <unistd.h>
struct Early {
  Early() { _exit(0); }
} early;
int main() { write(1, "ESCAPED", 7); }
