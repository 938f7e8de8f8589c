#!/usr/bin/env python3
"""How long the mathematics verifier takes over answers made to blow it up.

    bench/shows/hostile.py RETORT [--top 15] [--json]

Every text of tests/verifiers/hostile.jsonl, whole and shortened to sizes that are still read, is judged
by `retort score`, one run each, as response, as gold answer and as both; the time is that of the verdict, the
memory that by which the process grew, reading the row included. Prints the slowest verdicts and whether any was
right that should not be. A minute or two.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

CORPUS = os.path.join(os.path.dirname(__file__), "../../tests/verifiers/hostile.jsonl")


def expand(part, share=1.0, turn=0):
    """The bytes of one part of a text, as tests/verifiers/hostile_test.cpp makes them."""
    if isinstance(part, dict):
        return bytes.fromhex(part["bytes"])
    if isinstance(part, str):
        return part.replace("§", str(turn)).encode()
    turns = max(1, int(part[-1] * share))
    return b"".join(expand(inner, 1.0, i) for i in range(1, turns + 1) for inner in part[:-1])


def texts(row):
    """The text, whole and shortened."""
    whole = b"".join(expand(part) for part in row["text"])
    yield whole
    for size in (19000, 2500):
        if len(whole) > size:
            yield b"".join(expand(part, size / len(whole)) for part in row["text"])


def quoted(text):
    """A JSON string; what is not UTF-8 becomes U+FFFD, as JSON must be UTF-8."""
    return json.dumps(text.decode("utf-8", "replace")).encode()


def judge(retort, file, gold, response):
    """Seconds, bytes, right?"""
    with open(file, "wb") as out:
        out.write(b'{"answer": ' + quoted(gold) + b', "response": ' + quoted(response) + b"}\n")
    done = subprocess.run([retort, "score", file, "--threads", "1", "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        return None, 0, done.stderr.decode("utf-8", "replace").strip()
    summary = json.loads(done.stdout)
    return summary["slowest"]["seconds"], summary["peak_bytes"], summary["right"] > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retort")
    parser.add_argument("--top", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="one JSON object a verdict, unsorted")
    args = parser.parse_args()
    with open(CORPUS, encoding="utf-8") as corpus:
        rows = [json.loads(line) for line in corpus]
    found, refused, wrongly_right = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "row.jsonl")
        for row in rows:
            for text in texts(row):
                tagged = b"<answer>" + text + b"</answer>"
                for role, gold, response in (("response", b"26", tagged), ("gold", text, b"\\boxed{26}"),
                                             ("both", text, tagged)):
                    seconds, memory, right = judge(args.retort, file, gold, response)
                    found_row = {"name": row["name"], "bytes": len(text), "role": role}
                    if seconds is None:
                        refused.append(found_row | {"message": right})
                        continue
                    found.append(found_row | {"milliseconds": round(1e3 * seconds, 3),
                                              "mib": round(memory / 2**20, 1), "right": right})
                    if right and role != "both":
                        wrongly_right.append(found[-1])
                    if args.json:
                        print(json.dumps(found[-1]), flush=True)
    if not args.json:
        print(f"{'ms':>10}  {'MiB':>6}  {'bytes':>9}  role      text")
        for row in sorted(found, key=lambda r: -r["milliseconds"])[:args.top]:
            print(f"{row['milliseconds']:10.2f}  {row['mib']:6.1f}  {row['bytes']:9}  {row['role']:8}  {row['name']}")
        times = sorted(r["milliseconds"] for r in found)
        print(f"{len(found)} verdicts: half within {statistics.median(times):.2f} ms, 99 % within "
              f"{times[int(0.99 * (len(times) - 1))]:.2f} ms, the slowest {times[-1]:.2f} ms; "
              f"at most {max(r['mib'] for r in found):.1f} MiB")
    for row in refused[:5]:
        print(f"no verdict: {row['name']}: {row['message'][:200]}", file=sys.stderr)
    if refused:
        print(f"{len(refused)} rows that retort did not take", file=sys.stderr)
    for row in wrongly_right:
        print(f"right, and should not be: {json.dumps(row)}", file=sys.stderr)
    return 1 if wrongly_right else 0


if __name__ == "__main__":
    sys.exit(main())
