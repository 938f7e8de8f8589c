# 18. Memory in one block. -> memory-limit
block = bytearray(4 << 30)
