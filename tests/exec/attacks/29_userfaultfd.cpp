// 29. An interface of the kernel that nobody needs. -> denied
#include <sys/syscall.h>
#include <unistd.h>
int main() {
  if (syscall(SYS_userfaultfd, 1) >= 0) write(1, "ESCAPED", 7);
}
