# 37. Fills the buffers of sockets, and makes them larger. -> exited, denied, memory-limit, runtime-error
import socket
held = 0
ends = []
try:
    while True:
        ends.append(socket.socketpair())
        for end in ends[-1]:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
            except PermissionError:
                pass
            end.setblocking(False)
            try:
                while True:
                    held += end.send(b"x" * 65536)
            except BlockingIOError:
                pass
except OSError:
    pass
if held > 64 << 20:
    print("ESCAPED with", held)
