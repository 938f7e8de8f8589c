# 16. Fork bomb. -> process-limit
import os
while True:
    os.fork()
