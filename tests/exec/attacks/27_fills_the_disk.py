# 27. Fills the disk with large files. -> output-limit, runtime-error, time-limit
count = 0
while True:
    with open("file%d" % count, "wb") as file:
        for _ in range(8):
            file.write(b"x" * (1 << 20))
    count += 1
    if count > 100:
        print("ESCAPED")
        break
