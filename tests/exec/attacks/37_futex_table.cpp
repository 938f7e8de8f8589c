// 37. A table of futexes of a GiB, and filters of its own. -> exited, denied
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstdio>
int main() {
  if (prctl(78 /* PR_FUTEX_HASH */, 1, 1L << 20, 0, 0) == 0) std::puts("ESCAPED: a table");
  sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  sock_fprog program{1, allow};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0) std::puts("ESCAPED: a filter");
}
