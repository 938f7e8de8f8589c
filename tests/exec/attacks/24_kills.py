# 24. Signals to the grader, to everybody, to its group. -> exited, signalled
import os, signal, sys
for target in (int(sys.argv[2]), os.getppid(), 1):
    try:
        os.kill(target, signal.SIGKILL)
        print("ESCAPED: killed", target)
    except OSError:
        pass
for kill in (lambda: os.kill(-1, signal.SIGTERM), lambda: os.killpg(os.getpgid(0), signal.SIGTERM)):
    try:
        kill()
    except OSError:
        pass
