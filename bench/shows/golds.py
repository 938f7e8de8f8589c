#!/usr/bin/env python3
"""Gold answers of public benchmarks against themselves and against what has one thing changed.

    bench/shows/golds.py RETORT DATA [--seed 1] [--list] [--equal FILE]

DATA holds golds.jsonl (`set`, `id`, `gold`; other people's data, not part of this project). Every gold answer, said as
\\boxed{GOLD}, as <answer>GOLD</answer> and bare, has to be right or refused (bad-gold), never wrong. Then each is changed
in one place, several times: a digit, a sign, a name, a unit or an item of a list. None of those may be paid, but those
that a person looked at and found equal: FILE has their keys, one a line with the reason (golds_equal.txt beside this
script). Prints one JSON object; with --list the pairs that were paid and are not in FILE. Exit 1 where there are more
than the bars allow: anything wrong, over 2 % refused, over 8 % judged as text, over 0.05 % paid.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile

UNITS = [["cm", "mm", "km", "m"], ["hours", "minutes", "seconds", "days"], ["kg", "g", "mg"], ["dollars", "cents", "euros"],
         ["feet", "inches", "miles", "yards"], ["mph", "m/s"], ["degrees", "meters"], ["square feet", "square inches"]]


def digit(text, draw):
    places = [m.start() for m in re.finditer(r"\d", text)]
    if not places:
        return None
    at = draw.choice(places)
    return text[:at] + draw.choice([d for d in "123456789" if d != text[at]]) + text[at + 1:]


def sign(text, draw):
    places = [m.start() for m in re.finditer(r"[+\-]", text)]
    if places and draw.random() < 0.8:
        at = draw.choice(places)
        return text[:at] + ("-" if text[at] == "+" else "+") + text[at + 1:]
    places = [m.start() for m in re.finditer(r"(?<![\w.\\,{])\d", text)]
    if not places:
        return None
    at = draw.choice(places)
    return text[:at] + "-" + text[at:]


def name(text, draw):
    places = [m.start() for m in re.finditer(r"(?<![A-Za-z\\])[a-zA-Z](?![A-Za-z])", text)]
    if not places:
        return None
    at = draw.choice(places)
    others = [c for c in "abcdhkmnpqrstuvwxyz" if c not in text and c != text[at].lower()]
    return text[:at] + draw.choice(others) + text[at + 1:] if others else None


def unit(text, draw):
    for kind in draw.sample(UNITS, len(UNITS)):
        for one in kind:
            if re.search(r"(?<![A-Za-z\\])" + re.escape(one) + r"(?![A-Za-z])", text):
                other = draw.choice([u for u in kind if u != one])
                return re.sub(r"(?<![A-Za-z\\])" + re.escape(one) + r"(?![A-Za-z])", other, text, count=1)
    return None


def item(text, draw):
    parts = re.split(r"(,\s*|;\s*)", text)
    if len(parts) < 3 or re.search(r"\d,\d{3}", text):
        return None
    at = draw.randrange(0, len(parts), 2)
    if draw.random() < 0.5:  # drop it
        kept = parts[:at] + parts[at + 2:] if at + 1 < len(parts) else parts[:at - 1]
        return "".join(kept)
    other = draw.choice([i for i in range(0, len(parts), 2) if i != at])
    parts[at] = parts[other]  # say another twice
    return "".join(parts)


def nothing_new(gold, other):
    """-0 for 0, a dollar more, another alignment of columns: no change at all."""
    def plain(text):
        text = re.sub(r"\\begin\{array\}\{[^}]*\}", "", text).replace("$", "").replace(" ", "")
        return re.sub(r"[+\-]0(?![\d.])", "0", text)
    return plain(gold) == plain(other)


CHANGES = {"digit": (digit, 3), "sign": (sign, 2), "name": (name, 1), "unit": (unit, 1), "item": (item, 2)}


def changed(golds, seed):
    """(key, gold, other) for every change that made another text."""
    for row in golds:
        seen = {row["gold"]}
        for kind, (change, times) in CHANGES.items():
            draw = random.Random(f"{seed} {row['set']} {row['id']} {kind}")
            for n in range(times):
                other = change(row["gold"], draw)
                if other is None or other in seen or nothing_new(row["gold"], other):
                    continue
                seen.add(other)
                yield f"{row['set']}/{row['id']}/{kind}{n}", row["gold"], other


def score(retort, rows):
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "in.jsonl"), os.path.join(folder, "out.jsonl")
        with open(source, "w") as file:
            for gold, response in rows:
                file.write(json.dumps({"gold": gold, "response": response}) + "\n")
        subprocess.run([retort, "score", source, "--answer", "gold", "--response", "response", "--out", target, "--json"],
                       check=True, stdout=subprocess.DEVNULL)
        with open(target) as file:
            return [json.loads(line) for line in file]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("retort")
    parser.add_argument("data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--equal", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "golds_equal.txt"))
    args = parser.parse_args()
    with open(os.path.join(args.data, "golds.jsonl")) as file:
        golds = [json.loads(line) for line in file]
    with open(args.equal) as file:
        equal = {line.split()[0] for line in file if line.strip() and not line.startswith("#")}

    forms = [(g["gold"], form.replace("GOLD", g["gold"])) for g in golds
             for form in ("\\boxed{GOLD}", "<answer>GOLD</answer>", "GOLD")]
    verdicts = score(args.retort, forms)
    wrong = [(pair, v) for pair, v in zip(forms, verdicts) if v["verdict"] != "right" and v["reason"] != "bad-gold"]
    refused = sum(v["reason"] == "bad-gold" for v in verdicts) / len(verdicts)
    text = sum("/text/" in v["reason"] for v in verdicts) / len(verdicts)

    changes = list(changed(golds, args.seed))
    verdicts = score(args.retort, [(gold, "\\boxed{" + other + "}") for _, gold, other in changes])
    paid = [(change, v) for change, v in zip(changes, verdicts) if v["verdict"] == "right"]
    false = [(change, v) for change, v in paid if f"{args.seed}:{change[0]}" not in equal]
    unjudged = sum(v["verdict"] == "unjudged" and v["reason"] != "bad-gold" for v in verdicts)
    print(json.dumps({"golds": len(golds), "wrong": len(wrong), "refused": round(refused, 4), "text": round(text, 4),
                      "changed": len(changes), "paid": len(paid), "equal": len(paid) - len(false), "false": len(false),
                      "false_share": round(len(false) / len(changes), 6), "unjudged": unjudged}))
    if args.list:
        for (gold, response), v in wrong:
            print("WRONG", v["reason"], "|", gold, "|", response)
        for (key, gold, other), v in false:
            print(f"PAID {args.seed}:{key}", v["reason"], "|", gold, "|", other)
    return 1 if wrong or refused > 0.02 or text > 0.08 or len(false) > 0.0005 * len(changes) else 0


if __name__ == "__main__":
    sys.exit(main())
