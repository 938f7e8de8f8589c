#!/usr/bin/env python3
"""PyTorch beside Retort: the same shapes, first the one, then the other.

    bench/peers/pytorch.py train|decode RETORT [--shape S …] [--dtype float32|bfloat16] [--compile]

Needs `pip install torch transformers`. Prints one JSON object per shape: tokens/s of both sides (medians) and
their ratio. PyTorch gets one thread pool (OMP_NUM_THREADS, OMP_WAIT_POLICY=passive): two fight.
"""

import argparse
import json
import os
import statistics
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch  # noqa: E402
import transformers  # noqa: E402

import peer  # noqa: E402
import shapes  # noqa: E402


def peak_growth(before_kib):
    with open("/proc/self/status") as status:
        high = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return (high - before_kib) * 1024


def reset_peak():
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def trainer(net, batch, length, dtype):
    net.train()
    tokens = torch.randint(0, net.config.vocab_size, (batch, length + 1))
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-6, fused=True)

    def step():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
            logits = net(inputs, use_cache=False).logits
            loss = torch.nn.functional.cross_entropy(
                logits.reshape(-1, logits.shape[-1]).float(), targets.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step, batch * length


def decoder(net, batch, prompt, new, dtype):
    net.eval()
    if dtype == "bfloat16":
        net = net.to(torch.bfloat16)
    tokens = torch.randint(0, net.config.vocab_size, (batch, prompt))

    @torch.inference_mode()
    def loop():
        out = net(tokens, use_cache=True)
        cache, logits = out.past_key_values, out.logits[:, -1]
        start = time.perf_counter()
        for _ in range(new):
            last = torch.multinomial(torch.softmax(logits.float(), -1), 1)
            out = net(last, past_key_values=cache, use_cache=True)
            cache, logits = out.past_key_values, out.logits[:, -1]
        return time.perf_counter() - start

    return loop, batch * new


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["train", "decode"])
    parser.add_argument("retort")
    parser.add_argument("--shape", action="append")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--compile", action="store_true", help="torch.compile for training")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)

    for shape in args.shape or ["S", "D", "M"]:
        net = shapes.model(shape)
        active = shapes.active_parameters(net, shape)
        before = reset_peak()
        if args.what == "train":
            batch = args.batch or (2 if shape == "M" else 16)
            run = torch.compile(net) if args.compile else net
            run.config = net.config
            once, tokens = trainer(run, batch, args.length, args.dtype)
            operations = 6 * active
        else:
            batch = args.batch or 32
            once, tokens = decoder(net, batch, 64, 32 if shape == "M" else 128, args.dtype)
            operations = 2 * active
        seconds = []
        for i in range(args.repeat + 1 + 2 * args.compile):
            start = time.perf_counter()
            inner = once()
            seconds.append(inner or time.perf_counter() - start)
        rate = tokens / statistics.median(seconds[-args.repeat:])
        memory = peak_growth(before)
        command = [args.what, "--batch", batch]
        if args.what == "train":
            command += ["--length", args.length]
        row = {"shape": shape, "what": args.what, "batch": batch, "dtype": args.dtype,
               "compile": args.compile, "threads": args.threads, "torch": torch.__version__,
               "transformers": transformers.__version__, "peer_tokens_per_second": rate,
               "peer_gflops": rate * operations / 1e9, "peer_peak_bytes": memory}
        peer.check("torch", row, batch)
        row |= peer.beside(args, shape, command, rate)
        print(json.dumps(row))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
