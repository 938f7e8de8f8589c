# 25. Opens the memory of the grader. -> exited
import os, sys
for pid in (sys.argv[2], str(os.getppid()), "1"):
    for mode in ("rb", "r+b"):
        try:
            open("/proc/%s/mem" % pid, mode).read(0)
            print("ESCAPED:", pid, mode)
        except OSError:
            pass
