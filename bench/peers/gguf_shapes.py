"""The shapes of `retort bench` as GGUF files with random weights, for llama.cpp."""

import gguf
import numpy as np

TYPES = {"float32": (gguf.LlamaFileType.ALL_F32, gguf.GGMLQuantizationType.F32),
         "bfloat16": (gguf.LlamaFileType.MOSTLY_BF16, gguf.GGMLQuantizationType.BF16),
         "q8_0": (gguf.LlamaFileType.MOSTLY_Q8_0, gguf.GGMLQuantizationType.Q8_0)}


class File:
    def __init__(self, path, architecture, dtype):
        self.writer = gguf.GGUFWriter(path, architecture)
        file_type, self.type = TYPES[dtype]
        self.writer.add_file_type(file_type)
        self.writer.add_tokenizer_model("no_vocab")
        self.random = np.random.default_rng(1)

    def matrix(self, name, *shape):
        """`shape` as in PyTorch: outputs first, inputs last."""
        weights = self.random.normal(0, 0.02, shape).astype(np.float32)
        kept = self.type if shape[-1] % 32 == 0 else gguf.GGMLQuantizationType.F32
        self.writer.add_tensor(name, gguf.quants.quantize(weights, kept), raw_dtype=kept)

    def router(self, name, *shape):
        self.writer.add_tensor(name, self.random.normal(0, 0.02, shape).astype(np.float32))

    def ones(self, name, size):
        self.writer.add_tensor(name, np.ones(size, np.float32))

    def close(self):
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()


def common(file, layers, hidden, heads, kv_heads, width, vocabulary):
    w = file.writer
    w.add_context_length(65536)
    w.add_embedding_length(hidden)
    w.add_block_count(layers)
    w.add_feed_forward_length(width)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_layer_norm_rms_eps(1e-6)
    w.add_vocab_size(vocabulary)
    file.matrix("token_embd.weight", vocabulary, hidden)
    file.ones("output_norm.weight", hidden)


def feed_forward(file, layer, hidden, width, kind=""):
    file.matrix(f"blk.{layer}.ffn_gate{kind}.weight", width, hidden)
    file.matrix(f"blk.{layer}.ffn_up{kind}.weight", width, hidden)
    file.matrix(f"blk.{layer}.ffn_down{kind}.weight", hidden, width)


def llama(path, dtype, layers, hidden, heads, kv_heads, width, vocabulary, tied=False):
    file = File(path, "llama", dtype)
    common(file, layers, hidden, heads, kv_heads, width, vocabulary)
    head = hidden // heads
    file.writer.add_rope_dimension_count(head)
    if not tied:
        file.matrix("output.weight", vocabulary, hidden)
    for l in range(layers):
        file.ones(f"blk.{l}.attn_norm.weight", hidden)
        file.matrix(f"blk.{l}.attn_q.weight", heads * head, hidden)
        file.matrix(f"blk.{l}.attn_k.weight", kv_heads * head, hidden)
        file.matrix(f"blk.{l}.attn_v.weight", kv_heads * head, hidden)
        file.matrix(f"blk.{l}.attn_output.weight", hidden, heads * head)
        file.ones(f"blk.{l}.ffn_norm.weight", hidden)
        feed_forward(file, l, hidden, width)
    file.close()


def deepseek(path, dtype):
    """MLA cached as the latent: one head of keys, as llama.cpp's converter writes it."""
    layers, hidden, heads, width, vocabulary = 6, 256, 8, 1024, 512
    q_rank, rank, nope, rope, value, experts, expert = 128, 64, 32, 16, 32, 16, 256
    file = File(path, "deepseek2", dtype)
    common(file, layers, hidden, heads, 1, width, vocabulary)
    w = file.writer
    w.add_leading_dense_block_count(1)
    w.add_q_lora_rank(q_rank)
    w.add_kv_lora_rank(rank)
    w.add_key_length(rank + rope)
    w.add_value_length(rank)
    w.add_key_length_mla(nope + rope)
    w.add_value_length_mla(value)
    w.add_rope_dimension_count(rope)
    w.add_expert_count(experts)
    w.add_expert_used_count(2)
    w.add_expert_shared_count(1)
    w.add_expert_feed_forward_length(expert)
    w.add_expert_weights_scale(1.0)
    w.add_expert_weights_norm(True)
    w.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    file.matrix("output.weight", vocabulary, hidden)
    for l in range(layers):
        file.ones(f"blk.{l}.attn_norm.weight", hidden)
        file.matrix(f"blk.{l}.attn_q_a.weight", q_rank, hidden)
        file.ones(f"blk.{l}.attn_q_a_norm.weight", q_rank)
        file.matrix(f"blk.{l}.attn_q_b.weight", heads * (nope + rope), q_rank)
        file.matrix(f"blk.{l}.attn_kv_a_mqa.weight", rank + rope, hidden)
        file.ones(f"blk.{l}.attn_kv_a_norm.weight", rank)
        file.matrix(f"blk.{l}.attn_k_b.weight", heads, rank, nope)
        file.matrix(f"blk.{l}.attn_v_b.weight", heads, value, rank)
        file.matrix(f"blk.{l}.attn_output.weight", hidden, heads * value)
        file.ones(f"blk.{l}.ffn_norm.weight", hidden)
        if l == 0:
            feed_forward(file, l, hidden, width)
            continue
        file.router(f"blk.{l}.ffn_gate_inp.weight", experts, hidden)
        file.router(f"blk.{l}.exp_probs_b.bias", experts)
        file.matrix(f"blk.{l}.ffn_gate_exps.weight", experts, expert, hidden)
        file.matrix(f"blk.{l}.ffn_up_exps.weight", experts, expert, hidden)
        file.matrix(f"blk.{l}.ffn_down_exps.weight", experts, hidden, expert)
        feed_forward(file, l, hidden, expert, "_shexp")
    file.close()


def write(path, shape, dtype):
    if shape == "S":
        llama(path, dtype, 6, 256, 4, 4, 1024, 512)
    elif shape == "G":
        llama(path, dtype, 6, 384, 6, 6, 1024, 512)
    elif shape == "M":
        llama(path, dtype, 30, 576, 9, 3, 1536, 49152, tied=True)
    elif shape == "D":
        deepseek(path, dtype)
    else:
        raise SystemExit(f"unknown shape {shape}, expected S, M, D or G; or give --gguf FILE")
