// 21. Ignores every signal and spins. -> time-limit
#include <signal.h>
int main() {
  for (int i = 1; i < 65; ++i) signal(i, SIG_IGN);
  for (;;) {
  }
}
