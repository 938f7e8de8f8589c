#!/usr/bin/env python3
"""TRL's GRPOTrainer beside `retort bench grpo`: the same shape, prompts and lengths.

    bench/peers/trl_grpo.py RETORT [--shape S] [--prompts 8] [--samples 16] [--micro-batch 16]

Needs `pip install torch trl`. Random weights; every completion has its full length on both sides
(min_new_tokens here). Prints one JSON object: tokens of completions per second of both sides
(medians over whole steps: sampling, judging, learning) and their ratio. PyTorch gets one thread
pool (OMP_NUM_THREADS, OMP_WAIT_POLICY=passive): two fight.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402
from datasets import Dataset  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

import peer  # noqa: E402
import shapes  # noqa: E402


def byte_tokenizer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>", padding_side="left")


class StepTimes(transformers.TrainerCallback):
    def __init__(self):
        self.seconds = []

    def on_step_begin(self, *unused, **also_unused):
        self.begin = time.perf_counter()

    def on_step_end(self, *unused, **also_unused):
        self.seconds.append(time.perf_counter() - self.begin)
        print(f"trl: step {len(self.seconds)}: {self.seconds[-1]:.2f} s", file=sys.stderr)


def reward(new_tokens):
    def last_digit_is_seven(completions, completion_ids, **unused):
        if any(len(ids) != new_tokens for ids in completion_ids):
            raise SystemExit("trl: a completion ended early, so the two sides do different work")
        digits = ["".join(c for c in text if c.isdigit()) for text in completions]
        return [float(text.endswith("7")) for text in digits]

    return last_digit_is_seven


def grpo_seconds(args):
    random.seed(1)
    count = args.prompts * (args.repeat + 1)
    prompts = ["".join(random.choices("0123456789", k=args.length)) for _ in range(count)]
    times = StepTimes()
    with tempfile.TemporaryDirectory() as folder:
        trainer = trl.GRPOTrainer(
            model=shapes.model(args.shape),
            processing_class=byte_tokenizer(),
            reward_funcs=reward(args.new_tokens),
            train_dataset=Dataset.from_dict({"prompt": prompts}),
            callbacks=[times],
            args=trl.GRPOConfig(
                output_dir=folder, use_cpu=True, bf16=args.dtype == "bfloat16",
                gradient_checkpointing=False, max_steps=args.repeat + 1,
                per_device_train_batch_size=args.micro_batch,
                gradient_accumulation_steps=args.prompts * args.samples // args.micro_batch,
                num_generations=args.samples, max_completion_length=args.new_tokens,
                generation_kwargs={"min_new_tokens": args.new_tokens},
                learning_rate=1e-6, report_to="none", save_strategy="no", logging_strategy="no",
                disable_tqdm=True))
        trainer.remove_callback(transformers.PrinterCallback)  # it prints on stdout
        trainer.train()
    return times.seconds[1:]  # the first warms up


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retort")
    parser.add_argument("--shape", default="S")
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--micro-batch", type=int, default=16,
                        help="sequences TRL trains on at a time")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)

    seconds = grpo_seconds(args)
    tokens = args.prompts * args.samples * args.new_tokens
    row = {"shape": args.shape, "what": "grpo", "dtype": args.dtype, "threads": args.threads,
           "micro_batch": args.micro_batch, "trl": trl.__version__, "torch": torch.__version__,
           "transformers": transformers.__version__,
           "peer_seconds": statistics.median(seconds), "peer_all_seconds": seconds,
           "peer_tokens_per_second": tokens / statistics.median(seconds)}
    peer.check("trl", row, args.prompts * args.samples)
    command = ["grpo", "--batch", args.prompts, "--samples", args.samples,
               "--length", args.length, "--new-tokens", args.new_tokens]
    print(json.dumps(row | peer.beside(args, args.shape, command, row["peer_tokens_per_second"])))


if __name__ == "__main__":
    main()
