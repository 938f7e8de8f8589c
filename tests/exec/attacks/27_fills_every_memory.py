# 27. Fills every folder in memory, each as far as it goes. -> exited, runtime-error, output-limit, time-limit
import os
written = 0
for folder in (".", "/tmp", "/dev/shm", "/work"):
    for number in range(20):
        try:
            fd = os.open("%s/full%d" % (folder, number), os.O_CREAT | os.O_WRONLY)
            while True:
                written += os.write(fd, b"x" * 1048576)
        except OSError:
            pass
if written > 20 << 20 and not os.access("/etc", os.R_OK):
    print("ESCAPED with", written)
