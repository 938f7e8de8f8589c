// 33. Lets the compiler read for it. -> compile-error
#include "/etc/passwd"
int main() {}
