"""Runs models that Retort wrote in transformers and compares log-probabilities. Opt-in:

    python3 -m venv VENV && VENV/bin/pip install torch transformers safetensors numpy
    RETORT_PARITY_OUT=DIR build/dev/tests/retort_model_test --gtest_filter='Parity.*'
    VENV/bin/python tests/parity/model_parity.py DIR
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

TOLERANCE = 1e-4


def compare(folder):
    expected = json.loads((folder / "expected.json").read_text())
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True,
        experts_implementation="eager")  # the grouped products want widths that are multiples of 4
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[kind]:
            sys.exit(f"{folder.name}: {kind}: {info[kind]}")
    tokens = torch.tensor(expected["tokens"])
    with torch.no_grad():
        logits = model.eval()(tokens[None, :-1]).logits[0]
    got = torch.log_softmax(logits, -1).gather(1, tokens[1:, None])[:, 0]
    difference = (got - torch.tensor(expected["logprobs"])).abs().max().item()
    print(f"{folder.name}: {len(got)} log-probabilities, largest difference {difference:.1e}")
    if not difference <= TOLERANCE:
        sys.exit(f"different: more than {TOLERANCE}")


def main():
    torch.manual_seed(0)
    for folder in sorted((pathlib.Path(sys.argv[1]) / "model").iterdir()):
        compare(folder)


main()
