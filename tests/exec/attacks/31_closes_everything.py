# 31. Closes all its descriptors and stays. -> time-limit
import os, time
os.closerange(0, 100)
time.sleep(1000)
