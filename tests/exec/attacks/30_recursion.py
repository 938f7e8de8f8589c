# 30. Recursion without end. -> signalled, runtime-error, memory-limit, time-limit
import sys
sys.setrecursionlimit(10 ** 9)
def f(n):
    return f(n + 1) + 1
f(0)
