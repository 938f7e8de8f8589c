#!/usr/bin/env python3
"""llama.cpp's llama-batched-bench beside `retort bench decode`: the same model and batch.

    bench/peers/llama_cpp.py RETORT --bench PATH/llama-batched-bench [--shape S|D|M|G]
        [--dtype float32|bfloat16|q8_0] [--cache-dtype float32|bfloat16] [--batch 1 --batch 64 …]
    bench/peers/llama_cpp.py RETORT --bench … --shape MODEL_FOLDER --gguf FILE

Needs llama.cpp, built by yourself, and `pip install gguf` unless a GGUF file is given, which should
have the shape and dtype. Prints one JSON object per batch: new tokens per second of both sides
(llama.cpp does not sample) and their ratio. Both cache keys and values in as many bytes: in float32
with --cache-dtype float32, else llama.cpp in f16, its default, and Retort in bfloat16.
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
    """What it prints: its results go to either stream, by version."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


def batched_bench(args, gguf, batch):
    """New tokens per second of each repeat."""
    words = [args.bench, "-m", gguf, "-npp", str(args.length), "-ntg", str(args.new_tokens),
             "-npl", str(batch), "-c", str(batch * (args.length + args.new_tokens)),
             "-b", "2048", "-ub", "512", "-ngl", "0",
             "-ctk", args.peer_cache, "-ctv", args.peer_cache, "-t", str(args.threads), "-tb", str(args.threads), "--output-format", "jsonl"]
    rates, lost = [], 0
    while len(rates) < args.repeat:
        output = run(words)
        rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        if len(rows) == 1 and "speed_tg" in rows[0]:
            rates.append(rows[0]["speed_tg"])
            continue
        lost += 1  # some versions end before they have printed everything
        if lost > 10 * args.repeat:
            raise SystemExit(f"{' '.join(words)}: expected one JSON line with speed_tg, got:\n"
                             f"{output[-2000:]}")
    return " ".join(words), rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retort")
    parser.add_argument("--bench", help="path of llama-batched-bench")
    parser.add_argument("--gguf")
    parser.add_argument("--shape", default="S", help="S, M, D, G or a model folder, for Retort")
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--new-tokens", type=int)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "q8_0"])
    parser.add_argument("--cache-dtype", default="bfloat16", choices=["float32", "bfloat16"])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    args.new_tokens = args.new_tokens or (32 if args.shape == "M" else 128)

    args.peer_cache = "f32" if args.cache_dtype == "float32" else "f16"
    need(args.bench, "llama-batched-bench (--bench)", executable=True)
    with tempfile.TemporaryDirectory() as folder:
        gguf = args.gguf
        if gguf:
            need(gguf, "a GGUF file")
        else:
            import gguf_shapes
            gguf = os.path.join(folder, "model.gguf")
            gguf_shapes.write(gguf, args.shape, args.dtype)
        version = subprocess.run([args.bench, "--version"], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True).stdout.strip()
        for batch in args.batch or [1, 64]:
            words, rates = batched_bench(args, gguf, batch)
            rate = statistics.median(rates)
            row = {"shape": args.shape, "what": "decode", "batch": batch, "dtype": args.dtype,
                   "cache_dtype": args.cache_dtype,
                   "threads": args.threads, "llama_cpp": version, "llama_cpp_command": words,
                   "peer_tokens_per_second": rate, "peer_all": rates}
            peer.check("llama.cpp", row, batch)
            command = ["decode", "--batch", batch, "--length", args.length,
                       "--new-tokens", args.new_tokens,
                       "--cache-dtype", args.cache_dtype]
            print(json.dumps(row | peer.beside(args, args.shape, command, rate)))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
