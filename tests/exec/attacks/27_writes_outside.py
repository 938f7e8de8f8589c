# 27. Writes outside its folder, by links too. -> exited
import os, sys
secret, folder = sys.argv[1], sys.argv[5]
for name in (folder + "/planted", "/usr/planted", "/etc/planted", secret):
    try:
        open(name, "a").write("x")
        print("ESCAPED: wrote", name)
    except OSError:
        pass
for attempt in (lambda: os.symlink(folder, "way"), lambda: open("way/planted", "w"),
                lambda: os.link(secret, "hard"), lambda: os.rename(secret, "moved"),
                lambda: os.mkdir(folder + "/made"), lambda: os.remove(secret),
                lambda: os.open(folder, os.O_TMPFILE | os.O_RDWR), lambda: os.truncate(secret, 0)):
    try:
        attempt()
    except OSError:
        pass
for attempt in (lambda: os.chmod(secret, 0), lambda: os.chmod(folder, 0), lambda: os.utime(folder, (1, 1)),
                lambda: os.setxattr(folder, "user.x", b"x")):
    try:
        attempt()
        print("ESCAPED")
    except OSError:
        pass
