# 35. Stops its own clock. -> time-limit
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
