# 20. Endless loop. -> time-limit
while True:
    pass
