# 18. Memory by mmap, touched. -> memory-limit, time-limit
import mmap
maps = []
while True:
    maps.append(mmap.mmap(-1, 16 << 20))
    for at in range(0, 16 << 20, 4096):
        maps[-1][at] = 1
