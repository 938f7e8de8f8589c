# 34. Source that the compiler chokes on. -> memory-limit, time-limit, signalled, runtime-error
eval("(" * 100000 + ")" * 100000) if 0 else exec("x = " + "-" * 5000000 + "1")
