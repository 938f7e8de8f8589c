#!/usr/bin/env python3
"""How cost grows with length, batch, experts and vocabulary.

    bench/shows/growth.py RETORT OUT.jsonl [PLOT.svg]

Runs `retort bench` once per point and appends its row to OUT.jsonl; points that are there already are not run
again, so it can be stopped at any time. Draws tokens/s and peak memory over each of the four. About ten minutes.
"""

import json
import math
import os
import subprocess
import sys
import tempfile

LLAMA = {"model_type": "llama", "num_hidden_layers": 6, "hidden_size": 256, "num_attention_heads": 4,
         "num_key_value_heads": 4, "intermediate_size": 1024, "vocab_size": 512,
         "max_position_embeddings": 65536, "tie_word_embeddings": False}
# Nine of the experts work for a token, whatever their number.
MIXTURE = {"model_type": "deepseek_v3", "num_hidden_layers": 3, "first_k_dense_replace": 1, "hidden_size": 256,
           "intermediate_size": 1024, "moe_intermediate_size": 64, "n_routed_experts": 8,
           "num_experts_per_tok": 8, "n_shared_experts": 1, "n_group": 1, "topk_group": 1,
           "scoring_func": "sigmoid", "topk_method": "noaux_tc", "norm_topk_prob": True,
           "routed_scaling_factor": 1.0, "num_attention_heads": 8, "q_lora_rank": 128, "kv_lora_rank": 64,
           "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32, "vocab_size": 512,
           "max_position_embeddings": 65536, "tie_word_embeddings": False}
TOKENS = 8192  # of a training step


def points():
    """(panel, line, x, arguments of retort bench, config or None)"""
    for batch in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        for shape in ("S", "D"):
            yield ("batch", f"train {shape}", batch,
                   ["train", "--shape", shape, "--length", 64, "--batch", batch], None)
            yield ("batch", f"decode {shape}", batch,
                   ["decode", "--shape", shape, "--new-tokens", 32, "--batch", batch], None)
    for experts in (8, 16, 32, 64, 128, 256):
        config = MIXTURE | {"n_routed_experts": experts}
        yield ("experts", "train", experts, ["train", "--batch", 16], config)
        yield ("experts", "decode", experts, ["decode", "--batch", 64, "--new-tokens", 32], config)
    for vocabulary in (512, 2048, 8192, 32768, 131072):
        config = LLAMA | {"vocab_size": vocabulary}
        yield ("vocabulary", "train", vocabulary, ["train", "--batch", 8], config)
        yield ("vocabulary", "decode", vocabulary, ["decode", "--batch", 64, "--new-tokens", 32], config)
    for length in (128, 256, 512, 1024, 2048, 4096, 8192):
        for shape in ("S", "D"):
            yield ("length", f"train {shape}", length,
                   ["train", "--shape", shape, "--length", length, "--batch", TOKENS // length], None)
            yield ("length", f"decode {shape}", length,
                   ["decode", "--shape", shape, "--length", length, "--batch", 8, "--new-tokens", 16], None)


def measure(retort, arguments, config):
    with tempfile.TemporaryDirectory() as folder:
        if config:
            with open(os.path.join(folder, "config.json"), "w") as file:
                json.dump(config, file)
            arguments = [*arguments, "--shape", folder]
        done = subprocess.run([retort, "bench", *map(str, arguments), "--repeat", "2", "--json"],
                              stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["rows"][0]


def collect(retort, path):
    rows = []
    if os.path.exists(path):
        with open(path) as file:
            rows = [json.loads(line) for line in file]
    known = {(r["panel"], r["line"], r["x"]) for r in rows}
    for panel, line, x, arguments, config in points():
        if (panel, line, x) in known:
            continue
        row = measure(retort, arguments, config)
        rows.append({"panel": panel, "line": line, "x": x, "gflops": row["gflops"],
                     "tokens_per_second": row["tokens_per_second"], "peak_bytes": row["peak_bytes"],
                     "fraction_of_peak": row["fraction_of_peak"]})
        with open(path, "a") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(panel, line, x, f"{row['tokens_per_second']:.0f} tokens/s", file=sys.stderr)
    return rows


COLOURS = {"train": "#1f6fb4", "decode": "#c8511b"}
WIDTH, HEIGHT, MARGIN = 230, 170, 46


def number(x):
    for size, unit in ((1 << 30, "G"), (1 << 20, "M"), (1 << 10, "k")):
        if x >= size:
            return f"{x / size:g}{unit}"
    return f"{x:g}"


def chart(rows, key, title, left, top):
    """One panel with logarithmic axes, in powers of two."""
    xs = sorted({r["x"] for r in rows})
    low = math.floor(min(math.log2(r[key]) for r in rows))
    high = max(math.ceil(max(math.log2(r[key]) for r in rows)), low + 1)
    span = max(math.log2(xs[-1] / xs[0]), 1)

    def place(x, y):
        return (left + math.log2(x / xs[0]) / span * WIDTH,
                top + HEIGHT - (math.log2(y) - low) / (high - low) * HEIGHT)

    out = [f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>',
           f'<text x="{left}" y="{top - 8}" font-weight="bold">{title}</text>']
    for power in range(low, high + 1, max(1, (high - low) // 4)):
        y = place(xs[0], 2 ** power)[1]
        out.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 4}" y="{y + 3:.1f}" text-anchor="end">{number(2 ** power)}</text>')
    for x in xs[::max(1, len(xs) // 4)]:
        out.append(f'<text x="{place(x, 2 ** low)[0]:.1f}" y="{top + HEIGHT + 13}" '
                   f'text-anchor="middle">{number(x)}</text>')
    for line in sorted({r["line"] for r in rows}):
        kind, _, shape = line.partition(" ")
        dashes = ' stroke-dasharray="5 3"' if shape == "D" else ""
        spots = [place(r["x"], r[key]) for r in sorted(rows, key=lambda r: r["x"]) if r["line"] == line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[kind]}" stroke-width="1.6"{dashes}/>'
                   f'<text x="{spots[-1][0] - 4:.1f}" y="{spots[-1][1] - 5:.1f}" text-anchor="end" '
                   f'fill="{COLOURS[kind]}">{line}</text>')
    return out


def plot(rows, path):
    panels = ["length", "batch", "experts", "vocabulary"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{len(panels) * (WIDTH + MARGIN) + 20}" '
           f'height="{2 * (HEIGHT + 50) + 10}" font-family="sans-serif" font-size="10">',
           '<rect width="100%" height="100%" fill="white"/>']
    for i, panel in enumerate(panels):
        part = [r for r in rows if r["panel"] == panel]
        left = MARGIN + i * (WIDTH + MARGIN)
        out += chart(part, "tokens_per_second", f"tokens/s by {panel}", left, 30)
        out += chart(part, "peak_bytes", f"peak memory by {panel}", left, 30 + HEIGHT + 50)
    with open(path, "w") as file:
        file.write("\n".join([*out, "</svg>"]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    measured = collect(sys.argv[1], sys.argv[2])
    if len(sys.argv) > 3:
        plot(measured, sys.argv[3])
