# 16. Fork bomb that takes no for an answer and tries again. -> time-limit
import os
while True:
    try:
        os.fork()
        print("ESCAPED")
    except OSError:
        pass
