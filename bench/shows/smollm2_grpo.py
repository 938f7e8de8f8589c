"""What runs of recipes/smollm2-grpo.json come to, from their databases, as docs/smollm2-grpo.md has it.

    python3 bench/shows/smollm2_grpo.py RUN...
"""

import json
import pathlib
import sqlite3
import sys

STAGES = ("before", "after")
JUDGES = ("announced", "any")


def accuracy(db, stage, temperature_index):
    """Of each judge, over all completions of an evaluation at one of its temperatures."""
    rows = db.execute(
        "select v.verifier, avg(v.status = 'right'), count(*) from completions c "
        "join verdicts v on v.completion = c.id where c.stage = ? and c.step = ? group by v.verifier",
        (stage, temperature_index)).fetchall()
    return {judge: (share, count) for judge, share, count in rows}


def curve(run):
    points = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row.get("stage") == "grpo":
            points[row["step"]] = row
    return [points[step] for step in sorted(points)]


def main():
    runs = [pathlib.Path(name) for name in sys.argv[1:]]
    print("| run | judged by | T = 1 before | after | greedy before | after |")
    print("|---|---|---|---|---|---|")
    for run in runs:
        db = sqlite3.connect(f"file:{run / 'traces.db'}?mode=ro", uri=True)
        shares = {(s, t): accuracy(db, s, t) for s in STAGES for t in (0, 1)}
        for judge in JUDGES:
            cells = [f"{shares[s, t][judge][0]:.3f}" for t in (0, 1) for s in STAGES]
            print(f"| {run.name} | `{judge}` | {' | '.join(cells)} |")
    counts = [shares[s, t][JUDGES[0]][1] for t in (0, 1) for s in STAGES]
    print(f"\ncompletions: {counts}\n")
    print("| step | " + " | ".join(f"reward, {run.name}" for run in runs) +
          " | entropy | length | gradient |")
    print("|---" * (len(runs) + 4) + "|")
    curves = [curve(run) for run in runs]
    for first in range(0, len(curves[0]), 5):
        def mean(points, name):
            part = points[first:first + 5]
            return sum(p[name] for p in part) / len(part)
        last = curves[0]
        print(f"| {first + 1}-{min(first + 5, len(last))} | " +
              " | ".join(f"{mean(c, 'reward'):.2f}" for c in curves) +
              f" | {mean(last, 'entropy'):.2f} | {mean(last, 'completions/mean_length'):.1f}"
              f" | {mean(last, 'grad_norm'):.1f} |")
    db = sqlite3.connect(f"file:{runs[0] / 'traces.db'}?mode=ro", uri=True)
    answers = {}
    for stage in STAGES:
        for prompt, answer, text, right in db.execute(
                "select p.prompt, p.answer, c.text, v.status = 'right' from completions c "
                "join groups g on c.group_id = g.id join problems p on g.problem = p.id "
                "join verdicts v on v.completion = c.id and v.position = 0 "
                "where c.stage = ? and c.step = 0 and c.sample = 0 order by c.id", (stage,)):
            answers.setdefault((prompt, answer), {})[stage] = (text, right)
    print("\n| question | before | after |")
    print("|---|---|---|")
    for (prompt, _), said in list(answers.items())[:10]:
        cells = [f"{'✓' if right else '✗'} {text.replace('<|im_end|>', '').strip()!r}"
                 for text, right in (said[s] for s in STAGES)]
        print(f"| {prompt} | {' | '.join(cells)} |")


main()
