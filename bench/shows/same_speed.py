#!/usr/bin/env python3
"""Whether two builds of the program are equally fast: the same benchmarks with both, in turn.

    bench/shows/same_speed.py OLD NEW [PAIRS] [train|decode|grpo|score|sandbox …]

OLD and NEW are programs; PAIRS is 15 by default. Every row is one figure: how many times as fast NEW is (above 1:
faster), the median over the pairs with a 95 % interval of that median by resampling, and the spread of the ratios. A
row is "held" where the median is at least .98, or where the interval lies above .95 and contains 1; exits 1 if a row
is neither. Run it on a quiet machine: about a minute a pair.
"""

import json
import random
import statistics
import subprocess
import sys

BENCHMARKS = {
    "train": ["--shape", "S", "--shape", "D", "--batch", "8", "--repeat", "3"],
    "decode": ["--shape", "S", "--shape", "D", "--batch", "1", "--batch", "32", "--repeat", "3"],
    "grpo": ["--batch", "4", "--new-tokens", "64", "--repeat", "3"],
    "score": ["--cases", "20000"],
    "sandbox": ["--cases", "100"],
}


def seconds(program, name):
    """What the benchmark took, by the name of the row."""
    command = [program, "bench", name, "--threads", "2", "--json"] + BENCHMARKS[name]
    rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)["rows"]
    result = {}
    for row in rows:
        if name == "sandbox":
            result[f"sandbox {row['what']}"] = row["p50_ms"] / 1000
        elif name == "score":
            result[f"score, {row['threads']} threads"] = min(row["all_seconds"])
        else:
            result[f"{name} {row['shape']} x {row['batch']}"] = min(row["all_seconds"])
    return result


def interval(ratios):
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(4000))
    return medians[100], medians[-101]


def main():
    arguments = sys.argv[1:]
    names = [a for a in arguments if a in BENCHMARKS] or list(BENCHMARKS)
    rest = [a for a in arguments if a not in BENCHMARKS]
    if len(rest) not in (2, 3):
        sys.exit(__doc__)
    old, new = rest[:2]
    pairs = int(rest[2]) if len(rest) == 3 else 15
    ratios = {}
    for pair in range(pairs):
        for name in names:
            # Who begins changes from pair to pair: the second finds a warmer machine.
            first, second = (old, new) if pair % 2 == 0 else (new, old)
            took = {first: seconds(first, name)}
            took[second] = seconds(second, name)
            for row, old_seconds in took[old].items():
                ratios.setdefault(row, []).append(old_seconds / took[new][row])
        print(f"pair {pair + 1} of {pairs}", file=sys.stderr, flush=True)
    all_held = True
    print(f"{'NEW over OLD, ' + str(pairs) + ' pairs':62} {'median':>7}  {'95 % interval':>13}  {'min':>5}  {'max':>5}")
    for row, values in ratios.items():
        median = statistics.median(values)
        low, high = interval(values)
        held = median >= 0.98 or (pairs >= 15 and low > 0.95 and low <= 1 <= high)
        all_held &= held
        print(f"{row:62} {median:7.3f}  {low:.3f}-{high:.3f}  {min(values):6.3f} {max(values):6.3f}  {'held' if held else 'SLOWER'}")
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main())
