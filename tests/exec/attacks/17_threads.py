# 17. Thread bomb. -> runtime-error, memory-limit, time-limit
import threading, time
threading.stack_size(65536)
for count in range(10000):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    if count > 500:
        print("ESCAPED with", count)
