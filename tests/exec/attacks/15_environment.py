# 15. Looks for secrets in the environment. -> exited
import os
if [name for name in os.environ if name != "LC_CTYPE"]:
    print("ESCAPED:", dict(os.environ))
