# 37. Fills pipes, and makes them larger. -> exited, denied, memory-limit, runtime-error
import fcntl, os
held = 0
try:
    while True:
        end, start = os.pipe()
        os.set_blocking(start, False)
        try:
            fcntl.fcntl(start, 1031, 1 << 20)  # F_SETPIPE_SZ
            print("ESCAPED: a larger pipe")
        except OSError:
            pass
        try:
            while True:
                held += os.write(start, b"x" * 65536)
        except BlockingIOError:
            pass
except OSError:
    pass
if held > 64 << 20:
    print("ESCAPED with", held)
