// 30. Stack overflow. -> signalled
int depth(volatile int n) {
  volatile char room[1024];
  room[0] = static_cast<char>(n);
  return depth(n + 1) + room[0];
}
int main() { return depth(0); }
