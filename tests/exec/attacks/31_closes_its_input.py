# 31. Closes its input and leaves before it is written. -> exited
import os
os.close(0)
