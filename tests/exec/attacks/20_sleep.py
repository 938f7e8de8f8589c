# 20. Sleeps. -> time-limit
import time
time.sleep(1000)
