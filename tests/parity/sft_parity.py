"""What `sft` learns from files of rows, beside TRL's SFTTrainer. Opt-in:

    python3 -m venv VENV && VENV/bin/pip install torch transformers tokenizers datasets trl
    VENV/bin/python tests/parity/sft_parity.py RETORT [FOLDER…]

The rows of text_parity.py (of FOLDER…, or made up) are prepared by TRL and by `retort recipe batches`: without packing and with
every strategy, with the loss on the whole and on parts, by chat templates whose {% generation %} blocks begin at a
token and within one. Ids, masks and which rows share a sequence must be the same. Prints a line each and stops at the
first difference.
"""

import argparse
import collections
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import uuid
import warnings

import datasets.fingerprint
from datasets import Dataset
from text_parity import BLOCKS, END, documents, key, make_model, make_tokenizer, pairs, write_rows
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

MAX_LENGTH = 128
JOINED = ("{%- for m in messages %}{{ m.role + ':' }}{%- if m.role == 'assistant' %}{{ ' ' }}{% generation %}{{ m.content }}"
          "{% endgeneration %}{{ '. ' }}{%- else %}{{ ' ' + m.content + '\\n' }}{%- endif %}{%- endfor %}"
          "{%- if add_generation_prompt %}{{ 'assistant: ' }}{%- endif %}")
PACKINGS = [{}] + [{"packing": True, "packing_strategy": name} for name in ("bfd", "bfd_split", "wrapped")]


def of_trl(model, tokenizer, rows, options, work):
    """Sequences as sorted pieces that are learned from, and how often each comes."""
    arguments = SFTConfig(output_dir=str(work / "trl"), max_length=MAX_LENGTH, use_cpu=True, bf16=False, report_to=[],
                          gradient_checkpointing=False, **options)
    trainer = SFTTrainer(model=str(model), args=arguments, train_dataset=Dataset.from_list(rows),
                         processing_class=tokenizer)
    found = collections.Counter()
    for row in trainer.train_dataset:
        begin, pieces = 0, []
        for length in row.get("seq_lengths") or [len(row["input_ids"])]:
            ids = row["input_ids"][begin:begin + length]
            learned = [int(label != -100) for label in row["labels"][begin:begin + length]]
            begin += length
            if any(learned[1:]):
                pieces.append(key(ids, learned))
        if pieces:
            found[tuple(sorted(pieces))] += 1
    return found


def of_retort(retort, model, rows, options, count, work):
    stage = {"name": "learn", "type": "sft", "train_files": [write_rows(work / "rows.jsonl", rows)], "batch_size": 1,
             "max_length": MAX_LENGTH, **options}
    if options["completion_only_loss"] is None:
        del stage["completion_only_loss"]  # the default of both
    if options.get("packing_strategy") == "wrapped":
        stage["document_mask"] = False
    recipe = work / "recipe.json"
    recipe.write_text(json.dumps({"name": "rows", "prompt_template": "chat", "models": {"model": {"path": str(model)}},
                                  "stages": [stage]}))
    done = subprocess.run([retort, "recipe", "batches", str(recipe), "--stage", "learn", "--steps", str(count)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    steps = collections.defaultdict(list)
    for line in map(json.loads, done.stdout.splitlines()):
        steps[line["step"]].append(key(line["ids"], line["learned"]))
    return collections.Counter(tuple(sorted(pieces)) for pieces in steps.values())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("retort")
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    # It names its caches by pickled functions, which some versions of its own packages cannot be.
    datasets.fingerprint.Hasher.hash = classmethod(lambda cls, value: uuid.uuid4().hex[:16])
    r = random.Random(1)
    texts = list(documents(options.folders, 300_000))
    asked = pairs(options.folders)[:600]
    turns = [[{"role": "user", "content": p["question"]}, {"role": "assistant", "content": p["answer"]}] for p in asked]
    kinds = {"text": [{"text": text[:r.choice([5, 100, 1000, 3000])]} for text in texts[:600]],
             "messages": [{"messages": a + b} for a, b in zip(turns[::2], turns[1::2])],
             "completions": [{"prompt": f"Question: {p['question']}\nAnswer:", "completion": " " + p["answer"]}
                             for p in asked],
             "completions of messages": [{"prompt": t[:1], "completion": t[1:]} for t in turns]}
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        model = work / "model"
        make_tokenizer(model, texts)
        tokenizer = AutoTokenizer.from_pretrained(model)
        tokenizer.pad_token = END
        make_model(model, tokenizer)
        for template, chat_template in (("blocks", BLOCKS), ("joined", JOINED)):
            tokenizer.chat_template = chat_template
            tokenizer.save_pretrained(model)
            for kind, rows in kinds.items():
                talks = "messages" in kind
                if not talks and template != "blocks":
                    continue
                if kind == "completions of messages" and template == "joined":
                    continue  # a token of both: TRL warns and learns it not, Retort learns it
                for packing in PACKINGS:
                    for assistant in (False, True) if talks else (False,):
                        for completion in (None, False) if "completions" in kind else (None,):
                            chosen = {"assistant_only_loss": assistant, "completion_only_loss": completion, **packing}
                            want = of_trl(model, tokenizer, rows, chosen, work)
                            got = of_retort(options.retort, model, rows, chosen, want.total(), work)
                            about = f"{kind}, {template}, {chosen}"
                            if got != want:
                                missing, more = (want - got), (got - want)
                                sys.exit(f"{about}: of {want.total()} sequences {missing.total()} are others:\n"
                                         f"TRL:    {next(iter(missing), None)}\nRetort: {next(iter(more), None)}")
                            print(f"{about}: {want.total()} sequences are the same", flush=True)


if __name__ == "__main__":
    main()
