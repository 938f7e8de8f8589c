# 16. Starts a program by every way of the library. -> process-limit
import os, subprocess
for start in (lambda: subprocess.run(["/bin/true"]), lambda: os.posix_spawn("/bin/true", ["true"], {})):
    try:
        start()
        print("ESCAPED")
    except OSError:
        pass
raise SystemExit(os.fork())
