"""Retort's side of a comparison."""

import json
import os
import subprocess
import sys


def beside(args, shape, command, peer_tokens_per_second):
    """Runs `retort bench COMMAND…` and returns what to add to the peer's row."""
    if not os.access(args.retort, os.X_OK):
        raise SystemExit(f"{args.retort}: not a program; give the path of retort, for instance "
                         "build/release/retort")
    words = [args.retort, "bench", *map(str, command), "--shape", shape,
             "--repeat", str(args.repeat), "--threads", str(args.threads), "--json"]
    if args.dtype != "float32":
        words += ["--dtype", args.dtype]
    done = subprocess.run(words, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}, see above")
    own = json.loads(done.stdout)["rows"][-1]
    return {"peer_command": " ".join(sys.argv), "command": " ".join(words),
            "tokens_per_second": own["tokens_per_second"],
            "fraction_of_peak": own["fraction_of_peak"], "peak_gflops": own["peak_gflops"],
            "seconds": own["seconds"], "peak_bytes": own["peak_bytes"],
            "ratio": own["tokens_per_second"] / peer_tokens_per_second}
