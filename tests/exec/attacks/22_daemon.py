# 22. A daemon that holds the pipes. -> process-limit
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
