"""Tiny random models of every family, made by transformers: the same log-probabilities, gradients,
greedy text and folders in Retort. Opt-in; takes three minutes:

    python3 -m venv VENV && VENV/bin/pip install torch transformers safetensors numpy
    VENV/bin/python tests/parity/architectures_parity.py build/dev/tests/retort_train_test DIR

For each model (weights four times as wide as transformers' own, norms and biases random, too):
log-probabilities of 200 tokens within 1e-5 in float32;
the gradient of every weight within 1e-4 of its norm; 200 greedy tokens identical up to the first
place where the reference's two best differ by less than 1e-4, or a router's last chosen and first
left out by less than 1e-6, which is said; what Retort writes opens without missing or unexpected
keys and gives the same numbers, in bfloat16 those of the rounded weights; written by transformers
and read again, it is the same to the bit. Stored as bfloat16, float16, DeepSeek's FP8, in shards,
with the keys of transformers 4: the answers to the bit that the same numbers in float32 give.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

VOCABULARY = 300
COMMON = dict(vocab_size=VOCABULARY, hidden_size=64, num_hidden_layers=3, intermediate_size=96,
              num_attention_heads=4, max_position_embeddings=512, initializer_range=0.08,
              bos_token_id=1, eos_token_id=2, pad_token_id=None)
GQA = dict(COMMON, num_key_value_heads=2)
MLA = dict(COMMON, num_key_value_heads=4, kv_lora_rank=32, qk_nope_head_dim=16,
           qk_rope_head_dim=8, v_head_dim=12, n_routed_experts=16, num_experts_per_tok=4,
           moe_intermediate_size=32, first_k_dense_replace=1)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64)


def rope(**parameters):
    return {"rope_parameters": dict({"rope_theta": 10000.0}, **parameters)}


MODELS = {
    "llama": ("Llama", GQA),
    "llama_tied": ("Llama", dict(GQA, tie_word_embeddings=True, num_key_value_heads=4)),
    "llama_bias": ("Llama", dict(GQA, attention_bias=True, head_dim=24)),
    "llama_llama3": ("Llama", dict(GQA, **rope(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=64))),
    "llama_linear": ("Llama", dict(GQA, **rope(rope_type="linear", factor=4.0))),
    "mistral": ("Mistral", dict(GQA, sliding_window=None)),
    "mistral_window": ("Mistral", dict(GQA, sliding_window=256)),
    "qwen2": ("Qwen2", dict(GQA, tie_word_embeddings=True)),
    "qwen2_yarn": ("Qwen2", dict(GQA, rope_parameters=YARN)),
    "qwen3": ("Qwen3", dict(GQA, head_dim=20)),
    "qwen3_yarn": ("Qwen3", dict(GQA, head_dim=20, tie_word_embeddings=True,
                                 rope_parameters=dict(YARN, attention_factor=1.25, beta_fast=8.0))),
    "qwen3_moe": ("Qwen3Moe", dict(GQA, head_dim=20, num_experts=16, num_experts_per_tok=4,
                                   moe_intermediate_size=32, norm_topk_prob=True)),
    "qwen3_moe_mixed": ("Qwen3Moe", dict(GQA, head_dim=20, num_experts=8, num_experts_per_tok=2,
                                         moe_intermediate_size=32, mlp_only_layers=[1],
                                         attention_bias=True)),
    "deepseek_v2_lite": ("DeepseekV2", dict(
        MLA, q_lora_rank=None, topk_method="greedy", n_shared_experts=2, rope_parameters=dict(
            YARN, mscale=0.707, mscale_all_dim=0.707))),
    "deepseek_v2": ("DeepseekV2", dict(
        MLA, q_lora_rank=24, topk_method="group_limited_greedy", n_group=4, topk_group=2,
        n_shared_experts=1, routed_scaling_factor=4.0, rms_norm_eps=1e-5, rope_parameters=dict(
            YARN, mscale=1.0, mscale_all_dim=0.5))),
    "deepseek_v3": ("DeepseekV3", dict(
        MLA, q_lora_rank=24, n_group=4, topk_group=2, n_shared_experts=1,
        routed_scaling_factor=2.5, rope_parameters=dict(YARN, mscale=1.0, mscale_all_dim=1.0))),
    "moonlight": ("DeepseekV3", dict(
        MLA, q_lora_rank=None, n_group=1, topk_group=1, n_shared_experts=2, rms_norm_eps=1e-5,
        routed_scaling_factor=2.446)),
}


def open_model(folder, dtype=torch.float32):
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", experts_implementation="eager",
        output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[kind]:
            sys.exit(f"{folder}: {kind}: {info[kind]}")
    return model.eval()


def make(name, folder):
    kind, options = MODELS[name]
    config = getattr(transformers, kind + "Config")(**options)
    model = getattr(transformers, kind + "ForCausalLM")(config)
    with torch.no_grad():  # norms, biases and the router's correction, too
        for parameter_name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if tensor.dim() == 1 and "inv_freq" not in parameter_name:
                tensor += 0.1 * torch.randn_like(tensor)
    model.save_pretrained(folder)
    tokens = torch.randint(3, VOCABULARY, (201,)).tolist()
    question = {"tokens": tokens, "prompt": tokens[:12], "greedy_tokens": 200}
    (folder / "question.json").write_text(json.dumps(question))


def logprobs_of(model, tokens):
    tokens = torch.tensor(tokens)
    logits = model(tokens[None, :-1]).logits[0].float()
    return torch.log_softmax(logits, -1).gather(1, tokens[1:, None])[:, 0]


def gradients_of(model, tokens, folder):
    """By the names of the files: what transformers would save of the gradients."""
    model.zero_grad()
    (-logprobs_of(model, tokens).mean()).backward()
    with torch.no_grad():
        for parameter in model.parameters():
            gradient = parameter.grad
            parameter.copy_(torch.zeros_like(parameter) if gradient is None else gradient)
    model.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


class Margins:
    """The smallest distance between the last chosen expert and the first left out."""

    def __init__(self, model):
        self.least = float("inf")
        config = model.config
        self.chosen = getattr(config, "num_experts_per_tok", None)
        self.hooks = [m.register_forward_hook(self.see) for n, m in model.named_modules()
                      if n.endswith("mlp.gate")]

    def see(self, module, inputs, output):
        logits = output[0]
        score = logits.sigmoid() if hasattr(module, "e_score_correction_bias") else logits.softmax(-1)
        if hasattr(module, "e_score_correction_bias"):
            score = score + module.e_score_correction_bias
        best = score.topk(self.chosen + 1, -1).values
        self.least = min(self.least, (best[..., -2] - best[..., -1]).min().item())


@torch.no_grad()
def compare_greedy(model, prompt, got):
    """Returns how many tokens agree and why it stops, if it does."""
    ids = list(prompt)
    for i, token in enumerate(got):
        margins = Margins(model)
        best = model(torch.tensor([ids])).logits[0, -1].topk(2)
        for hook in margins.hooks:
            hook.remove()
        if best.indices[0].item() != token:
            margin = (best.values[0] - best.values[1]).item()
            if margin < 1e-4:
                return i, f"two best within {margin:.0e}"
            if margins.least < 1e-6:
                return i, f"a router's tie of {margins.least:.0e}"
            sys.exit(f"greedy token {i} is {token}, expected {best.indices[0].item()} by {margin}")
        ids.append(token)
    return len(got), ""


def same_tensors(a, b, folder):
    a, b = load_file(a / "model.safetensors"), load_file(b / "model.safetensors")
    if a.keys() != b.keys():
        sys.exit(f"{folder}: other tensors: {sorted(a.keys() ^ b.keys())}")
    for name in a:
        if not torch.equal(a[name].float(), b[name].float()):  # they keep a router in float32
            sys.exit(f"{folder}: {name} differs")


def check(folder):
    question = json.loads((folder / "question.json").read_text())
    answer = json.loads((folder / "answer.json").read_text())
    model = open_model(folder)
    with torch.no_grad():
        expected = logprobs_of(model, question["tokens"])
    got = torch.tensor(answer["logprobs"])
    difference = (got - expected).abs().max().item()
    agreed, reason = compare_greedy(model, question["prompt"], answer["greedy"])
    for dtype in ("float32", "bfloat16"):
        again = folder / "again" / dtype
        opened = open_model(again)
        with torch.no_grad():
            written = logprobs_of(opened, question["tokens"])
        if dtype == "float32" and not torch.equal(written, expected):
            sys.exit(f"{again}: other log-probabilities")
        if dtype == "bfloat16" and (written - expected).abs().max() > 1:
            sys.exit(f"{again}: far off")
    open_model(folder / "again" / "bfloat16", "auto").save_pretrained(folder / "theirs/bfloat16")
    same_tensors(folder / "again/bfloat16", folder / "theirs/bfloat16", folder)
    same_tensors(folder, folder / "again/float32", folder)
    gradients = gradients_of(model, question["tokens"], folder / "expected_gradients")
    ours = load_file(folder / "gradients.safetensors")
    worst = 0, ""
    for name in ours.keys() | gradients.keys():
        if name.endswith("e_score_correction_bias"):  # moved by a rule, not by a gradient
            continue
        norm = gradients[name].norm().item()
        off = (ours[name] - gradients[name]).norm().item()
        worst = max(worst, (off / norm if norm else off, name))
    print(f"{folder.parent.name}/{folder.name}: log-probabilities {difference:.1e}, gradients {worst[0]:.1e} "
          f"({worst[1]}), greedy {agreed} of {len(answer['greedy'])} {reason}")
    if difference > 1e-5 or worst[0] > 1e-4:
        sys.exit("different")


def as_transformers_4(config):
    """The keys that files from before transformers 5 have."""
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else dict(rope, type=kind)
    config["torch_dtype"] = config.pop("dtype")
    if "num_local_experts" in config:
        config["num_experts"] = config.pop("num_local_experts")
    return config


def to_float8(tensors, block):
    """DeepSeek's FP8 of every projection, and the numbers that it stands for."""
    stored, plain = {}, {}
    for name, tensor in tensors.items():
        stored[name] = plain[name] = tensor
        if tensor.dim() != 2 or "proj" not in name:
            continue
        scales = torch.zeros([-(-n // block) for n in tensor.shape])
        codes = torch.zeros(tensor.shape, dtype=torch.float8_e4m3fn)
        for i in range(scales.shape[0]):
            for k in range(scales.shape[1]):
                part = slice(i * block, (i + 1) * block), slice(k * block, (k + 1) * block)
                scales[i, k] = tensor[part].abs().max() / 448
                codes[part] = (tensor[part] / scales[i, k]).to(torch.float8_e4m3fn)
        whole = scales.repeat_interleave(block, 0).repeat_interleave(block, 1)
        stored[name], stored[name + "_scale_inv"] = codes, scales
        plain[name] = codes.float() * whole[:tensor.shape[0], :tensor.shape[1]]
    return stored, plain


def make_variants(source, root):
    """Other ways to store the model, each beside a plain file of the same numbers."""
    config = json.loads((source / "config.json").read_text())
    tensors = load_file(source / "model.safetensors")

    def plain(folder, numbers, config=config):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))
        shutil.copy(source / "question.json", folder)
        save_file(numbers, folder / "model.safetensors")

    for name, dtype in (("bfloat16", torch.bfloat16), ("float16", torch.float16)):
        rounded = {n: t if n.endswith("correction_bias") else t.to(dtype)
                   for n, t in tensors.items()}
        plain(root / name, rounded, as_transformers_4(dict(config)))
        plain(root / (name + "_plain"), {n: t.float() for n, t in rounded.items()})
    sharded = root / "sharded"
    open_model(source).save_pretrained(sharded, max_shard_size="60KB")
    shutil.copy(source / "question.json", sharded)
    if not (sharded / "model.safetensors.index.json").exists():
        sys.exit(f"{sharded}: not in shards")
    plain(root / "sharded_plain", tensors)
    stored, numbers = to_float8(tensors, 24)
    fp8 = {"quantization_config": {"quant_method": "fp8", "fmt": "e4m3",
                                   "weight_block_size": [24, 24]}}
    plain(root / "float8", stored, dict(config, **fp8))
    plain(root / "float8_plain", numbers)


def main():
    binary, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    def run_retort(folder):
        subprocess.run([binary, "--gtest_filter=Parity.AnswersModels", "--gtest_brief=1"],
                       check=True, env=dict(os.environ, RETORT_PARITY_IN=str(folder)))

    shutil.rmtree(root / "models", ignore_errors=True)
    for seed, name in enumerate(MODELS):
        torch.manual_seed(seed)
        make(name, root / "models" / name)
    run_retort(root / "models")
    for name in MODELS:
        check(root / "models" / name)

    shutil.rmtree(root / "variants", ignore_errors=True)
    for name in MODELS:
        variants = root / "variants" / name
        make_variants(root / "models" / name, variants)
        run_retort(variants)
        for variant in ("bfloat16", "float16", "sharded", "float8"):
            answers = [(variants / (variant + end) / "answer.json").read_text()
                       for end in ("", "_plain")]
            if answers[0] != answers[1]:
                sys.exit(f"{variants / variant}: not what its numbers give")
        check(variants / "bfloat16_plain")
        check(variants / "float8_plain")

    # What transformers wrote of what Retort wrote, read by Retort and written again.
    shutil.rmtree(root / "second", ignore_errors=True)
    for name in MODELS:
        second = root / "second" / name
        open_model(root / "models" / name / "again/float32").save_pretrained(second)
        shutil.copy(root / "models" / name / "question.json", second)
    run_retort(root / "second")
    for name in MODELS:
        first, second = root / "models" / name, root / "second" / name
        same_tensors(first / "again/float32", second / "again/float32", second)
        config = [(folder / "again/float32/config.json").read_text() for folder in (first, second)]
        if config[0] != config[1]:
            sys.exit(f"{second}: config.json is no fixed point")
        if json.loads((first / "answer.json").read_text()) != \
                json.loads((second / "answer.json").read_text()):
            sys.exit(f"{second}: other answers")
    print(f"{len(MODELS)} models: load, save, transformers, load, save is a fixed point")


main()
