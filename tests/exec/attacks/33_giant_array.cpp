// 33. A static array of four gigabytes. -> compile-error, signalled, memory-limit, internal-error
char bytes[1L << 32] = {1};
int main() { return bytes[5]; }
