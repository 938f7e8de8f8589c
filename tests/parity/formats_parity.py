"""Opens what Retort writes with Hugging Face's own libraries and compares. Opt-in:

    python3 -m venv VENV && VENV/bin/pip install tokenizers transformers safetensors numpy jinja2
    RETORT_PARITY_OUT=DIR build/dev/tests/retort_model_test --gtest_filter='Parity.*'
    VENV/bin/python tests/parity/formats_parity.py DIR
"""

import json
import pathlib
import sys

import numpy
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoTokenizer, GenerationConfig


def check(condition, *message):
    if not condition:
        sys.exit("different: " + " ".join(map(str, message)))


def compare_tokenizer(folder):
    expected = json.loads((folder / "expected.json").read_text())
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    auto = AutoTokenizer.from_pretrained(folder)
    for row in expected["rows"]:
        text, ids = row["text"], row["ids"]
        check(plain.encode(text).ids == ids, "tokenizers ids of", repr(text))
        check(auto(text)["input_ids"] == ids, "transformers ids of", repr(text))
        check(plain.decode(ids, skip_special_tokens=False) == text, "text of", repr(text))
        check(auto.decode(ids) == text, "transformers text of", repr(text))
        check(auto.decode(ids, skip_special_tokens=True) == row["skipped"], "skipping in", repr(text))
    check(auto.eos_token_id == expected["eos"], "eos", auto.eos_token_id)
    chat = [{"role": "user", "content": "1+1?"}]
    prompt = auto.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
    check(prompt == expected["prompt"], "chat template", auto.decode(prompt))
    print(f"{folder.name}: {len(expected['rows'])} texts, chat template: same")


def compare_config(folder):
    written = json.loads((folder / "config.json").read_text())
    config = AutoConfig.from_pretrained(folder)
    check(config.model_type == folder.name, "model_type", config.model_type)
    rope = getattr(config, "rope_parameters", None) or {}
    for key, value in written.items():
        if key in ("torch_dtype", "rope_scaling", "topk_method", "scoring_func"):
            continue
        got = rope.get(key, getattr(config, key, None)) if key == "rope_theta" else getattr(config, key)
        check(got == value, folder.name, key, got, value)
    generation = GenerationConfig.from_pretrained(folder)
    check(generation.eos_token_id == [261, 256] and generation.temperature == 0.6, generation)
    print(f"{folder.name}: config and generation config open with the same values")


def main():
    root = pathlib.Path(sys.argv[1])
    for folder in sorted((root / "tokenizer").iterdir()):
        compare_tokenizer(folder)
    for folder in sorted((root / "config").iterdir()):
        compare_config(folder)
    tensors = load_file(root / "model.safetensors")
    check(tensors["w"].tolist() == [[0.5, -1, 2], [3, 4, 5]], tensors["w"])
    check(tensors["empty"].shape == (0, 3), tensors["empty"].shape)
    check(tensors["h"].dtype == numpy.float16 and tensors["h"][1] == 2.0**-24, tensors["h"])
    print("safetensors: same")


if __name__ == "__main__":
    main()
