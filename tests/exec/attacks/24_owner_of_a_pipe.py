# 24. Lets a pipe send the signal. -> exited, denied, runtime-error
import fcntl, os, signal, sys
read, write = os.pipe()
fcntl.fcntl(read, fcntl.F_SETOWN, int(sys.argv[2]))
fcntl.fcntl(read, fcntl.F_SETSIG, signal.SIGTERM)
fcntl.fcntl(read, fcntl.F_SETFL, fcntl.fcntl(read, fcntl.F_GETFL) | os.O_ASYNC)
os.write(write, b"x")
print("ESCAPED")
