#!/usr/bin/env python3
"""Math-Verify beside `retort score`: verdicts, and how fast they come, each on one thread.

    bench/peers/math_verify.py RETORT [--cases FILE.jsonl] [--responses FILE.jsonl …] [--count N] [--repeat N]

Needs `pip install math-verify` and its antlr4. Prints one JSON object a part:

  own        tests/verifiers/cases: right verdicts of both by class.
  cases      with --cases: rows of {"gold", "pred", "expected"} and Math-Verify's own settings of the row
             ("extraction", "precision", "strict", "allow_set_relation_comp"), where there are any.
  responses  with --responses: the worked solutions of MATH (rows of "solution", and "answer" unless it is the last
             box of the solution) against their answers, one row per answer, --count of them.

A pair of runs is one of Math-Verify, in a process of its own so that its caches are cold, and one of Retort, right
after it. Math-Verify is timed row by row over reading both sides and comparing them, and its imports are not
counted. Retort judges a file that holds the rows many times, and its verdicts are timed one by one as well ("ratio"); the
whole program, which reads and parses the file, is "ratio_with_reading". Ratios are of pairs; the median pair is shown.
"""

import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

OWN = os.path.join(os.path.dirname(__file__), "../../tests/verifiers/cases")


def worker(path):
    """Judges the rows of `path` with Math-Verify; prints times, verdicts and versions."""
    import importlib.metadata
    import logging
    sys.path.pop(0)  # this folder, whose math_verify is this file
    logging.disable(logging.CRITICAL)
    from math_verify import (ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify)

    def targets(row):
        made = {"latex": LatexExtractionConfig(boxed_match_priority=row.get("boxed_match_priority", 50)),
                "expr": ExprExtractionConfig(), "string": StringExtractionConfig()}
        return [made[kind] for kind in row.get("extraction", "latex+expr").split("+")]

    rows, times, right = read(path), [], []
    parse("$1$"), parse("1")  # builds the patterns and the parser
    for row in rows:
        start = time.perf_counter()
        try:
            gold = parse(row["gold"], targets(row))
            answer = parse(row["response"], targets(row))
            verdict = verify(gold, answer, float_rounding=row.get("precision", 6), strict=row.get("strict", True),
                             allow_set_relation_comp=row.get("allow_set_relation_comp", False))
        except Exception:  # what it throws is no verdict, so not right
            verdict = False
        times.append(time.perf_counter() - start)
        right.append(bool(verdict))
    versions = {name: importlib.metadata.version(name)
                for name in ("math-verify", "latex2sympy2_extended", "sympy", "antlr4-python3-runtime")}
    print(json.dumps({"times": times, "right": right, "versions": versions}))


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write(path, rows, times=1):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(times):
            file.write(text)


def math_verify(rows, folder):
    path = os.path.join(folder, "peer.jsonl")
    write(path, rows)
    done = subprocess.run([sys.executable, __file__, "--worker", path], stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise SystemExit("math_verify.py: Math-Verify does not run, see above. Needs: pip install math-verify "
                         "antlr4-python3-runtime==4.13.2")
    return json.loads(done.stdout.splitlines()[-1])


def options(row):
    """Retort's options for a row, as --option flags."""
    found = dict(row.get("options", {}))
    if row.get("extraction") == "string":
        found["extraction"] = "letter"
    if row.get("precision", 6) != 6:
        found["decimals"] = row["precision"]
    if row.get("allow_set_relation_comp"):
        found["relation_for_set"] = True
    if not row.get("strict", True):
        found["rename_variables"] = True
    return tuple(f"{key}={json.dumps(value) if not isinstance(value, str) else value}"
                 for key, value in sorted(found.items()))


def retort_score(retort, path, flags, out=None):
    words = [retort, "score", path, "--answer", "gold", "--threads", "1", "--json"]
    for flag in flags:
        words += ["--option", flag]
    if out:
        words += ["--out", out]
    done = subprocess.run(words, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}, see above")
    summary = json.loads(done.stdout)
    return summary["judging_seconds"], summary["seconds"]


class Retort:
    """Retort on the same rows; those with the same options go in one file."""

    def __init__(self, program, rows, folder):
        self.program, self.rows, self.folder = program, rows, folder
        self.groups = {}
        for i, row in enumerate(rows):
            self.groups.setdefault(options(row), []).append(i)
        self.path = os.path.join(folder, "own.jsonl")

    def lines(self, indices):
        return [{"gold": self.rows[i]["gold"], "response": self.rows[i]["response"]} for i in indices]

    def right(self):
        found = [False] * len(self.rows)
        out = os.path.join(self.folder, "verdicts.jsonl")
        for flags, indices in self.groups.items():
            write(self.path, self.lines(indices))
            retort_score(self.program, self.path, flags, out)
            for verdict in read(out):
                found[indices[verdict["row"] - 1]] = verdict["verdict"] == "right"
        return found

    def seconds(self):
        """Of all rows once, judging and with reading, from files that take a quarter of a second or more."""
        total = [0.0, 0.0]
        for flags, indices in self.groups.items():
            times, seconds = 1, 0.0
            while seconds < 0.25 and times < 1 << 16:
                times = times if seconds == 0 else max(2 * times, min(1 << 16, int(0.4 / seconds * times)))
                write(self.path, self.lines(indices), times)
                judging, seconds = retort_score(self.program, self.path, flags)
            total[0] += judging / times
            total[1] += seconds / times
        return total

    def each(self):
        """Seconds of every verdict, from files that hold the row many times."""
        found = []
        for i, row in enumerate(self.rows):
            write(self.path, self.lines([i]), 50)
            found.append(retort_score(self.program, self.path, options(row))[0] / 50)
        return found


def milliseconds(times):
    times = sorted(1e3 * t for t in times)
    return {"p50_ms": round(statistics.median(times), 4), "p99_ms": round(times[int(0.99 * (len(times) - 1))], 4),
            "max_ms": round(times[-1], 4)}


def correct(rows, right):
    return sum(row["expected"] == is_right for row, is_right in zip(rows, right))


def compare(args, part, rows, folder):
    """Verdicts, and pairs of timed runs."""
    retort = Retort(args.retort, rows, folder)
    own_right = retort.right()
    pairs = []
    for _ in range(args.repeat):
        peer = math_verify(rows, folder)
        pairs.append((sum(peer["times"]), retort.seconds(), peer["times"]))
    pairs.sort(key=lambda pair: pair[0] / pair[1][0])
    peer_seconds, (judging, with_reading), peer_times = pairs[len(pairs) // 2]
    differing = [{"gold": row["gold"], "response": row["response"][-200:], "expected": row["expected"],
                  "math_verify": a, "retort": b}
                 for row, a, b in zip(rows, peer["right"], own_right) if a != b]
    print(json.dumps({
        "part": part, "rows": len(rows), "threads": 1, "versions": peer["versions"],
        "peer_correct": correct(rows, peer["right"]), "correct": correct(rows, own_right),
        "peer_per_second": round(len(rows) / peer_seconds, 1), "per_second": round(len(rows) / judging, 1),
        "ratio": round(peer_seconds / judging, 2), "ratios": [round(a / b[0], 2) for a, b, _ in pairs],
        "ratio_with_reading": round(peer_seconds / with_reading, 2),
        "peer": milliseconds(peer_times), "retort": milliseconds(retort.each()),
        "differing": differing[:args.show]}, ensure_ascii=False), flush=True)


def own_cases(args, folder):
    """Both on the table of our own, by class. Rows with options of Retort's are left to its tests."""
    rows = []
    for path in sorted(glob.glob(os.path.join(OWN, "*.jsonl"))):
        name = os.path.basename(path).removesuffix(".jsonl")
        rows += [row | {"class": name} for row in read(path) if "options" not in row]
    own_right = Retort(args.retort, rows, folder).right()
    asked = []  # Math-Verify looks for formulas between dollars, and for option letters when told to
    for row in rows:
        solution = "\\boxed" in row["gold"] or "####" in row["gold"]
        letter = len(row["gold"]) == 1 and row["gold"].isupper()
        asked.append(row | {"gold": row["gold"] if solution else f"${row['gold']}$",
                            "extraction": "latex+expr+string" if letter else "latex+expr"})
    peer = math_verify(asked, folder)
    classes = {}
    for row, a, b in zip(rows, peer["right"], own_right):
        count = classes.setdefault(row["class"], [0, 0, 0])
        for i, good in enumerate((a == row["expected"], b == row["expected"], True)):
            count[i] += good
    print(json.dumps({
        "part": "own", "rows": len(rows), "versions": peer["versions"],
        "peer_correct": correct(rows, peer["right"]), "correct": correct(rows, own_right),
        "false_positives": {"peer": sum(a and not r["expected"] for r, a in zip(rows, peer["right"])),
                            "retort": sum(b and not r["expected"] for r, b in zip(rows, own_right))},
        "classes": {name: {"peer_correct": a, "correct": b, "rows": n} for name, (a, b, n) in classes.items()}}),
        flush=True)


def last_box(text):
    """What stands in the last \\boxed{…}, None without one."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for end in range(start + 6, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[start + 7:end]
    return None


def solutions(paths, count):
    """One row per answer."""
    rows = {}
    for path in paths:
        for row in read(path):
            answer = row.get("answer") or last_box(row["solution"])
            if answer and len(rows) < count:
                rows.setdefault(answer, {"gold": f"${answer}$", "response": row["solution"], "expected": True})
    return list(rows.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retort")
    parser.add_argument("--cases", help="JSONL of gold, pred, expected")
    parser.add_argument("--responses", nargs="+", default=[], help="JSONL of solution and, if known, answer")
    parser.add_argument("--count", type=int, default=2000, help="of --responses")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--show", type=int, default=20, help="differing verdicts at most")
    args = parser.parse_args()
    if not os.access(args.retort, os.X_OK):
        raise SystemExit(f"{args.retort}: not a program; give the path of retort, for instance "
                         "build/release/retort")
    with tempfile.TemporaryDirectory() as folder:
        own_cases(args, folder)
        if args.cases:
            rows = [row | {"response": row["pred"]} for row in read(args.cases)]
            compare(args, "cases", rows, folder)
        if args.responses:
            compare(args, "responses", solutions(args.responses, args.count), folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2])
    else:
        main()
