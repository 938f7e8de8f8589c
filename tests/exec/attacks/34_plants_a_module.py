# 34. Plants a module that others import. -> exited
import subprocess, sys
open("json.py", "w").write("print('ESCAPED')")
for name in [name for name in sys.modules if name.startswith("json")]:
    del sys.modules[name]
import json
