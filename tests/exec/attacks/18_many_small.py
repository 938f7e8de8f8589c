# 18. Memory in small pieces. -> memory-limit, time-limit
blocks = []
while True:
    blocks.append("x" * 1000 + str(len(blocks)))
