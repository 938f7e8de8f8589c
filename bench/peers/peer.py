"""Retort's side of a comparison."""

import json
import os
import subprocess
import sys

# Tokens per second of the peers on the reference machine of docs/performance.md (2 threads, fp32),
# by peer, work, shape and batch.
REFERENCE = {
    ("torch", "train", "S", 16): 2885, ("torch", "train", "D", 16): 2073,
    ("torch", "train", "M", 2): 130,
    ("torch", "decode", "S", 32): 1565, ("torch", "decode", "D", 32): 371,
    ("torch", "decode", "M", 32): 160,
    ("trl", "grpo", "S", 128): 1118,
    ("llama.cpp", "decode", "S", 1): 1044, ("llama.cpp", "decode", "S", 64): 4085,
    ("llama.cpp", "decode", "D", 1): 926, ("llama.cpp", "decode", "D", 64): 2309,
    ("llama.cpp", "decode", "M", 1): 40, ("llama.cpp", "decode", "M", 64): 296,
}


def check(name, row, batch):
    """Warns of a peer that is far slower than it should be: its ratio would flatter Retort."""
    known = REFERENCE.get((name, row["what"], row["shape"], batch))
    rate = row["peer_tokens_per_second"]
    if known and row["threads"] == 2 and row["dtype"] == "float32" and rate < 0.8 * known:
        print(f"warning: {name} {row['what']} {row['shape']}: {rate:.0f} tokens/s, more than 20 % "
              f"below the {known} of the reference machine of docs/performance.md: another "
              "machine, or a busy one", file=sys.stderr)


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
