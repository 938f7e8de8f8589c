# 20. Waits for a processor of its own will, since waiting is not counted. -> exited, denied, time-limit
import os, time
try:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    print("ESCAPED")
except OSError:
    pass
