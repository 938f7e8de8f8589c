// 33. Lets the compiler read for it. -> compile-error
#include "SECRET"
int main() {}
