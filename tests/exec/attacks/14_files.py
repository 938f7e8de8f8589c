# 14. Reads what is the grader's. -> exited
import os, sys
secret, grader = sys.argv[1], sys.argv[2]
names = [secret, "/etc/passwd", "/etc/shadow", "/proc/1/environ", "/proc/1/root" + secret]
for pid in (grader, str(os.getppid()), "1"):
    names += ["/proc/%s/%s" % (pid, name) for name in ("environ", "cmdline", "mem", "maps", "stat")]
    names += ["/proc/%s/cwd/." % pid, "/proc/%s/fd" % pid]
for name in names:
    try:
        if name.endswith((".", "/fd")):
            what = os.listdir(name)
        else:
            with open(name, "rb") as file:
                what = file.read(64)
        # Its own init, in a namespace of its own, is no secret; its memory is.
        if what and not (name.startswith("/proc/1/") and name.split("/")[-1] in ("cmdline", "stat")):
            print("ESCAPED:", name)
    except OSError:
        pass
