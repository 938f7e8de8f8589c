// 33. Aborts. -> signalled
#include <stdlib.h>
int main() { abort(); }
