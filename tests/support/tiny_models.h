#pragma once
// Tiny models of every kind, each weight random (norms and biases too), and sequences for them.

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/language_model.h"

namespace retort::testing {

struct NamedConfig {
  std::string name;
  model::ModelConfig config;
};
inline void PrintTo(const NamedConfig& named, std::ostream* out) { *out << named.name; }

/// Policy: two mixture layers behind a dense one, groups, bias, shared expert.
inline model::DeepseekConfig TinyPolicyConfig() {
  model::DeepseekConfig c;
  c.vocab_size = 19;
  c.hidden_size = 8;
  c.num_hidden_layers = 3;
  c.intermediate_size = 10;
  c.n_routed_experts = 8;
  c.moe_intermediate_size = 5;
  c.n_group = 4;
  c.topk_group = 2;
  c.routed_scaling_factor = 1.5;
  c.num_attention_heads = 2;
  c.kv_lora_rank = 4;
  c.qk_nope_head_dim = 4;
  c.qk_rope_head_dim = 2;
  c.v_head_dim = 3;
  c.rope_theta = 100;
  c.initializer_range = 0.4;
  return c;
}

/// The width of DeepSeek-V3's mixture at a tiny d.
inline model::DeepseekConfig WidePolicyConfig() {
  model::DeepseekConfig c = TinyPolicyConfig();
  c.num_hidden_layers = 2;
  c.n_routed_experts = 256;
  c.num_experts_per_tok = 8;
  c.n_group = 8;
  c.topk_group = 4;
  c.moe_intermediate_size = 2;
  c.routed_scaling_factor = 2.5;
  return c;
}

inline model::LlamaConfig TinyStudentConfig(model::DenseType type) {
  model::LlamaConfig c;
  c.model_type = type;
  c.vocab_size = 19;
  c.hidden_size = 8;
  c.num_hidden_layers = 2;
  c.intermediate_size = 12;
  c.num_attention_heads = 4;
  c.num_key_value_heads = 2;
  c.head_dim = type == model::DenseType::kQwen3 ? std::optional<int64_t>(6) : std::nullopt;
  if (!c.head_dim) c.num_attention_heads = 2, c.num_key_value_heads = 1;
  c.rope_theta = 100;
  c.initializer_range = 0.4;
  return c;
}

/// A dense layer between two mixtures.
inline model::Qwen3MoeConfig TinyQwen3MoeConfig() {
  model::Qwen3MoeConfig c;
  c.vocab_size = 19;
  c.hidden_size = 8;
  c.intermediate_size = 10;
  c.num_experts = 6;
  c.moe_intermediate_size = 5;
  c.mlp_only_layers = {1};
  c.num_attention_heads = 4;
  c.num_key_value_heads = 2;
  c.head_dim = 6;
  c.rope_theta = 100;
  c.initializer_range = 0.4;
  return c;
}

inline std::vector<NamedConfig> TinyConfigs() {
  std::vector<NamedConfig> all;
  const model::DeepseekConfig policy = TinyPolicyConfig();
  all.push_back({"policy", policy});

  model::DeepseekConfig low_rank = policy;  // query latent, wider rotary part, tied head, no groups
  low_rank.q_lora_rank = 5;
  low_rank.qk_rope_head_dim = 4;
  low_rank.n_routed_experts = 5;
  low_rank.n_group = low_rank.topk_group = 1;
  low_rank.n_shared_experts = 2;
  low_rank.norm_topk_prob = false;
  low_rank.tie_word_embeddings = true;
  low_rank.rms_norm_eps = 1e-3;
  low_rank.rope_scaling = {.type = model::RopeType::kYarn,
                           .factor = 4,
                           .original_max_position_embeddings = 16,
                           .mscale = 2,
                           .mscale_all_dim = 1};
  all.push_back({"policy_q_lora_tied", low_rank});

  model::DeepseekConfig softmax = policy;  // V2: softmax gate without bias, no shared expert
  softmax.num_hidden_layers = 2;
  softmax.scoring_func = model::ScoringFunc::kSoftmax;
  softmax.topk_method = model::TopkMethod::kGroupLimitedGreedy;
  softmax.n_shared_experts = 0;
  softmax.norm_topk_prob = false;
  all.push_back({"policy_softmax", softmax});

  model::LlamaConfig llama = TinyStudentConfig(model::DenseType::kLlama);
  all.push_back({"llama", llama});
  llama.attention_bias = true;
  llama.tie_word_embeddings = true;
  llama.rope_scaling = {
      .type = model::RopeType::kLlama3, .factor = 8, .original_max_position_embeddings = 16};
  all.push_back({"llama_bias_tied", llama});
  all.push_back({"qwen2", TinyStudentConfig(model::DenseType::kQwen2)});
  model::LlamaConfig qwen3 = TinyStudentConfig(model::DenseType::kQwen3);
  qwen3.tie_word_embeddings = true;
  qwen3.rope_scaling = {
      .type = model::RopeType::kYarn, .factor = 4, .original_max_position_embeddings = 16};
  all.push_back({"qwen3_tied", qwen3});
  model::Qwen3MoeConfig qwen3_moe = TinyQwen3MoeConfig();
  all.push_back({"qwen3_moe", qwen3_moe});
  qwen3_moe.norm_topk_prob = false;
  qwen3_moe.attention_bias = true;
  qwen3_moe.decoder_sparse_step = 2;
  qwen3_moe.mlp_only_layers.clear();
  all.push_back({"qwen3_moe_bias", qwen3_moe});
  return all;
}

/// A model whose norms and biases are random, too.
inline std::unique_ptr<model::LanguageModel> TinyModel(const model::ModelConfig& config,
                                                       uint64_t seed = 1,
                                                       const nn::Precision& precision = {}) {
  auto model = model::NewModel(config, seed, precision);
  nn::ParameterStore& values = model->ChangeValues();
  RandomStream random({.seed = seed, .purpose = "tiny vectors"});
  for (const nn::ParameterInfo& p : values.layout().all()) {
    if (p.shape.size() != 1) continue;
    for (float& value : values[p.name]) value += static_cast<float>(0.2 * random.Normal());
  }
  return model;
}

/// All numbers of a store, in the layout's order.
inline std::vector<float> Numbers(const nn::ParameterStore& store) {
  std::vector<float> numbers;
  for (const nn::ParameterInfo& p : store.layout().all()) {
    const std::span<const float> of = store[p.name];
    numbers.insert(numbers.end(), of.begin(), of.end());
  }
  return numbers;
}

inline std::vector<int32_t> RandomTokens(std::string_view name, int64_t count, int64_t vocabulary) {
  RandomStream random({.seed = 3, .purpose = name});
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(random.Below(static_cast<uint64_t>(vocabulary))));
  }
  return tokens;
}

}  // namespace retort::testing
