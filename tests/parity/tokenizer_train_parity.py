"""Vocabularies of `retort tokenizer train` beside those of Hugging Face's BpeTrainer. Opt-in:

    python3 -m venv VENV && VENV/bin/pip install tokenizers
    VENV/bin/python tests/parity/tokenizer_train_parity.py RETORT TEXT… [--model FOLDER…] [--size 8000] [--only NAME…]

TEXT are files of text, each of which is a corpus with every setting: the kinds that `--kind` names, the families of
tokenizer_parity.py by `--like`, each option, rows of JSON; beside them random words of few letters, where nearly all
counts are equal. --model adds published tokenizers (`--like`). What is compared is the model's vocab and merges, in
tokenizer.json. Prints a line per corpus and setting, with the seconds of both (two threads), and ends with exit code 1
where there was a difference.
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("RAYON_NUM_THREADS", "2")

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

import tokenizer_parity as parity

KINDS = ["gpt2", "llama3", "qwen2", "deepseek", "llama2", "retort"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def shape(described):
    """A tokenizer of nothing but the stages."""
    model = {"type": "BPE", "vocab": {}, "merges": []}
    return Tokenizer.from_str(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "post_processor": None, "model": model,
        **{key: described.get(key) for key in ("normalizer", "pre_tokenizer", "decoder")}}))


def characters(made, texts):
    """The characters of what becomes words, most frequent first, with their counts."""
    counts = collections.Counter()
    for text in texts:
        normal = made.normalizer.normalize_str(text) if made.normalizer else text
        words = made.pre_tokenizer.pre_tokenize_str(normal) if made.pre_tokenizer else [(normal, None)]
        for word, _ in words:
            counts.update(word)
    return counts.most_common()


def compare(program, name, path, texts, words, options, columns=None):
    """`words` choose what the tokenizer is like, `options` are the trainer's. Returns whether anything differs."""
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "out")
        flags = [flag for key, value in options.items() for flag in (f"--{key.replace('_', '-')}", str(value))]
        if columns:
            flags += ["--text-column", columns]
        start = time.time()
        done = subprocess.run([program, "tokenizer", "train", path, "--out", out, "--threads", "2", "--json", *words, *flags],
                              stdout=subprocess.PIPE)
        seconds = time.time() - start
        if done.returncode != 0:
            sys.exit(f"{name}: retort: exit code {done.returncode}, see above")
        with open(os.path.join(out, "tokenizer.json"), encoding="utf-8") as file:
            ours = json.load(file)
    model = ours["model"]
    first = [token["content"] for token in sorted(ours["added_tokens"], key=lambda token: token["id"])]
    if model["unk_token"] and model["unk_token"] not in first:
        first.append(model["unk_token"])
    if model["byte_fallback"]:
        first += BYTES
    byte_level = '"ByteLevel"' in json.dumps(ours["pre_tokenizer"])
    alphabet = pre_tokenizers.ByteLevel.alphabet() if byte_level else list(options.get("initial_alphabet", ""))
    settings = {key: value for key, value in options.items() if key != "initial_alphabet"}
    reference = shape(ours)
    trainer = trainers.BpeTrainer(show_progress=False, special_tokens=first, initial_alphabet=alphabet, **settings)
    start = time.time()
    if columns:
        reference.train_from_iterator(texts, trainer)
    else:
        reference.train([path], trainer)
    expected = json.loads(reference.to_str())["model"]
    same = model["vocab"] == expected["vocab"] and model["merges"] == expected["merges"]
    print(f"{name}: {len(model['vocab'])} tokens, {len(model['merges'])} merges, {seconds:.1f} s beside {time.time() - start:.1f} s: "
          f"{'the same' if same else 'DIFFERENT'}", flush=True)
    if not same:
        for i, (got, want) in enumerate(zip(model["merges"], expected["merges"])):
            if got != want:
                print(f"  merge {i}: got {got}, expected {want}")
                break
        odd = sorted(set(model["vocab"].items()) ^ set(expected["vocab"].items()), key=lambda item: item[1])
        print(f"  {len(odd)} entries of the vocabulary differ: {odd[:6]}")
    return not same


def like_folder(scratch, name, normalizer, pre_tokenizer, options):
    """A folder with the shape of a family and four added tokens."""
    data = parity.train(name, normalizer, pre_tokenizer, options, ["a b"], size=300)
    folder = os.path.join(scratch, f"like-{name}")
    os.mkdir(folder)
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(data, file)
    return folder


def random_words(draw):
    letters = "ab" if draw.random() < 0.5 else "abcd"
    return " ".join("".join(draw.choice(letters) for _ in range(draw.randrange(1, 12))) for _ in range(40)) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retort")
    parser.add_argument("text", nargs="+")
    parser.add_argument("--model", nargs="*", default=[])
    parser.add_argument("--size", type=int, default=8000)
    parser.add_argument("--only", nargs="*", help="only settings whose name holds one of these")
    args = parser.parse_args()
    different = count = 0

    def run(name, *rest, **more):
        nonlocal different, count
        if args.only is None or any(part in name for part in args.only):
            different += compare(args.retort, name, *rest, **more)
            count += 1

    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: like_folder(scratch, name, *family) for name, family in parity.families().items()}
        for path in args.text:
            base = os.path.basename(path)
            with open(path, encoding="utf-8", newline="\n") as file:
                texts = file.readlines()
            size = {"vocab_size": args.size}
            for kind in KINDS:
                run(f"{base}, {kind}", path, texts, ["--kind", kind], size)
            for name, folder in folders.items():
                run(f"{base}, like {name}", path, texts, ["--like", folder], size)
            for folder in args.model:
                run(f"{base}, like {os.path.basename(os.path.normpath(folder))}", path, texts, ["--like", folder], size)
            for kind in ("gpt2", "llama2"):
                run(f"{base}, {kind}, frequent", path, texts, ["--kind", kind], {"min_frequency": 20, "vocab_size": 10**6})
                run(f"{base}, {kind}, short", path, texts, ["--kind", kind], {"max_token_length": 5, **size})
                run(f"{base}, {kind}, special", path, texts, ["--kind", kind, "--special=the", "--special=in", "--special=<x>"],
                    size)
            run(f"{base}, all pairs", path, texts, ["--kind", "gpt2"], {"vocab_size": 60000})
            run(f"{base}, alphabet", path, texts, ["--kind", "llama2"], {"initial_alphabet": "\u20acxyz\u4e00\U0001f600", **size})
            # Of characters that are equally frequent, which ones tokenizers keeps is left to chance.
            counts = characters(Tokenizer.from_file(os.path.join(folders["mistral"], "tokenizer.json")), texts)
            cuts = [i for i in range(20, len(counts) - 1) if counts[i - 1][1] > counts[i][1]]
            for cut in {cuts[0], cuts[len(cuts) // 2]} if cuts else ():
                run(f"{base}, {cut} characters", path, texts, ["--like", folders["mistral"]], {"limit_alphabet": cut, **size})
                run(f"{base}, {cut} characters and a token", path, texts,
                    ["--like", folders["mistral"], f"--special={counts[cut][0]}"], {"limit_alphabet": cut, **size})
            rows = os.path.join(scratch, "rows.jsonl")
            pairs = [(a, b) for a, b in zip(texts[::2], texts[1::2])]
            with open(rows, "w", encoding="utf-8") as file:
                file.writelines(json.dumps({"q": a, "a": b, "n": 1}) + "\n" for a, b in pairs)
            run(f"{base}, rows", rows, [text for pair in pairs for text in pair], ["--kind", "qwen2"], size, columns="q,a")
        draw = random.Random(1)
        for i in range(20):
            path = os.path.join(scratch, "random.txt")
            texts = [random_words(draw) for _ in range(draw.choice([1, 5, 50]))]
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(texts)
            family, added = draw.choice([("whitespace", 12), ("llama2", 268)])
            options = {"vocab_size": added + draw.choice([20, 60, 600])}
            if i % 3 == 0:
                options["max_token_length"] = draw.randrange(1, 8)
            run(f"random {i}", path, texts, ["--like", folders[family]], options)
    print(f"{count} settings, {different} different")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
