"""Ids and texts of `retort tokenizer` beside those of Hugging Face's tokenizers. Opt-in:

    python3 -m venv VENV && VENV/bin/pip install tokenizers
    VENV/bin/python tests/parity/tokenizer_parity.py RETORT CORPUS… [--lines 200000] [--model FOLDER…] [--seed 1]

CORPUS are files of text or JSONL, of which vocabularies in the shapes of the published families are trained on the spot;
--model adds real ones. The lines are those of the corpus, such with pieces of others, added tokens, spaces and rare
characters put into them, and random ones: scripts, emoji, combining marks, control characters, bytes. Prints a line per
family and stops at the first difference.
"""

import argparse
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN.replace(r"\p{N}| ?", r"\p{N}{1,3}| ?")
DEEPSEEK = ("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
            "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")
ADDED = [AddedToken("<|im_start|>", special=True), AddedToken("<|im_end|>", special=True),
         AddedToken("<think>", normalized=False), AddedToken("<tool_call>", normalized=True),
         AddedToken("mask", single_word=True, normalized=False), AddedToken("[L]", lstrip=True, normalized=False),
         AddedToken("[R]", rstrip=True, normalized=False), AddedToken("    ", normalized=False),
         AddedToken("caf\u00e9\u2019", normalized=True)]


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(regex=False, prefix=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)


def families():
    """name -> (normalizer, pre-tokenizer, options)"""
    sequence, normal = pre_tokenizers.Sequence, normalizers.Sequence
    spm = normal([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    return {
        "gpt2": (None, byte_level(True), {}),
        "gpt2-prefix": (None, byte_level(True, True), {}),
        "smollm": (None, sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)]), {}),
        "qwen": (normalizers.NFC(), sequence([split(QWEN), byte_level()]), {}),
        "llama3": (None, sequence([split(LLAMA3), byte_level()]), {"ignore_merges": True}),
        "deepseek": (normal([]), sequence([split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"),
                                           split(DEEPSEEK), byte_level()]), {}),
        "nfkc-lower": (normal([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()]),
                       sequence([pre_tokenizers.Punctuation(), byte_level()]), {}),
        "merged": (normalizers.NFD(), sequence([pre_tokenizers.Split(" ", "merged_with_next"),
                                                pre_tokenizers.Split(Regex(r"[.,;]"), "merged_with_previous"),
                                                pre_tokenizers.Digits(), byte_level()]), {}),
        "digits-from-right": (None, sequence([split(r"\d(?=(?:\d{3})*\b)|(?=(\d{3})+(?!\d))"),
                                              split(r"\p{L}+|\s+"), byte_level()]), {}),
        "llama2": (spm, None, {"spm": True}),
        "mistral": (None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False), {"spm": True}),
        "metaspace": (normalizers.NFKC(), pre_tokenizers.Metaspace(), {"spm": True}),
        "whitespace": (None, pre_tokenizers.Whitespace(), {"spm": True}),
    }


def train(name, normalizer, pre_tokenizer, options, corpus, size=6000):
    spm = options.get("spm")
    made = Tokenizer(models.BPE(unk_token="<unk>" if spm else None, fuse_unk=bool(spm)))
    if normalizer is not None:
        made.normalizer = normalizer
    if pre_tokenizer is not None:
        made.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=size, show_progress=False, special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=[] if spm else pre_tokenizers.ByteLevel.alphabet(), max_token_length=32)
    # Where nothing cuts a line, words are lines.
    made.train_from_iterator((w for t in corpus for w in (t.split(" ") if spm else [t])), trainer)
    made.decoder = decoders.ByteLevel() if not spm else decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    made.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B",
                                                        special_tokens=[("<s>", made.token_to_id("<s>"))])
    data = json.loads(made.to_str())
    data["model"]["ignore_merges"] = options.get("ignore_merges", False)
    if spm and name != "whitespace":  # one family stays with unknown characters
        data["model"]["byte_fallback"] = True
        first = made.get_vocab_size()
        data["model"]["vocab"].update({f"<0x{byte:02X}>": first + byte for byte in range(256)})
    made = Tokenizer.from_str(json.dumps(data))
    made.add_tokens(ADDED)
    return json.loads(made.to_str())


def texts_of(paths):
    for pattern in paths:
        for path in sorted(glob.glob(pattern, recursive=True)):
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    if path.endswith(".jsonl"):
                        yield from (v for v in json.loads(line).values() if isinstance(v, str))
                    else:
                        yield line


RARE = [chr(c) for c in (0, 1, 7, 8, 9, 10, 11, 12, 13, 27, 0x7f, 0x85, 0xa0, 0xad, 0x130, 0x131, 0x17f, 0x1c5, 0x301,
                         0x308, 0x327, 0x345, 0x37e, 0x3a3, 0x3c2, 0x483, 0x5d0, 0x627, 0x64b, 0x93c, 0xe33, 0x1100,
                         0x1161, 0x11a8, 0x1680, 0x180e, 0x1e9b, 0x1e9e, 0x200b, 0x200c, 0x200d, 0x2028, 0x2029, 0x202f,
                         0x20ac, 0x2126, 0x212a, 0x212b, 0x2160, 0x2460, 0x24b6, 0x2581, 0x2f00, 0x3000, 0x3042, 0x30ab,
                         0x3099, 0x4e2d, 0x9fff, 0xac00, 0xd7a3, 0xf900, 0xfb01, 0xfb05, 0xfe0f, 0xfeff, 0xff21, 0xff11,
                         0xffe5, 0xfffd, 0x10000, 0x1d15e, 0x1d400, 0x1f1e9, 0x1f3fb, 0x1f600, 0x1f468, 0x20000, 0x2fa1d,
                         0xe0001, 0x10ffff)]


def lines(corpus, count, seed):
    draw = random.Random(seed)
    pieces = [t.content for t in ADDED] + ["<s>", "</s>", "<unk>", "cafe\u0301\u2019", "Mask", "masks", " ", "  ", "\t", "\r\n",
                                           "\n\n", "'S", "'ll", "123456789", "3.14", "\u2581", "<0x0A>", "It's"] + RARE

    def known(code):  # what a later Unicode has made of a code point is no difference
        return unicodedata.category(chr(code)) not in ("Cn", "Cs")

    def random_text():
        kind = draw.randrange(5)
        if kind == 0:
            return "".join(draw.choice(pieces) for _ in range(draw.randrange(1, 30)))
        if kind == 1:
            start = draw.choice([0x20, 0xa0, 0x370, 0x400, 0x590, 0x600, 0x900, 0xe00, 0x1100, 0x1e00, 0x2000, 0x2190,
                                 0x3040, 0x4e00, 0xac00, 0xf900, 0xff00, 0x1d400, 0x1f300])
            codes = [start + draw.randrange(256) for _ in range(draw.randrange(40))]
            return "".join(chr(c) + draw.choice(["", "", " "]) for c in codes if known(c))
        if kind == 2:
            return bytes(draw.randrange(256) for _ in range(draw.randrange(60))).decode("latin-1")
        if kind == 3:
            return bytes(draw.randrange(256) for _ in range(draw.randrange(60))).decode("utf-8", "replace")
        codes = (draw.randrange(0x110000) for _ in range(draw.randrange(20)))
        return "".join(chr(c) for c in codes if known(c))

    for i in range(count):
        if i % 4 == 0:
            yield random_text()
            continue
        text = draw.choice(corpus)
        start = draw.randrange(len(text) + 1)
        text = text[start:start + draw.randrange(400)] if i % 2 else text[:600]
        for _ in range(draw.randrange(4) if i % 4 == 1 else 0):
            at = draw.randrange(len(text) + 1)
            text = text[:at] + draw.choice(pieces) + text[at:]
        yield text


def retort(program, words, path):
    done = subprocess.run([program, "tokenizer", *words, path, "--json"], stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"retort tokenizer {' '.join(words)}: exit code {done.returncode}, see above")
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(program, name, folder, rows):
    reference = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    with tempfile.TemporaryDirectory() as scratch:
        def stored(values):
            path = os.path.join(scratch, "rows.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(value) + "\n" for value in values)
            return path

        texts = stored(rows)
        ids = retort(program, ["encode", folder], texts)
        framed = retort(program, ["encode", folder, "--add-special-tokens"], texts)
        decoded = retort(program, ["decode", folder], stored(ids))
        skipped = retort(program, ["decode", folder, "--skip-special-tokens"], stored(ids))
    different = 0
    for i, row in enumerate(rows):
        want = reference.encode(row, add_special_tokens=False).ids
        checks = [("ids", ids[i], want), ("with special tokens", framed[i], reference.encode(row).ids)]
        if i % 10 == 0:  # slower there
            checks += [("text", decoded[i], reference.decode(want, skip_special_tokens=False)),
                       ("text without special tokens", skipped[i], reference.decode(want))]
        for what, got, expected in checks:
            if got != expected:
                different += 1
                if different <= 5:
                    print(f"{name}: row {i}: {what}: {row!r}\n  got      {got!r}\n  expected {expected!r}")
    print(f"{name}: {len(rows)} lines, {sum(map(len, ids))} ids, {different} differences", flush=True)
    return different


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retort")
    parser.add_argument("corpus", nargs="+")
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--family", nargs="*", help="only these")
    parser.add_argument("--model", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    corpus = [text for text in texts_of(args.corpus) if text]
    rows = list(lines(corpus, args.lines, args.seed))
    sample = random.Random(0).sample(corpus, min(len(corpus), 8000))
    different = 0
    for folder in args.model:
        different += compare(args.retort, os.path.basename(os.path.normpath(folder)), folder, rows)
    for name, (normalizer, pre_tokenizer, options) in families().items():
        if args.family is not None and name not in args.family:
            continue
        with tempfile.TemporaryDirectory() as folder:
            data = train(name, normalizer, pre_tokenizer, options, sample)
            with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
                json.dump(data, file)
            with open(os.path.join(folder, "config.json"), "w") as file:
                file.write("{}")
            different += compare(args.retort, name, folder, rows)
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
