// 33. A compiler that reads for ever. -> compile-error
#include "/dev/urandom"
int main() {}
