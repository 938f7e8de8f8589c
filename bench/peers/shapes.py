"""The shapes of `retort bench` as transformers models with random weights."""

from transformers import DeepseekV3Config, DeepseekV3ForCausalLM, LlamaConfig, LlamaForCausalLM


def llama(layers, hidden, heads, kv_heads, width, vocabulary, tied=False):
    return LlamaForCausalLM(LlamaConfig(
        num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=heads,
        num_key_value_heads=kv_heads, intermediate_size=width, vocab_size=vocabulary,
        tie_word_embeddings=tied, max_position_embeddings=65536))


def deepseek():
    return DeepseekV3ForCausalLM(DeepseekV3Config(
        vocab_size=512, hidden_size=256, num_hidden_layers=6, intermediate_size=1024,
        first_k_dense_replace=1, n_routed_experts=16, n_shared_experts=1, num_experts_per_tok=2,
        moe_intermediate_size=256, num_attention_heads=8, num_key_value_heads=8, q_lora_rank=128,
        kv_lora_rank=64, qk_nope_head_dim=32, qk_rope_head_dim=16, v_head_dim=32, n_group=1,
        topk_group=1, routed_scaling_factor=1.0, max_position_embeddings=65536))


def model(shape):
    if shape == "S":
        return llama(6, 256, 4, 4, 1024, 512)
    if shape == "G":
        return llama(6, 384, 6, 6, 1024, 512)
    if shape == "M":
        return llama(30, 576, 9, 3, 1536, 49152, tied=True)
    if shape == "D":
        return deepseek()
    raise SystemExit(f"unknown shape {shape}, expected S, M, D or G")


def active_parameters(net, shape):
    """As `retort inspect` counts: chosen experts only, one row of an untied embedding."""
    total = sum(p.numel() for p in net.parameters())
    c = net.config
    if shape == "D":
        expert = 3 * c.hidden_size * c.moe_intermediate_size
        layers = c.num_hidden_layers - c.first_k_dense_replace
        total -= layers * (c.n_routed_experts - c.num_experts_per_tok) * expert
    if not c.tie_word_embeddings:
        total -= (c.vocab_size - 1) * c.hidden_size
    return total
