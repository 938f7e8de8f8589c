#pragma once
// Models a little larger than the tiny ones, so that products have whole panels, edges and odd
// inner lengths: for tests of bits.

#include "tests/support/tiny_models.h"

namespace retort::testing {

inline model::DeepseekConfig MidPolicyConfig() {
  model::DeepseekConfig c;
  c.vocab_size = 101;
  c.hidden_size = 47;
  c.num_hidden_layers = 2;
  c.intermediate_size = 70;
  c.n_routed_experts = 32;
  c.num_experts_per_tok = 4;
  c.moe_intermediate_size = 21;
  c.n_group = 4;
  c.topk_group = 2;
  c.num_attention_heads = 3;
  c.q_lora_rank = 33;
  c.kv_lora_rank = 35;
  c.qk_nope_head_dim = 9;
  c.qk_rope_head_dim = 6;
  c.v_head_dim = 13;
  c.max_position_embeddings = 8192;
  c.initializer_range = 0.2;
  return c;
}

inline model::LlamaConfig MidStudentConfig() {
  model::LlamaConfig c;
  c.vocab_size = 101;
  c.hidden_size = 45;
  c.num_hidden_layers = 2;
  c.intermediate_size = 70;
  c.num_attention_heads = 6;
  c.num_key_value_heads = 2;
  c.head_dim = 14;
  c.max_position_embeddings = 8192;
  c.initializer_range = 0.2;
  return c;
}

inline model::Qwen3MoeConfig MidQwen3MoeConfig() {
  model::Qwen3MoeConfig c;
  c.vocab_size = 101;
  c.hidden_size = 45;
  c.num_hidden_layers = 2;
  c.intermediate_size = 70;
  c.num_experts = 32;
  c.num_experts_per_tok = 4;
  c.moe_intermediate_size = 21;
  c.mlp_only_layers = {0};
  c.num_attention_heads = 6;
  c.num_key_value_heads = 2;
  c.head_dim = 14;
  c.max_position_embeddings = 8192;
  c.initializer_range = 0.2;
  return c;
}

inline std::vector<NamedConfig> MidConfigs() {
  return {{"policy", MidPolicyConfig()},
          {"student", MidStudentConfig()},
          {"qwen3_moe", MidQwen3MoeConfig()}};
}

}  // namespace retort::testing
