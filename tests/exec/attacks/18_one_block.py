# 18. Memory in one block. -> memory-limit, time-limit
block = bytearray(4 << 30)
