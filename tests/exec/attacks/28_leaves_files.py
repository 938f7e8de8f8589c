# 28. Leaves files for the next run. -> exited
import os
for folder in (".", "/tmp", "/dev/shm", "/var/tmp"):
    name = folder + "/marker-of-attack-28"
    if os.path.exists(name):
        print("ESCAPED: found", name)
    try:
        open(name, "w").close()
    except OSError:
        pass
