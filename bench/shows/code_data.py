#!/usr/bin/env python3
"""Published code problems through `retort score --verifier code`, whole.

    bench/shows/code_data.py RETORT DATA [--set humaneval] [--mutants 3] [--threads 2]

DATA holds HumanEval.jsonl.gz, mbpp.jsonl and humaneval_cpp.jsonl (the data sets as published; one that is absent is
left out). Every reference has to be accepted. For HumanEval and MBPP, mutants of the reference (a changed constant, a
swapped operator, a wrong branch, a lost return value) are first run with the row's own tests by a plain Python, which
says whether they pass; the verifier has to agree on each. HumanEval in C++ has no references: a body is made of the
row's asserts ("if the arguments are these, return that"), and a second one that misses the last of them. Prints one
JSON object and the disagreements.
"""

import argparse
import ast
import concurrent.futures
import copy
import gzip
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile

# --- mutants ---

SWAPS = {ast.Add: [ast.Sub, ast.Mult], ast.Sub: [ast.Add], ast.Mult: [ast.Add], ast.FloorDiv: [ast.Mult],
         ast.Mod: [ast.Mult, ast.FloorDiv], ast.Div: [ast.Mult], ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt],
         ast.Gt: [ast.GtE, ast.Lt], ast.GtE: [ast.Gt], ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.In: [ast.NotIn],
         ast.NotIn: [ast.In], ast.And: [ast.Or], ast.Or: [ast.And]}


def others(node):
    """The node in other ways: a constant, an operator, a branch, a return value."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            return [ast.Constant(not node.value)]
        if isinstance(node.value, (int, float)):
            return [ast.Constant(node.value + 1), ast.Constant(node.value - 1)]
        if isinstance(node.value, str):
            return [ast.Constant(node.value + "x"), ast.Constant("")]
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return [node]
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)):
        return [replaced(node, "op", swap()) for swap in SWAPS.get(type(node.op), ())]
    if isinstance(node, ast.Compare):
        return [replaced(node, "ops", [swap()] + node.ops[1:]) for swap in SWAPS.get(type(node.ops[0]), ())]
    if isinstance(node, ast.Return) and node.value is not None:
        return [ast.Return(value) for value in (None, ast.Constant(0), ast.List([node.value], ast.Load()))]
    return []


def replaced(node, field, value):
    node = copy.copy(node)
    setattr(node, field, value)
    return node


class Change(ast.NodeTransformer):
    """Makes the n-th change there is."""

    def __init__(self, number):
        self.left = number

    def visit(self, node):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return node  # a docstring
        found = others(copy.deepcopy(node)) if self.left >= 0 else []
        if self.left < len(found) and found:
            other, self.left = found[self.left], -1
            return ast.copy_location(other, node)
        self.left -= len(found)
        return self.generic_visit(node)


def mutants(source, entry_point, seed):
    """Of the function that is asked for; of the whole program when the row names none."""
    tree = ast.parse(source)
    places = [i for i, node in enumerate(tree.body)
              if isinstance(node, ast.FunctionDef) and entry_point in ("", node.name)]
    programs = set()
    for place in places:
        number = 0
        while True:
            change, other = Change(number), copy.deepcopy(tree)
            other.body[place] = change.visit(other.body[place])
            if change.left >= 0:
                break
            programs.add(ast.unparse(ast.fix_missing_locations(other)))
            number += 1
    programs = sorted(programs)
    random.Random(seed).shuffle(programs)
    return programs


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))


def passes(program, tests):
    """What a plain Python says."""
    try:
        run = subprocess.run([sys.executable, "-I", "-S", "-"], input=f"{program}\n{tests}\nprint('ended')".encode(),
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20, preexec_fn=limit)
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0 and run.stdout.endswith(b"ended\n")


def with_mutants(row, source, tests, wanted):
    """The row with its reference, and with `wanted` mutants that fail, and the others met on the way."""
    rows = [{**row, "response": source, "label": True}]
    failing = 0
    for program in mutants(source, row.get("entry_point", ""), row["task_id"])[:60]:
        label = passes(program, tests)
        rows.append({**row, "response": program, "label": label})
        failing += not label
        if failing == wanted:
            break
    return rows, failing


# --- the sets ---


def human_eval(folder, wanted, pool):
    with gzip.open(os.path.join(folder, "HumanEval.jsonl.gz"), "rt") as file:
        rows = [json.loads(line) for line in file]
    return pool.map(lambda row: with_mutants(row, row["prompt"] + row["canonical_solution"],
                                             f"{row['test']}\ncheck({row['entry_point']})", wanted), rows)


def mbpp(folder, wanted, pool):
    with open(os.path.join(folder, "mbpp.jsonl")) as file:
        rows = [json.loads(line) for line in file]
    return pool.map(lambda row: with_mutants(row, row["code"], "\n".join([row["test_setup_code"]] + row["test_list"]),
                                             wanted), rows)


def split(text, opening, closing):
    """Cut at the commas outside brackets and texts."""
    parts, depth, quote, part, skip = [], 0, "", "", False
    for c in text:
        if skip:
            skip = False
        elif quote:
            skip = c == "\\"
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in opening + closing:
            depth += 1 if c in opening else -1
        elif c == "," and depth == 0:
            parts.append(part.strip())
            part = ""
            continue
        part += c
    return parts + [part.strip()] if part.strip() else parts


# Unions and std::any cannot be compared; right and wrong by hand.
BY_HAND = {
    "HumanEval_103_rounded_avg":
        ("if (n > m) return -1; long r = std::nearbyint((n + m) / 2.0); std::string s;"
         " for (; r; r /= 2) s.insert(s.begin(), char('0' + r % 2)); return std::string(\"0b\" + s);", "-1", "-2"),
    "HumanEval_125_split_words":
        ("std::vector<std::string> v; char c = txt.find(' ') != std::string::npos ? ' ' : ',';"
         " if (txt.find(c) != std::string::npos) { std::stringstream s(txt); std::string w;"
         " while (std::getline(s, w, c)) v.push_back(w); return v; }"
         " long n = 0; for (char x : txt) n += x >= 'a' && x <= 'z' && (x - 'a') % 2; return n;", "n = 0", "n = 1"),
    "HumanEval_22_filter_integers":
        ("std::vector<long> r; for (auto& v : values) if (v.type() == typeid(int))"
         " r.push_back(std::any_cast<int>(v)); return r;", "(int)", "(char)"),
    "HumanEval_137_compare_one": ("return 1L;", "1L", "2L"),
}


def cpp_bodies(row):
    if row["task_id"] in BY_HAND:
        right, old, new = BY_HAND[row["task_id"]]
        return right, right.replace(old, new)
    head = [line for line in row["prompt"].split("\n") if line.strip().endswith(") {")][-1]
    names = [part.split()[-1] for part in split(head[head.index("(") + 1 : head.rindex(")")], "<(", ">)")]
    lines = []
    for args, result in re.findall(r"assert\(candidate\((.*)\) == (.*)\);", row["tests"]):
        same = " && ".join(f"({n} == static_cast<decltype({n})>({v}))" for n, v in zip(names, split(args, "([{", ")]}")))
        lines.append(f"    if ({same}) return {result};")
    without_last = [line for line in lines if line != lines[-1]]
    return "\n".join(lines + ["    throw 1;"]), "\n".join(without_last + ["    throw 1;"])


def human_eval_cpp(folder, wanted, pool):
    with open(os.path.join(folder, "humaneval_cpp.jsonl")) as file:
        rows = [json.loads(line) for line in file]
    for row in rows:
        right, wrong = cpp_bodies(row)
        yield [{**row, "response": right, "label": True}, {**row, "response": wrong, "label": False}], 1


SETS = {"humaneval": ("HumanEval.jsonl.gz", human_eval), "mbpp": ("mbpp.jsonl", mbpp),
        "humaneval_cpp": ("humaneval_cpp.jsonl", human_eval_cpp)}


def score(retort, rows, threads):
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "rows.jsonl"), os.path.join(folder, "out.jsonl")
        with open(path, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        run = subprocess.run([retort, "score", path, "--verifier", "code", "--label", "label", "--out", out, "--json",
                              "--threads", str(threads)], stdout=subprocess.PIPE, check=True)
        with open(out) as file:
            return json.loads(run.stdout), [json.loads(line) for line in file]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retort")
    parser.add_argument("data")
    parser.add_argument("--set", choices=sorted(SETS), action="append")
    parser.add_argument("--mutants", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    result = {}
    for name in args.set or SETS:
        file, make = SETS[name]
        if not os.path.exists(os.path.join(args.data, file)):
            continue
        rows, failing = [], []
        with concurrent.futures.ThreadPoolExecutor(args.threads) as pool:
            for some, failures in make(args.data, args.mutants, pool):
                rows += some
                failing.append(failures)
        summary, verdicts = score(args.retort, rows, args.threads)
        others = [(row["task_id"], row["label"], verdict["verdict"], verdict["reason"][:200])
                  for row, verdict in zip(rows, verdicts) if (verdict["verdict"] == "right") != row["label"]]
        result[name] = {"problems": len(failing), "programs": len(rows), "labelled_right": sum(r["label"] for r in rows),
                        "problems_with_fewer_mutants": sum(f < args.mutants for f in failing) if "cpp" not in name else 0,
                        **{key: summary[key] for key in ("right", "wrong", "unjudged", "agreement", "seconds")},
                        "disagreements": others}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
