#include "cli/parts/decode_bytes.h"

#include <algorithm>
#include <cmath>

#include "model/cost.h"

namespace retort::cli {
namespace {

CacheSize Sizes(int64_t layers, int64_t own, int64_t head, int64_t heads) {
  return {.own = layers * own,
          .all_heads = layers * heads * head,
          .eight_heads = layers * std::min<int64_t>(8, heads) * head};
}

CacheSize CacheOfConfig(const model::DeepseekConfig& c) {
  return Sizes(c.num_hidden_layers, c.kv_lora_rank + c.qk_rope_head_dim,
               c.qk_nope_head_dim + c.v_head_dim, c.num_attention_heads);
}

CacheSize CacheOfConfig(const model::LlamaConfig& c) {
  const int64_t head = 2 * c.HeadDim();
  return Sizes(c.num_hidden_layers, c.num_key_value_heads * head, head, c.num_attention_heads);
}

}  // namespace

CacheSize CacheOf(const model::ModelConfig& config) {
  return std::visit([](const auto& c) { return CacheOfConfig(c); }, config);
}

double WeightsRead(const model::ModelConfig& config, int64_t rows) {
  const auto active = static_cast<double>(model::CountParameters(config).active);
  const auto* mixture = std::get_if<model::DeepseekConfig>(&config);
  if (!mixture) return active;
  const auto experts = static_cast<double>(mixture->n_routed_experts);
  const auto chosen = static_cast<double>(mixture->num_experts_per_tok);
  const double read = experts * (1 - std::pow(1 - chosen / experts, static_cast<double>(rows)));
  const double expert =
      3 * static_cast<double>(mixture->hidden_size * mixture->moe_intermediate_size);
  return active + static_cast<double>(mixture->MoeLayers()) * (read - chosen) * expert;
}

}  // namespace retort::cli
