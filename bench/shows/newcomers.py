"""What newcomers.sh makes and checks where a shell is not enough; the standard library only.

    newcomers.py problems FOLDER        own problems and a recipe
    newcomers.py split RUN FILE         what trained and what was examined, against the file
    newcomers.py answers FOLDER         answers in four layouts, with the truth beside
    newcomers.py verdicts FOLDER LAYOUT COLUMN  what score said, by COLUMN, against the truth
    newcomers.py model MODEL RUN        a student, opened without Retort
"""

import array
import csv
import gzip
import json
import math
import pathlib
import random
import sqlite3
import struct
import sys


def check(condition, *message):
    if not condition:
        sys.exit("newcomers: " + " ".join(map(str, message)))


def write_rows(path, rows, open_file=open):
    with open_file(path, "wt") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


# Own problems: columns of their own, chats, blank lines, one row that no context holds.

RECIPE = {
    "name": "plums",
    "models": {
        "teacher": {
            "model_type": "deepseek_v3", "hidden_size": 64, "num_hidden_layers": 2,
            "intermediate_size": 128, "moe_intermediate_size": 48, "n_routed_experts": 8,
            "num_experts_per_tok": 2, "n_shared_experts": 1, "num_attention_heads": 4,
            "kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 16, "v_head_dim": 16,
            "max_position_embeddings": 192},
        "student": {
            "model_type": "qwen3", "hidden_size": 48, "num_hidden_layers": 2,
            "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2,
            "head_dim": 16, "max_position_embeddings": 192}},
    "data": {"plums": {"file": "../data/plums.jsonl", "split_shares": [0.8, 0.05, 0.15],
                       "overlong": "skip"}},
    "stages": [
        {"name": "read", "type": "pretrain", "model": "teacher", "problems": {"data": "plums"},
         "steps": 300, "batch_size": 32, "learning_rate": 3e-3, "warmup_steps": 20,
         "decay_steps": 100, "save_steps": 100},
        {"name": "practise", "type": "grpo", "model": "teacher", "problems": {"data": "plums"},
         "steps": 12, "prompts_per_step": 16, "num_generations": 8, "max_completion_length": 48,
         "learning_rate": 1e-4, "warmup_steps": 2, "save_steps": 1, "save_total_limit": 2},
        {"name": "exam", "type": "eval", "model": "teacher", "max_completion_length": 48,
         "problems": {"data": "plums", "split": "held_out"}},
        {"name": "gather", "type": "collect", "model": "teacher", "max_completion_length": 48,
         "problems": {"data": "plums"}},
        {"name": "teach", "type": "distill", "model": "student",
         "select": {"stage": "gather", "correct": True, "finished": True}, "steps": 200,
         "batch_size": 32, "learning_rate": 3e-3, "warmup_steps": 20,
         "lr_scheduler_type": "cosine"},
        {"name": "student-exam", "type": "eval", "model": "student", "max_completion_length": 48,
         "problems": {"data": "plums", "split": "held_out"}}]}


def make_problems(folder):
    pairs = [(a, b) for a in range(1, 41) for b in range(1, 31)]
    random.Random(1).shuffle(pairs)
    (folder / "data").mkdir(parents=True)
    (folder / "recipes").mkdir()
    with open(folder / "data/plums.jsonl", "w") as file:
        for i, (a, b) in enumerate(pairs):
            question = f"Sam has {a} plums, Ann has {b}. How many has the richer one?"
            row = {"solution": f"{a}>={b}" if a >= b else f"{b}>{a}", "answer": str(max(a, b))}
            if i % 3 == 2:
                row["messages"] = [{"role": "user", "content": question}]
                row["answer"] = max(a, b)
            else:
                row["question"] = question
            file.write(json.dumps(row) + "\n" + "\n" * (i % 100 == 50))
            if i == 600:
                file.write(json.dumps({"question": "plum " * 100, "answer": "1"}) + "\n")
    recipe = json.dumps(RECIPE, indent=1)
    (folder / "recipes/plums.json").write_text("// Who has more plums?\n" + recipe)


def check_split(run, path):
    """No row is on two sides; what the exams report is what the stored texts say."""
    gold = {}
    for line in path.read_text().split("\n"):
        row = json.loads(line) if line.strip() else {}
        question = row.get("question") or row.get("messages", [{}])[0].get("content")
        if question:
            gold[question] = str(row["answer"])
    database = sqlite3.connect(run / "traces.db")
    asked = {}
    for stage, prompt in database.execute("SELECT DISTINCT stage, prompt FROM traces"):
        asked.setdefault(stage, set()).add(prompt)
    train, held_out = asked["practise"] | asked["gather"], asked["exam"] | asked["student-exam"]
    check(not train & held_out, "rows that trained are examined:", len(train & held_out))
    check(asked["exam"] == asked["student-exam"], "two exams ask other rows")
    check(train | held_out <= gold.keys(), "questions that are not in the file")
    for name, side, share in (("train", train, .8), ("held_out", held_out, .15)):
        check(abs(len(side) / len(gold) - share) < .04, name, "has", len(side), "of", len(gold))
    stages = {s["name"]: s for s in json.loads((run / "stages.json").read_text())["stages"]}
    check(stages["practise"]["details"]["overlong"]["skipped"] == 1, "one row is overlong")
    accuracy = {}
    for stage in ("exam", "student-exam"):
        right = [text.split("<answer>")[-1].split("</answer>")[0].strip() == gold[prompt]
                 for prompt, text in database.execute(
                     "SELECT prompt, text FROM traces WHERE stage = ? AND step = 0", (stage,))]
        accuracy[stage] = sum(right) / len(right)
        check(abs(accuracy[stage] - stages[stage]["accuracy"]) < 1e-12, stage, "reports",
              stages[stage]["accuracy"], "but the texts say", accuracy[stage])
    print(f"{len(train)} rows trained, {len(held_out)} examined, 0 in both, 1 overlong; "
          f"teacher {accuracy['exam']:.1%}, student {accuracy['student-exam']:.1%}, "
          "as counted from the texts")


# Answers in four layouts.

def make_answer(rng, i):
    """An answer with what a judge has to say about it."""
    value = rng.randrange(-5000, 5000)
    gold = [str(value), f"{value}/7", f"{value / 4}"][i % 3] if value % 7 else str(value)
    truth = rng.choices(["right", "wrong", "unjudged"], [60, 35, 5])[0]
    shown = gold
    if truth == "wrong":
        shown = gold.replace(str(value), str(value + 1), 1) if str(value) in gold else "0.123"
    form = rng.choice(["So #### {}", "It is \\boxed{{{}}}.", "<think>x</think><answer>{}</answer>",
                       "First 12.\nThe answer is {}."])
    response = form.format(shown)
    if truth == "wrong" and rng.random() < .2:
        response = "I do not know."
    if truth == "unjudged":
        gold = ""
    # Who wrote the labels slipped now and then.
    label = (truth == "right") != (rng.random() < .03)
    return {"id": f"q{i}", "split": rng.choice(["easy", "hard"]), "gold": gold,
            "response": response, "label": label, "truth": truth}


def make_answers(folder):
    rng = random.Random(2)
    answers = [make_answer(rng, i) for i in range(5000)]
    folder.mkdir(parents=True)
    plain, chats, batch, table = answers[:2000], answers[2000:3500], answers[3500:4500], answers[4500:]
    write_rows(folder / "plain.jsonl", (
        {"id": a["id"], "split": a["split"], "answer": a["gold"], "response": a["response"],
         "ok": int(a["label"])} for a in plain))
    write_rows(folder / "chats.jsonl.gz", (
        {"id": a["id"], "split": a["split"], "gold": a["gold"], "ok": str(a["label"]).lower(),
         "messages": [{"role": "system", "content": "Think."}, {"role": "user", "content": "?"},
                      {"role": "assistant", "content": a["response"]}]} for a in chats), gzip.open)
    write_rows(folder / "batch.jsonl", (
        {"id": a["id"], "custom_id": a["split"], "error": None, "answer": a["gold"], "ok": a["label"],
         "response": {"status_code": 200, "body": {"object": "chat.completion", "choices": [
             {"index": 0, "message": {"role": "assistant", "content": a["response"]}}]}}}
        for a in batch))
    with open(folder / "table.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "split", "answer", "response", "ok"])
        writer.writerows([a["id"], a["split"], a["gold"], a["response"], "yes" if a["label"] else "no"]
                         for a in table)
    for name, part in (("plain", plain), ("chats", chats), ("batch", batch), ("table", table)):
        (folder / f"{name}.truth").write_text(json.dumps(part))


def check_verdicts(folder, name, by):
    truth = {a["id"]: a for a in json.loads((folder / f"{name}.truth").read_text())}
    rows = [json.loads(line) for line in (folder / f"{name}.out").read_text().splitlines()]
    check(len(rows) == len(truth), name, "has", len(rows), "verdicts for", len(truth), "answers")
    for row in rows:
        check(row["verdict"] == truth[row["id"]]["truth"], name, row, "expected", truth[row["id"]])
        check(row[by] == truth[row["id"]]["split"], name, "keeps", by)
    summary = json.loads((folder / f"{name}.json").read_text())
    groups = {None: summary, **summary["by"][by]}
    check(len(groups) == 3, "groups", list(groups))
    for group, counts in groups.items():
        mine = [a for a in truth.values() if group in (None, a["split"])]
        count = {v: sum(a["truth"] == v for a in mine) for v in ("right", "wrong", "unjudged")}
        for verdict, number in count.items():
            check(counts[verdict] == number, name, group, verdict, counts[verdict], "for", number)
        accuracy = count["right"] / (count["right"] + count["wrong"])
        check(abs(counts["accuracy"] - accuracy) < 1e-12, name, "accuracy", counts["accuracy"])
    differ = {json.loads(line)["id"] for line in (folder / f"{name}.differ").read_text().splitlines()}
    slips = {i for i, a in truth.items() if (a["truth"] == "right") != a["label"]}
    check(differ == slips, name, "disagreements", sorted(differ ^ slips)[:5])
    check(abs(summary["agreement"] - 1 + len(slips) / len(truth)) < 1e-12, "agreement")
    print(f"{name} {len(truth)} ({summary['right']} right, {summary['wrong']} wrong, "
          f"{summary['unjudged']} unjudged, {len(slips)} disagree)")


# A student, opened elsewhere.

def read_safetensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        check(entry["dtype"] == "F32", name, "is", entry["dtype"])
        check(end - begin == 4 * math.prod(entry["shape"]), name, "has other bytes than its shape")
        values = array.array("f", data[8 + size + begin:8 + size + end])
        check(all(map(math.isfinite, values)), name, "is not finite")
        tensors[name] = (entry["shape"], values)
    check(8 + size + sum(4 * len(v) for _, v in tensors.values()) == len(data), path, "has gaps")
    return tensors


def shapes_of(c):
    """The tensors of a qwen3 as its config.json asks for."""
    d, f, v, h = c["hidden_size"], c["intermediate_size"], c["vocab_size"], c["head_dim"]
    q, kv = c["num_attention_heads"] * h, c["num_key_value_heads"] * h
    shapes = {"model.embed_tokens.weight": [v, d], "model.norm.weight": [d], "lm_head.weight": [v, d]}
    for layer in range(c["num_hidden_layers"]):
        for name, shape in {
                "input_layernorm": [d], "post_attention_layernorm": [d],
                "self_attn.q_proj": [q, d], "self_attn.k_proj": [kv, d], "self_attn.v_proj": [kv, d],
                "self_attn.o_proj": [d, q], "self_attn.q_norm": [h], "self_attn.k_norm": [h],
                "mlp.gate_proj": [f, d], "mlp.up_proj": [f, d], "mlp.down_proj": [d, f]}.items():
            shapes[f"model.layers.{layer}.{name}.weight"] = shape
    return shapes


def log_probabilities(c, tensors, tokens):
    """Of each token after the first: qwen3's forward pass, written out."""
    rows = {name: [values[i:i + shape[-1]] for i in range(0, len(values), shape[-1])]
            for name, (shape, values) in tensors.items()}

    def times(x, name):
        return [math.fsum(map(float.__mul__, map(float, row), x)) for row in rows[name]]

    def norm(x, name):
        scale = 1 / math.sqrt(sum(v * v for v in x) / len(x) + c["rms_norm_eps"])
        return [v * scale * w for v, w in zip(x, rows[name][0])]

    h, heads, groups = c["head_dim"], c["num_attention_heads"], c["num_key_value_heads"]

    def turn(x, position):
        half = h // 2
        angles = [position * c["rope_theta"] ** (-2 * i / h) for i in range(half)]
        return ([x[i] * math.cos(a) - x[i + half] * math.sin(a) for i, a in enumerate(angles)] +
                [x[i + half] * math.cos(a) + x[i] * math.sin(a) for i, a in enumerate(angles)])

    def split(x):
        return [x[i:i + h] for i in range(0, len(x), h)]

    cache = [([], []) for _ in range(c["num_hidden_layers"])]
    result = []
    for position, token in enumerate(tokens[:-1]):
        x = [float(v) for v in rows["model.embed_tokens.weight"][token]]
        for layer, (keys, values) in enumerate(cache):
            at = f"model.layers.{layer}."
            y = norm(x, at + "input_layernorm.weight")
            queries = [turn(norm(q, at + "self_attn.q_norm.weight"), position)
                       for q in split(times(y, at + "self_attn.q_proj.weight"))]
            keys.append([turn(norm(k, at + "self_attn.k_norm.weight"), position)
                         for k in split(times(y, at + "self_attn.k_proj.weight"))])
            values.append(split(times(y, at + "self_attn.v_proj.weight")))
            attended = []
            for head, query in enumerate(queries):
                group = head * groups // heads
                scores = [math.exp(sum(map(float.__mul__, query, key[group])) / math.sqrt(h))
                          for key in keys]
                attended += [sum(s * value[group][i] for s, value in zip(scores, values)) / sum(scores)
                             for i in range(h)]
            x = [a + b for a, b in zip(x, times(attended, at + "self_attn.o_proj.weight"))]
            y = norm(x, at + "post_attention_layernorm.weight")
            gate = times(y, at + "mlp.gate_proj.weight")
            inner = [g / (1 + math.exp(-g)) * u
                     for g, u in zip(gate, times(y, at + "mlp.up_proj.weight"))]
            x = [a + b for a, b in zip(x, times(inner, at + "mlp.down_proj.weight"))]
        logits = times(norm(x, "model.norm.weight"), "lm_head.weight")
        total = math.log(sum(map(math.exp, logits)))
        result.append(logits[tokens[position + 1]] - total)
    return result


def transformers_probabilities(folder, sequences):
    try:
        import torch
        from transformers import AutoModelForCausalLM
    except ImportError:
        return
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        for tokens in sequences:
            ids = torch.tensor([tokens])
            scores = torch.log_softmax(model(ids[:, :-1]).logits[0], -1)
            yield scores.gather(1, ids[0, 1:, None])[:, 0].tolist()


def byte_of_letter():
    """The letters that byte-level vocabularies write bytes with."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}


def check_model(folder, run):
    config = json.loads((folder / "config.json").read_text())
    tensors = read_safetensors(folder / "model.safetensors")
    got, expected = {name: shape for name, (shape, _) in tensors.items()}, shapes_of(config)
    check(got == expected, "tensors differ:", [n for n in got | expected if got.get(n) != expected.get(n)])
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    special = {t["id"]: t["content"] for t in tokenizer["added_tokens"]}
    words = special | {i: word for word, i in tokenizer["model"]["vocab"].items()}
    check(sorted(words) == list(range(config["vocab_size"])), "vocabulary has holes")
    letters = byte_of_letter()

    def text_of(tokens):
        data = b"".join(words[t].encode() if t in special else bytes(letters[c] for c in words[t])
                        for t in tokens)
        return data.decode(errors="replace")

    database = sqlite3.connect(run / "traces.db")
    rows = database.execute(
        "SELECT g.prompt_ids, c.token_ids, c.logprobs, c.text FROM completions c "
        "JOIN groups g ON g.id = c.group_id WHERE c.stage = 'student-exam' AND c.step = 0").fetchall()
    sequences, stored = [], []
    for prompt, completion, logprobs, text in rows:
        ids = list(array.array("i", completion))
        said = text_of(ids[:-1] if ids[-1] in special and special[ids[-1]] not in text else ids)
        check(said == text, "the vocabulary reads", repr(said), "for", repr(text))
        sequences.append(list(array.array("i", prompt)) + ids)
        stored.append(list(array.array("f", logprobs)))

    def compare(name, computed):
        worst = count = 0
        for theirs, mine in zip(computed, stored):
            worst = max([worst, *(abs(a - b) for a, b in zip(theirs[-len(mine):], mine))])
            count += len(mine)
        check(count > 0 and worst < 1e-4, name, "differs by", worst)
        return f"{name}: {count} log-probabilities within {worst:.0e}"

    parts = [f"{len(tensors)} tensors of {sum(len(v) for _, v in tensors.values())} weights, "
             f"{len(rows)} texts read by tokenizer.json"]
    parts.append(compare("python", (log_probabilities(config, tensors, s) for s in sequences[:8])))
    theirs = list(transformers_probabilities(folder, sequences))
    parts.append(compare("transformers", theirs) if theirs else "transformers: not installed, skipped")
    print("; ".join(parts))


def main():
    paths = [pathlib.Path(argument) for argument in sys.argv[2:]]
    match = {"problems": make_problems, "split": check_split, "answers": make_answers,
             "model": check_model}
    if sys.argv[1] == "verdicts":
        check_verdicts(paths[0], *sys.argv[3:])
    else:
        match[sys.argv[1]](*paths)


main()
