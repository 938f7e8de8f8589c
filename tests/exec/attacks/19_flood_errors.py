# 19. Floods standard error. -> output-limit
import sys
while True:
    sys.stderr.write("x" * 100000)
