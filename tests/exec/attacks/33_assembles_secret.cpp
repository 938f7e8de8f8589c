// 33. Lets the assembler read for it. -> compile-error
asm(".incbin \"SECRET\"");
int main() {}
