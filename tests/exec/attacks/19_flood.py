# 19. Floods standard output. -> output-limit
while True:
    print("x" * 100000)
