// 35. Stops its own clock. -> time-limit
#include <signal.h>
int main() { raise(SIGSTOP); }
