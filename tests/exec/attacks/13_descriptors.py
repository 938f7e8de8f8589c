# 13. Writes to every descriptor. -> exited
import os
for fd in range(3, 1024):
    try:
        os.write(fd, b"forged")
        print("ESCAPED through", fd)
    except OSError:
        pass
