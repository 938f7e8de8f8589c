"""What `pretrain` and `sft` learn from files of rows, beside transformers and PyTorch. Opt-in:

    python3 -m venv VENV && VENV/bin/pip install torch transformers tokenizers numpy
    VENV/bin/python tests/parity/text_parity.py RETORT [FOLDER…] [--tokenizer FOLDER] [--steps 10] [--megabytes 10]

A corpus is made of this project's documentation and sources and of the files in FOLDER…; a tiny Llama with random
weights is made by transformers, with a tokenizer trained on the corpus (or that of --tokenizer). Retort trains it on
documents, conversations and completions; `retort recipe batches` says which ids each step learned from. Two things are
held against each other:

- the ids and what is learned of them: every sequence must be one that transformers and TRL's rules make of a row;
- the training: PyTorch takes the same steps of AdamW with the same batches, and loss and gradient norm must agree.

Then `retort eval --perplexity` against the same sum in PyTorch, and a file of its own for each way to tell what the
assistant says: {% generation %} blocks, and none. Prints a line each and stops at the first difference.
"""

import argparse
import gzip
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

transformers.utils.logging.disable_progress_bar()
LOSS_TOLERANCE = 1e-4
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
END = "<|endoftext|>"
SPECIAL = [END, "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]
CHATML = ("{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}TURN{%- endfor %}"
          "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{%- endif %}")
TURN = "{{ m.content + '<|im_end|>\\n' }}"
PREFIXES = CHATML.replace("TURN", TURN)
BLOCKS = CHATML.replace("TURN", "{%- if m.role == 'assistant' %}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}"
                        "{{ '\\n' }}{%- else %}" + TURN + "{%- endif %}")


def documents(folders, limit):
    """Texts of the documentation, the sources and the folders' files, up to `limit` bytes, each once."""
    paths = sorted(SOURCE.glob("*.md")) + sorted(SOURCE.glob("docs/*.md")) + sorted(SOURCE.rglob("*.h"))
    for folder in folders:
        paths += sorted(path for path in folder.rglob("*") if path.is_file())
    paths += sorted(SOURCE.rglob("*.cpp"))
    size = 0
    for path in paths:
        if "build" in path.relative_to(SOURCE).parts if path.is_relative_to(SOURCE) else False:
            continue
        try:
            raw = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
            text = raw.decode()
        except UnicodeDecodeError:
            continue
        # The lines of data are documents of their own.
        for part in text.split("\n") if ".jsonl" in path.name else [text]:
            if not part.strip():
                continue
            if size + len(part) > limit:
                return
            size += len(part.encode())
            yield part


def pairs(folders):
    """Questions and answers."""
    found = [{"question": f"What is {i} + {i * 7 % 13}?", "answer": f"{i} and {i * 7 % 13} make {i + i * 7 % 13}."}
             for i in range(400)]
    for folder in folders:
        for path in sorted(folder.rglob("gsm8k_t*.jsonl")):
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            found += [{"question": row["question"], "answer": row["answer"]} for row in rows if "question" in row]
    return found


def make_tokenizer(folder, texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=2000, special_tokens=SPECIAL, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END).save_pretrained(folder)


def make_model(folder, tokenizer):
    torch.manual_seed(0)
    size = (len(tokenizer) + 7) // 8 * 8
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=size, hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=False, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, initializer_range=0.06))
    model.float().save_pretrained(folder)


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


# What TRL's SFTTrainer makes of a row: ids, and which are learned.

def of_text(tokenizer, row):
    text = row["text"] if row["text"].endswith(tokenizer.eos_token) else row["text"] + tokenizer.eos_token
    ids = tokenizer(text)["input_ids"]
    return ids, [1] * len(ids)


def of_completion(tokenizer, row):
    if isinstance(row["prompt"], list):
        prompt = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=True)["input_ids"]
        ids = tokenizer.apply_chat_template(row["prompt"] + row["completion"], return_dict=True)["input_ids"]
    else:
        prompt = tokenizer(row["prompt"])["input_ids"]
        ids = tokenizer(row["prompt"] + row["completion"] + tokenizer.eos_token)["input_ids"]
    assert ids[:len(prompt)] == prompt
    return ids, [0] * len(prompt) + [1] * (len(ids) - len(prompt))


def of_messages(tokenizer, row):
    if "endgeneration" in tokenizer.chat_template:
        out = tokenizer.apply_chat_template(row["messages"], return_dict=True, return_assistant_tokens_mask=True)
        return out["input_ids"], out["assistant_masks"]
    ids = tokenizer.apply_chat_template(row["messages"], return_dict=True)["input_ids"]
    learned = [0] * len(ids)
    for i, message in enumerate(row["messages"]):
        if message["role"] == "assistant":
            begin = tokenizer.apply_chat_template(row["messages"][:i], add_generation_prompt=True)["input_ids"]
            end = tokenizer.apply_chat_template(row["messages"][:i + 1])["input_ids"]
            learned[len(begin):len(end)] = [1] * (len(end) - len(begin))
    return ids, learned


def sequences(rows, tokenizer, form, options):
    """All that could be learned from, as (ids, learned)."""
    made = [form(tokenizer, row) for row in rows]
    length = options["max_length"]
    if not options.get("packing"):
        cut = [(ids[:length], learned[:length]) for ids, learned in made]
        return [pair for pair in cut if any(pair[1][1:])]
    assert options["packing_strategy"] == "wrapped"
    all_ids = [i for ids, _ in made for i in ids]
    starts = {0}
    for ids, _ in made:
        starts.add(max(starts) + len(ids))
    found = []
    for begin in range(0, len(all_ids), length):
        end = min(begin + length, len(all_ids))
        cuts = [begin] + [i for i in range(begin + 1, end) if i in starts] * options["document_mask"] + [end]
        for a, b in zip(cuts, cuts[1:]):
            if b - a > 1:
                found.append((all_ids[a:b], [1] * (b - a)))
    return found


def key(ids, learned):
    return (tuple(ids), tuple(int(flag) for flag in learned[1:]))  # the first is never predicted


class Twin:
    """The same training in PyTorch."""

    def __init__(self, folder, stage):
        self.model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        matrices = [p for p in self.model.parameters() if p.dim() >= 2]
        others = [p for p in self.model.parameters() if p.dim() < 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": stage["weight_decay"]}, {"params": others, "weight_decay": 0.0}],
            lr=stage["learning_rate"], betas=(stage["adam_beta1"], stage["adam_beta2"]), eps=stage["adam_epsilon"])
        self.max_norm = stage["max_grad_norm"]

    def nats(self, batch):
        """Sum of -log p over the learned tokens, and how many they are."""
        width = max(len(ids) for ids, _ in batch)
        tokens = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in batch])
        mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in batch])
        labels = torch.tensor([[i if flag else -100 for i, flag in zip(ids, learned)] + [-100] * (width - len(ids))
                               for ids, learned in batch])
        logits = self.model(tokens, attention_mask=mask).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(),
                                                 ignore_index=-100, reduction="sum")
        return loss, int((labels[:, 1:] != -100).sum())

    def step(self, batch):
        self.optimizer.zero_grad()
        nats, count = self.nats(batch)
        loss = nats / count
        loss.backward()
        norm = sum(p.grad.double().pow(2).sum() for p in self.model.parameters()).sqrt()
        torch.nn.utils.clip_grads_with_norm_(self.model.parameters(), self.max_norm, norm.float())
        self.optimizer.step()
        return loss.item(), norm.item()


class Comparison:
    def __init__(self, options, work):
        self.retort, self.work, self.steps = options.retort, work, options.steps

    def run(self, *words):
        done = subprocess.run([self.retort, *words], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"retort {' '.join(words)}: {done.stderr}")
        return done.stdout

    def train(self, name, model, kind, rows, form, **options):
        tokenizer = AutoTokenizer.from_pretrained(model)
        stage = {"name": "learn", "type": kind, "train_files": [write_rows(self.work / f"{name}.jsonl", rows)],
                 "steps": self.steps, "batch_size": 8, "logging_steps": 1, "learning_rate": 1e-3, "warmup_steps": 0,
                 "max_length": 256, "save_steps": 0, **options}
        recipe = self.work / f"{name}.json"
        recipe.write_text(json.dumps({"name": name, "prompt_template": "chat" if form is of_messages else "short",
                                      "models": {"model": {"path": str(model)}}, "stages": [stage]}))
        resolved = json.loads(self.run("recipe", "show", str(recipe), "--resolved"))["stages"][0]
        self.run("run", str(recipe), "--out", str(self.work / f"run-{name}"))
        lines = self.run("recipe", "batches", str(recipe), "--stage", "learn", "--steps", str(self.steps))
        batches = {}
        for line in map(json.loads, lines.splitlines()):
            batches.setdefault(line["step"], []).append((line["ids"], line["learned"]))
        self.compare_ids(name, batches, rows, tokenizer, form, resolved)
        metrics = [json.loads(line) for line in (self.work / f"run-{name}" / "metrics.jsonl").read_text().splitlines()]
        twin, worst, worst_norm = Twin(model, resolved), 0, 0
        for step in range(self.steps):
            loss, norm = twin.step(batches[step])
            got = metrics[step]
            worst = max(worst, abs(loss - got["loss"]))
            worst_norm = max(worst_norm, abs(norm - got["grad_norm"]) / norm)
            if not worst <= LOSS_TOLERANCE:
                sys.exit(f"{name}, step {step}: loss {got['loss']} in Retort, {loss} in PyTorch")
        learned = sum(sum(flags[1:]) for batch in batches.values() for _, flags in batch)
        print(f"{name}: {self.steps} steps, {sum(map(len, batches.values()))} sequences, {learned} learned tokens; loss "
              f"{metrics[0]['loss']:.4f} to {metrics[-1]['loss']:.4f}, largest difference {worst:.1e}; of the gradient "
              f"norm {worst_norm:.1e} of it", flush=True)

    def compare_ids(self, name, batches, rows, tokenizer, form, options):
        if options["fim_rate"] > 0:
            begin = tokenizer.convert_tokens_to_ids("<|fim_prefix|>")
            moved = sum(ids[0] == begin for batch in batches.values() for ids, _ in batch)
            total = sum(map(len, batches.values()))
            print(f"{name}: {moved} of {total} sequences begin with the prefix mark, fim_rate {options['fim_rate']}")
            texts = {row["text"] for row in rows}
            marks = [tokenizer.convert_tokens_to_ids(mark) for mark in SPECIAL[3:]]
            for ids, _ in (pair for batch in batches.values() for pair in batch):
                if ids[0] != begin or ids[-1] != tokenizer.eos_token_id:
                    continue
                a, b = ids.index(marks[1]), ids.index(marks[2])
                prefix, suffix, middle = (tokenizer.decode(part) for part in (ids[1:a], ids[a + 1:b], ids[b + 1:-1]))
                if prefix + middle + suffix not in texts:
                    sys.exit(f"{name}: prefix, middle and suffix are no document: {prefix!r} {middle!r} {suffix!r}")
            return
        expected = {key(*pair) for pair in sequences(rows, tokenizer, form, options)}
        for step, batch in batches.items():
            for ids, learned in batch:
                if key(ids, learned) not in expected:
                    sys.exit(f"{name}, step {step}: no row gives {ids} with {learned} learned:\n{tokenizer.decode(ids)}")

    def perplexity(self, model, text):
        path = self.work / "held-out.txt"
        path.write_text(text)
        got = json.loads(self.run("eval", str(model), "--perplexity", str(path), "--max-length", "200", "--json"))["files"][0]
        tokenizer = AutoTokenizer.from_pretrained(model)
        before = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        ids = [before] + tokenizer(text)["input_ids"]
        twin = LlamaForCausalLM.from_pretrained(model, dtype=torch.float32)
        nats, begin = 0.0, 1
        while begin < len(ids):  # 200 predictions at a time, the last window with as much context as there is
            end = min(begin + 200, len(ids))
            start = max(0, end - 201)
            with torch.no_grad():
                logits = twin(torch.tensor([ids[start:end - 1]])).logits[0]
            logprobs = torch.log_softmax(logits, -1)
            for i in range(begin, end):
                nats -= logprobs[i - 1 - start, ids[i]].item()
            begin = end
        want = {"tokens": len(ids) - 1, "bytes": len(text.encode()), "loss": nats / (len(ids) - 1)}
        want["perplexity"] = math.exp(want["loss"])
        want["bits_per_byte"] = nats / math.log(2) / want["bytes"]
        for name, value in want.items():
            if not abs(got[name] - value) <= LOSS_TOLERANCE * max(1, abs(value)):
                sys.exit(f"eval --perplexity: {name} is {got[name]} in Retort, {value} in PyTorch")
        print(f"eval --perplexity: {want['tokens']} tokens, loss {got['loss']:.6f} ({want['loss']:.6f}), perplexity "
              f"{got['perplexity']:.3f}, {got['bits_per_byte']:.5f} bits per byte ({want['bits_per_byte']:.5f})")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("retort")
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    parser.add_argument("--tokenizer", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--megabytes", type=float, default=10)
    options = parser.parse_args()
    texts = list(documents(options.folders, int(options.megabytes * 1e6)))
    print(f"corpus: {len(texts)} documents, {sum(len(text.encode()) for text in texts) / 1e6:.1f} MB")
    asked = pairs(options.folders)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        model, blocks = work / "model", work / "blocks"
        if options.tokenizer:
            AutoTokenizer.from_pretrained(options.tokenizer).save_pretrained(model)
        else:
            make_tokenizer(model, texts)
        tokenizer = AutoTokenizer.from_pretrained(model)
        tokenizer.chat_template = PREFIXES
        tokenizer.save_pretrained(model)
        make_model(model, tokenizer)
        tokenizer.chat_template = BLOCKS
        tokenizer.save_pretrained(blocks)
        for path in model.glob("*"):
            if not (blocks / path.name).exists():
                os.link(path, blocks / path.name)

        compare = Comparison(options, work)
        rows = [{"text": text} for text in texts]
        packed = {"packing": True, "packing_strategy": "wrapped"}
        compare.train("text, one sequence each", model, "pretrain", rows, of_text)
        compare.train("text, packed, documents masked", model, "pretrain", rows, of_text, document_mask=True, **packed)
        compare.train("text, packed, one text", model, "pretrain", rows, of_text, document_mask=False, **packed)
        if tokenizer.convert_tokens_to_ids(SPECIAL[3]) not in (None, tokenizer.unk_token_id):
            compare.train("text, fill in the middle", model, "pretrain", rows, of_text, fim_rate=0.5)

        def turn(pair):
            return [{"role": "user", "content": pair["question"]}, {"role": "assistant", "content": pair["answer"]}]

        talks = [{"messages": turn(a) + turn(b)} for a, b in zip(asked[::2], asked[1::2])]
        compare.train("messages, generation blocks", blocks, "sft", talks, of_messages)
        compare.train("messages, prefixes", model, "sft", talks, of_messages)
        texts_only = [{"prompt": f"Question: {p['question']}\nAnswer:", "completion": " " + p["answer"]} for p in asked]
        compare.train("prompt and completion, texts", model, "sft", texts_only, of_completion)
        spoken = [{"prompt": turn(p)[:1], "completion": turn(p)[1:]} for p in asked]
        compare.train("prompt and completion, messages", model, "sft", spoken, of_completion)
        compare.perplexity(model, max(texts, key=len)[:20000])


if __name__ == "__main__":
    main()
