# 18. Memory in children, each within its limit. -> process-limit
import os, time
for _ in range(8):
    if os.fork() == 0:
        block = bytearray(100 << 20)
        time.sleep(60)
