#include "model/cost.h"

namespace retort::model {
namespace {

using Wide = __int128;  // the largest sizes that are read give 1e28
struct WideCount {
  Wide total, active;
};

ParameterCount Narrow(const WideCount& count) {
  constexpr auto kMost = static_cast<int64_t>(1e18);
  RETORT_CHECK(count.total <= kMost, "model config: its sizes make ",
               static_cast<double>(count.total), " parameters, expected at most 1e18");
  return {static_cast<int64_t>(count.total), static_cast<int64_t>(count.active)};
}

/// Embedding, final norm and head around `layers`.
template <class Config>
ParameterCount WithEnds(const Config& c, WideCount layers) {
  const int64_t table = c.vocab_size * c.hidden_size;
  const int64_t head = c.tie_word_embeddings ? 0 : table;
  return Narrow({.total = layers.total + table + head + c.hidden_size,
                 .active = layers.active + table + (head ? c.hidden_size : 0) + c.hidden_size});
}

Wide SwiGlu(Wide hidden, Wide width) { return 3 * hidden * width; }

Wide LatentAttention(const DeepseekConfig& c) {
  const Wide query_width = c.num_attention_heads * c.qk_head_dim();
  const Wide query = c.q_lora_rank
                         ? *c.q_lora_rank * (c.hidden_size + 1 + query_width)  // down, norm, up
                         : c.hidden_size * query_width;
  const Wide key_value_width = c.num_attention_heads * (c.qk_nope_head_dim + c.v_head_dim);
  const Wide latent = c.hidden_size * (c.kv_lora_rank + c.qk_rope_head_dim) + c.kv_lora_rank +
                      c.kv_lora_rank * key_value_width;
  return query + latent + Wide{c.num_attention_heads} * c.v_head_dim * c.hidden_size;
}

}  // namespace

ParameterCount CountParameters(const DeepseekConfig& c) {
  const int64_t moe_layers = c.MoeLayers();
  const int64_t dense_layers = c.num_hidden_layers - moe_layers;
  const int64_t bias = c.topk_method == TopkMethod::kNoauxTc ? c.n_routed_experts : 0;
  const Wide expert = SwiGlu(c.hidden_size, c.moe_intermediate_size);
  const Wide router_and_shared =
      c.n_routed_experts * c.hidden_size + bias + c.n_shared_experts * expert;
  const Wide common = c.num_hidden_layers * (LatentAttention(c) + 2 * c.hidden_size) +
                      dense_layers * SwiGlu(c.hidden_size, c.intermediate_size) +
                      moe_layers * router_and_shared;
  return WithEnds(c, {.total = common + moe_layers * c.n_routed_experts * expert,
                      .active = common + moe_layers * c.num_experts_per_tok * expert});
}

ParameterCount CountParameters(const LlamaConfig& c) {
  const Wide query_width = c.num_attention_heads * c.HeadDim();
  const Wide key_value_width = c.num_key_value_heads * c.HeadDim();
  const Wide qkv_width = query_width + 2 * key_value_width;
  const Wide layer = c.hidden_size * qkv_width + (c.QkvBias() ? qkv_width : 0) +
                     query_width * c.hidden_size + (c.OutputBias() ? c.hidden_size : 0) +
                     (c.QkNorm() ? 2 * c.HeadDim() : 0) +
                     SwiGlu(c.hidden_size, c.intermediate_size) + 2 * c.hidden_size;
  const Wide layers = c.num_hidden_layers * layer;
  return WithEnds(c, {.total = layers, .active = layers});
}

ParameterCount CountParameters(const ModelConfig& config) {
  return std::visit([](const auto& c) { return CountParameters(c); }, config);
}

}  // namespace retort::model
