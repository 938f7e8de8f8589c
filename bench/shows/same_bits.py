"""What same_bits.sh compares.

    same_bits.py turns < RESOLVED_CODE_MINI        a recipe with second turns
    same_bits.py compare NAME OLD_RUN NEW_RUN

Intended differences between schemas, so that databases of any of them can be compared:
- schema 2 stored a second turn under a problem of its own, whose extra.revision said where the question
  ends and what the user says to the answer, and its first turn as part of the prompt; later schemas store
  both turns as one trajectory and the user's words as the trace's feedback. Compared are the question's
  ids, all ids after it, the log-probabilities of the last answer, the text and the feedback;
- ids and fingerprints of problems, ids of groups and traces, and numbers that are times are not compared.
"""

import glob
import hashlib
import json
import os
import sqlite3
import struct
import sys


def turns():
    recipe = json.load(sys.stdin)
    recipe["name"] = "turns"
    stages = [s for s in recipe["stages"] if s["type"] == "pretrain"]
    stages[0].update(steps=300, decay_steps=100)
    problems = dict(stages[0]["problems"], split="train")
    problems["generator"] = dict(problems["generator"], count=60)
    reward = next(s["reward"] for s in recipe["stages"] if s["type"] == "grpo")
    stages.append({"name": "gather", "type": "collect", "model": stages[0]["model"], "revision": True, "samples": 2,
                   "prompts_per_step": 20, "max_completion_length": 60, "problems": problems, "reward": reward})
    for which in ("last", "all"):
        stages.append({"name": "learn-" + which, "type": "distill", "model": stages[0]["model"], "turns": which,
                       "steps": 4, "batch_size": 8, "select": {"stage": "gather/revision"}})
    recipe["stages"] = stages
    json.dump(recipe, sys.stdout)


def numbers(blob, kind):
    return struct.unpack(f"<{len(blob) // struct.calcsize(kind)}{kind}", blob)


def rows_of(run):
    database = sqlite3.connect(f"file:{run}/traces.db?mode=ro", uri=True)
    schema = database.execute("PRAGMA user_version").fetchone()[0]
    yield from (("run", name, json.loads(recipe)["stages"]) for name, recipe in
                database.execute("SELECT name, recipe FROM runs ORDER BY id"))
    yield from (("step", *row) for row in database.execute(
        "SELECT stage_index, step, stage FROM steps ORDER BY stage_index, step"))
    yield from (("metric", *row) for row in database.execute(
        "SELECT stage_index, step, name, value FROM metrics WHERE name NOT LIKE '%time%' "
        "ORDER BY stage_index, step, name"))
    later = ", c.said, c.feedback" if schema >= 3 else ", NULL, NULL"
    order = {}
    for row in database.execute(
            "SELECT c.id, c.stage_index, c.stage, c.step, c.sample, p.problem_id, p.family, p.prompt, p.answer, "
            "p.solution, p.canonical, p.difficulty, p.extra, g.prompt_ids, c.token_ids, c.logprobs, c.experts, c.text, "
            f"c.finish, c.length, c.reward, c.advantage, c.policy_version{later} FROM completions c "
            "JOIN groups g ON g.id = c.group_id JOIN problems p ON p.id = g.problem ORDER BY c.id"):
        (ident, stage_index, stage, step, sample, *problem, extra, prompt, ids, logprobs, experts, text, finish, length,
         reward, advantage, version, said, feedback) = row
        order[ident] = len(order)
        extra = json.loads(extra)
        prompt, ids, logprobs = numbers(prompt, "i"), numbers(ids, "i"), numbers(logprobs, "f")
        revision = extra.pop("revision", None)
        if revision:
            question = revision["prompt_tokens"]
            prompt, ids, feedback = prompt[:question], prompt[question:] + ids, revision["feedback"]
        last = logprobs[-length:] if length else ()
        verdicts = database.execute("SELECT verifier, status, score, reason, extracted FROM verdicts "
                                    "WHERE completion = ? ORDER BY position", (ident,)).fetchall()
        yield ("trace", stage_index, stage, step, sample, *problem, json.dumps(extra, sort_keys=True), prompt, ids, last,
               experts, text, finish, length, reward, advantage, version, feedback, tuple(verdicts))
    for filters, ids, digest in database.execute("SELECT filter, ids, hash FROM selections ORDER BY id"):
        yield ("selection", filters, [order[i] for i in json.loads(ids)], digest)


def weights_of(run):
    for path in sorted(glob.glob(f"{run}/final*/model.safetensors") + glob.glob(f"{run}/*/model.safetensors")):
        with open(path, "rb") as file:
            yield os.path.relpath(path, run), hashlib.sha256(file.read()).hexdigest()


def compare(name, old, new):
    old_weights, new_weights = dict(weights_of(old)), dict(weights_of(new))
    different = [path for path in old_weights.keys() | new_weights.keys()
                 if old_weights.get(path) != new_weights.get(path)]
    old_rows, new_rows = list(rows_of(old)), list(rows_of(new))
    rows = [(a, b) for a, b in zip(old_rows, new_rows) if repr(a) != repr(b)]  # NaN is NaN
    same = not different and not rows and len(old_rows) == len(new_rows) and old_weights
    print(f"{name}: {'the same' if same else 'DIFFERENT'}: {len(new_weights)} files of weights, {len(new_rows)} rows of "
          f"the database ({sum(row[0] == 'trace' for row in new_rows)} traces)")
    for path in different:
        print(f"  weights differ: {path}")
    if len(old_rows) != len(new_rows):
        print(f"  {len(old_rows)} rows, now {len(new_rows)}")
    for before, after in rows[:3]:
        print(f"  was {before!r}"[:2000] + f"\n  now {after!r}"[:2000])
    return 0 if same else 1


if sys.argv[1] == "turns":
    turns()
else:
    sys.exit(compare(*sys.argv[2:]))
