# 20. Busy inside one operation. -> time-limit, memory-limit
print(len(str(7 ** (10 ** 9))))
