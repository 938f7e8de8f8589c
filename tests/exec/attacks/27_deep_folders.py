# 27. Folders in folders, which somebody must remove. -> exited, output-limit, runtime-error, time-limit
import os
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
