# 37. Sends descriptors away, which count for all of its user. -> exited, denied
import array, os, socket
a, b = socket.socketpair()
sent = 0
try:
    for _ in range(4000):
        fds = array.array("i", [0] * 200)
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        sent += 200
except OSError:
    pass
if sent:
    print("ESCAPED with", sent)
