# 36. Last words of ten megabytes. -> output-limit
import sys
sys.exit("x" * 10 ** 7)
