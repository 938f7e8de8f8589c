// 25. Writes to the memory of the grader. -> denied
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>
int main(int, char** words) {
  char byte = 0;
  iovec part{&byte, 1};
  (void)part;
  if (ptrace(PTRACE_ATTACH, atoi(words[2]), 0, 0) >= 0) write(1, "ESCAPED", 7);
}
