# 27. Fills the disk with files that are removed and still open. -> output-limit, runtime-error, denied, time-limit
import os
files = []
for count in range(400):
    files.append(os.open("file", os.O_CREAT | os.O_RDWR))
    os.remove("file")
    os.write(files[-1], b"x" * (8 << 20))
    if count > 130:
        print("ESCAPED")
        break
