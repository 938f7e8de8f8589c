# 34. A value whose text is a billion times itself. -> memory-limit, time-limit, output-limit
value = "x"
for _ in range(60):
    value = [value] * 10
print(value)
