// 18. Memory in segments that are left behind. -> exited
#include <sys/msg.h>
#include <sys/shm.h>
#include <unistd.h>
int main() {
  if (shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600) >= 0) write(1, "ESCAPED", 7);
  if (msgget(IPC_PRIVATE, IPC_CREAT | 0600) >= 0) write(1, "ESCAPED", 7);
}
