# 27. One file of a terabyte. -> output-limit, signalled, runtime-error
with open("sparse", "wb") as file:
    file.seek(1 << 40)
    file.write(b"x")
