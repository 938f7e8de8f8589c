# 32. NUL, invalid UTF-8, control codes, a megabyte without an end of line. -> exited
import os
os.write(1, b"\0\xff\xfe\r\x1b[2J" + b"x" * 500000)
