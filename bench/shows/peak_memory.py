#!/usr/bin/env python3
"""How much memory `retort generate` takes at most, beside the packed weights, for shape M of docs/performance.md.

    bench/shows/peak_memory.py RETORT

Makes the model (135 million random weights) as a folder of float32 and one of bfloat16 in a temporary place (0.8 GB),
samples 32 tokens from each and prints the peak of resident memory over the bytes of the packed weights. Exits 1 where
float32 takes more than 1.15 times as much. Half a minute.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

MODEL = {"model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9,
         "num_key_value_heads": 3, "intermediate_size": 1536, "max_position_embeddings": 8192, "tie_word_embeddings": True}


def halve(source, target):
    """The folder with every float cut to its upper half."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.safetensors"))
    with open(f"{source}/model.safetensors", "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        base, parts, entries, end = file.tell(), [], {}, 0
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            file.seek(base + entry["data_offsets"][0])
            floats = file.read(entry["data_offsets"][1] - entry["data_offsets"][0])
            half = bytearray(len(floats) // 2)
            half[0::2], half[1::2] = floats[2::4], floats[3::4]
            entries[name] = {"dtype": "BF16", "shape": entry["shape"], "data_offsets": [end, end + len(half)]}
            end += len(half)
            parts.append(half)
    text = json.dumps(entries).encode()
    with open(f"{target}/model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for part in parts:
            file.write(part)


def peak(command):
    """Bytes resident at most in a process of its own."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execvp(command[0], command)
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: status {status}")
    return usage.ru_maxrss * 1024


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    retort = os.path.realpath(sys.argv[1])
    too_much = False
    with tempfile.TemporaryDirectory() as work:
        recipe = {"name": "m", "models": {"m": MODEL}, "stages": [{"type": "export", "model": "m", "path": "float32"}]}
        with open(f"{work}/m.json", "w", encoding="utf-8") as file:
            json.dump(recipe, file)
        subprocess.run([retort, "run", f"{work}/m.json", "--out", f"{work}/run"], check=True, capture_output=True)
        halve(f"{work}/run/float32", f"{work}/bfloat16")
        model = f"{work}/run/float32"
        inspected = subprocess.run([retort, "inspect", model, "--json"], check=True, capture_output=True).stdout
        parameters = json.loads(inspected)["parameters"]
        table = MODEL["vocab_size"] * MODEL["hidden_size"]
        for folder, stored in ((model, 4), (f"{work}/bfloat16", 2)):
            for dtype, packed in (("float32", 4 * parameters), ("q8_0", 1.125 * parameters + stored * table)):
                most = peak([retort, "generate", folder, "--dtype", dtype, "--prompt", "Hello there",
                             "--max-completion-length", "32", "--threads", "2"])
                ratio = most / packed
                too_much |= dtype == "float32" and ratio > 1.15
                print(f"from {os.path.basename(folder)}, packed as {dtype}: {most / 1e6:.0f} MB at most, "
                      f"{packed / 1e6:.0f} MB of weights, ratio {ratio:.3f}")
    sys.exit(too_much)


main()
