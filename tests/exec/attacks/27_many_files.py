# 27. Uses up the file system's entries. -> output-limit, runtime-error, time-limit
import os
for count in range(10 ** 7):
    os.close(os.open("file%d" % count, os.O_CREAT | os.O_WRONLY))
    if count > 200000:
        print("ESCAPED")
        break
