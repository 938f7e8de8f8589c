#!/usr/bin/env python3
"""Gold answers rewritten by SymPy into other forms of the same: each has to be right.

    bench/shows/golds_sympy.py RETORT DATA [--count 1000] [--seed 1] [--list]

DATA holds golds.jsonl. Needs sympy and antlr4-python3-runtime 4.11, which read a gold answer as LaTeX. Those that SymPy
reads (expressions, and both sides of y = …) are expanded, factored, put together, taken apart or evaluated; the first form
that is written otherwise, and that SymPy itself finds equal at three points, is scored in a box. What SymPy reads
otherwise than it is written (its LaTeX does not come back as the same expression) is left out. Prints one JSON object;
exit 1 below 97 % right.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import sympy
from sympy.parsing.latex import parse_latex


def read(text):
    text = text.strip().strip("$").rstrip(".").strip()
    if not text or re.search(r"\\(text|mathrm|begin|infty|cup|in\b|pm|quad|overline|left\\\{)|[;@~%]|,|\$|[A-Za-z]{4,}",
                             re.sub(r"\\[A-Za-z]+", lambda m: m.group() if m.group() in (
                                 "\\text", "\\mathrm", "\\begin", "\\infty", "\\cup", "\\in", "\\pm", "\\quad",
                                 "\\overline") else "", text)):
        return None
    text = text.replace("\\left", "").replace("\\right", "").replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    try:
        made = parse_latex(text)
        again = parse_latex(sympy.latex(made))
    except Exception:  # whatever SymPy's parser makes of what it cannot read
        return None
    # e and i are numbers, and so they are here.
    numbers = {sympy.Symbol("e"): sympy.E, sympy.Symbol("i"): sympy.I, sympy.Symbol("pi"): sympy.pi}
    made, again = made.subs(numbers), again.subs(numbers)
    if not isinstance(made, (sympy.Expr, sympy.Equality)) or made.has(sympy.Integral, sympy.Derivative, sympy.Function):
        if not isinstance(made, sympy.Expr) or made.has(sympy.Integral, sympy.Derivative):
            return None
    return made if str(made) == str(again) or same(made, again) else None


def same(a, b):
    if isinstance(a, sympy.Equality) or isinstance(b, sympy.Equality):
        return isinstance(a, sympy.Equality) and isinstance(b, sympy.Equality) and same(a.lhs, b.lhs) and same(a.rhs, b.rhs)
    names = sorted(a.free_symbols | b.free_symbols, key=str)
    for point in (0.37, 1.61, 2.83):
        values = {name: point + 0.211 * i for i, name in enumerate(names)}
        try:
            x, y = complex(a.subs(values).evalf(30)), complex(b.subs(values).evalf(30))
        except Exception:
            return False
        if abs(x - y) > 1e-9 * max(1, abs(x)):
            return False
    return True


CHANGES = [sympy.expand, sympy.factor, sympy.together, sympy.apart, sympy.radsimp, sympy.expand_trig, sympy.expand_log,
           sympy.powsimp, sympy.cancel, sympy.trigsimp, sympy.simplify]


def rewritten(expression, draw):
    if isinstance(expression, sympy.Equality):
        other = rewritten(expression.rhs, draw)
        return None if other is None else sympy.Eq(expression.lhs, other, evaluate=False)
    for change in draw.sample(CHANGES, len(CHANGES)):
        try:
            other = change(expression)
        except Exception:
            continue
        if isinstance(other, sympy.Expr) and str(other) != str(expression) and same(expression, other):
            return other
    shift = draw.randint(2, 9)  # nothing to change: a sum
    other = sympy.Add(expression + shift, -shift, evaluate=False)
    return other if str(other) != str(expression) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("retort")
    parser.add_argument("data")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    with open(os.path.join(args.data, "golds.jsonl")) as file:
        golds = [json.loads(line)["gold"] for line in file]
    draw = random.Random(args.seed)
    draw.shuffle(golds)
    rows = []
    for gold in golds:
        if len(rows) == args.count:
            break
        made = read(gold)
        other = None if made is None else rewritten(made, draw)
        if other is not None:
            rows.append({"gold": gold, "response": "\\boxed{" + sympy.latex(other) + "}"})
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "in.jsonl"), os.path.join(folder, "out.jsonl")
        with open(source, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        subprocess.run([args.retort, "score", source, "--answer", "gold", "--response", "response", "--out", target, "--json"],
                       check=True, stdout=subprocess.DEVNULL)
        with open(target) as file:
            verdicts = [json.loads(line) for line in file]
    right = sum(v["verdict"] == "right" for v in verdicts)
    print(json.dumps({"rewritten": len(rows), "right": right, "share": round(right / max(1, len(rows)), 4)}))
    if args.list:
        for row, v in zip(rows, verdicts):
            if v["verdict"] != "right":
                print(v["reason"], "|", row["gold"], "|", row["response"])
    return 0 if right >= 0.97 * len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
