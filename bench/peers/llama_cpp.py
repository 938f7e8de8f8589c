#!/usr/bin/env python3
"""llama.cpp's llama-batched-bench beside `retort bench decode`: the same model and batch.

    bench/peers/llama_cpp.py RETORT --bench PATH/llama-batched-bench
        (--gguf FILE | --convert PATH/convert_hf_to_gguf.py) --shape S|MODEL_FOLDER
        [--batch 1 --batch 64 …]

Needs llama.cpp, built by yourself. The shape is what Retort runs: a name or a Hugging Face folder
(`OUT/final` of a run). With --convert that folder is made into a GGUF file first (the converter
needs `pip install torch transformers gguf sentencepiece`); with --gguf the file is taken as it is
and should have the same shape. Prints one JSON object per batch: new tokens per second of both
sides (llama.cpp does not sample) and their ratio. llama.cpp caches keys and values in f16, Retort in
float32 unless --dtype bfloat16 says otherwise.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import peer


def need(path, what, executable=False):
    if not path:
        raise SystemExit(f"llama_cpp.py: {what} is missing; see --help")
    if not os.access(path, os.X_OK if executable else os.R_OK):
        raise SystemExit(f"{path}: not there or not usable, expected {what}. Build llama.cpp "
                         "(cmake -B build && cmake --build build --target llama-batched-bench) "
                         "and give its path")


def run(words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def convert(args, folder):
    need(args.convert, "convert_hf_to_gguf.py of llama.cpp, or --gguf FILE")
    if not os.path.isdir(args.shape):
        raise SystemExit(f"--shape {args.shape}: --convert needs a model folder with a tokenizer, "
                         "such as OUT/final of a run; or give --gguf FILE")
    file = os.path.join(folder, "model.gguf")
    kind = "f32" if args.dtype == "float32" else "bf16"
    run([sys.executable, args.convert, args.shape, "--outfile", file, "--outtype", kind])
    return file


def batched_bench(args, gguf, batch):
    """New tokens per second of each repeat."""
    words = [args.bench, "-m", gguf, "-npp", str(args.length), "-ntg", str(args.new_tokens),
             "-npl", str(batch), "-c", str(batch * (args.length + args.new_tokens)),
             "-b", "2048", "-ub", "512", "-ngl", "0",
             "-t", str(args.threads), "-tb", str(args.threads), "--output-format", "jsonl"]
    rates = []
    for _ in range(args.repeat):
        rows = [json.loads(line) for line in run(words).splitlines() if line.startswith("{")]
        if len(rows) != 1 or "speed_tg" not in rows[0]:
            raise SystemExit(f"{' '.join(words)}: expected one JSON line with speed_tg")
        rates.append(rows[0]["speed_tg"])
    return " ".join(words), rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retort")
    parser.add_argument("--bench", help="path of llama-batched-bench")
    parser.add_argument("--gguf")
    parser.add_argument("--convert", help="path of convert_hf_to_gguf.py")
    parser.add_argument("--shape", default="S", help="S, M, D, G or a model folder, for Retort")
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--new-tokens", type=int)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    args.new_tokens = args.new_tokens or (32 if args.shape == "M" else 128)

    need(args.bench, "llama-batched-bench (--bench)", executable=True)
    with tempfile.TemporaryDirectory() as folder:
        if args.gguf:
            need(args.gguf, "a GGUF file")
        gguf = args.gguf or convert(args, folder)
        version = subprocess.run([args.bench, "--version"], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True).stdout.strip()
        for batch in args.batch or [1, 64]:
            words, rates = batched_bench(args, gguf, batch)
            rate = statistics.median(rates)
            row = {"shape": args.shape, "what": "decode", "batch": batch, "dtype": args.dtype,
                   "threads": args.threads, "llama_cpp": version, "llama_cpp_command": words,
                   "peer_tokens_per_second": rate, "peer_all": rates}
            peer.check("llama.cpp", row, batch)
            command = ["decode", "--batch", batch, "--length", args.length,
                       "--new-tokens", args.new_tokens]
            print(json.dumps(row | peer.beside(args, args.shape, command, rate)))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
