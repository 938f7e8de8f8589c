# 27. Fills the disk with files that never had a name. -> output-limit, runtime-error, denied, time-limit
import os
files = []
for count in range(400):
    files.append(os.open(".", os.O_TMPFILE | os.O_RDWR))
    os.write(files[-1], b"x" * (8 << 20))
    if count > 130:
        print("ESCAPED")
        break
