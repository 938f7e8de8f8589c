# 24. Changes limits and priority of the grader. -> exited
import os, resource, sys
grader = int(sys.argv[2])
for change in (lambda: resource.prlimit(grader, resource.RLIMIT_NOFILE, (8, 8)),
               lambda: os.sched_setaffinity(grader, {0}),
               lambda: os.setpriority(os.PRIO_PROCESS, grader, 19),
               lambda: os.setpriority(os.PRIO_USER, 0, 19)):
    try:
        change()
        print("ESCAPED")
    except OSError:
        pass
