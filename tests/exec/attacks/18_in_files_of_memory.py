# 18. Memory in files of memory, which no limit of a process counts. -> exited
import os
try:
    os.memfd_create("memory")
    print("ESCAPED")
except OSError:
    pass
