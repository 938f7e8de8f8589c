# 36. Dumps core. -> signalled
import os
os.abort()
