#include "model/config.h"

namespace retort::model {
namespace {

template <class Config>
void CheckRope(const Config& config, int64_t dim, const char* name) {
  const RopeScaling& scaling = config.rope_scaling;
  RETORT_CHECK(dim % 2 == 0, "model config: ", name, " is ", dim,
               ", expected an even number: rotary positions turn pairs");
  RETORT_CHECK(scaling.type != RopeType::kYarn || config.rope_theta > 1,
               "model config: rope_theta is ", config.rope_theta,
               ", expected more than 1 with yarn");
  RETORT_CHECK(
      scaling.type != RopeType::kLlama3 || scaling.low_freq_factor < scaling.high_freq_factor,
      "model config: rope_scaling.low_freq_factor ", scaling.low_freq_factor,
      " is not below high_freq_factor ", scaling.high_freq_factor);
}

void CheckToken(const std::optional<int64_t>& id, int64_t vocab_size, const char* name) {
  RETORT_CHECK(!id || *id < vocab_size, "model config: ", name, " is ", id.value_or(0),
               ", expected less than vocab_size ", vocab_size);
}

template <class Config>
void CheckTokens(const Config& config) {
  CheckToken(config.bos_token_id, config.vocab_size, "bos_token_id");
  CheckToken(config.eos_token_id, config.vocab_size, "eos_token_id");
  CheckToken(config.pad_token_id, config.vocab_size, "pad_token_id");
}

void CheckGate(const DeepseekConfig& c) {
  RETORT_CHECK(c.num_experts_per_tok <= c.n_routed_experts, "model config: num_experts_per_tok ",
               c.num_experts_per_tok, " is more than n_routed_experts ", c.n_routed_experts);
  if (c.topk_method == TopkMethod::kGreedy) return;  // groups play no part
  RETORT_CHECK(c.n_routed_experts % c.n_group == 0, "model config: n_group ", c.n_group,
               " does not divide n_routed_experts ", c.n_routed_experts);
  RETORT_CHECK(c.topk_group <= c.n_group, "model config: topk_group ", c.topk_group,
               " is more than n_group ", c.n_group);
  const int64_t group_size = c.n_routed_experts / c.n_group;
  RETORT_CHECK(c.num_experts_per_tok <= c.topk_group * group_size,
               "model config: num_experts_per_tok ", c.num_experts_per_tok, " is more than the ",
               c.topk_group * group_size, " experts of ", c.topk_group,
               " kept groups. Raise topk_group or lower num_experts_per_tok");
  RETORT_CHECK(c.n_group == 1 || c.topk_method != TopkMethod::kNoauxTc || group_size >= 2,
               "model config: n_group ", c.n_group, " leaves ", group_size,
               " expert per group, expected at least 2: a group is scored by its best two");
}

template <class Config>
void CheckHeads(const Config& config) {
  RETORT_CHECK(config.head_dim || config.hidden_size % config.num_attention_heads == 0,
               "model config: num_attention_heads ", config.num_attention_heads,
               " does not divide hidden_size ", config.hidden_size, ". Set head_dim or change one");
  RETORT_CHECK(config.num_attention_heads % config.num_key_value_heads == 0,
               "model config: num_key_value_heads ", config.num_key_value_heads,
               " does not divide num_attention_heads ", config.num_attention_heads);
}

// A config made in code has not been through a reader.
template <class Config>
void CheckBounds(Config config) {
  ReadOptions(WriteOptions(config), "model config", config);
}

}  // namespace

CommonConfig Common(const ModelConfig& config) {
  return std::visit(
      [](const auto& c) -> CommonConfig {
        RopeScaling scaling = c.rope_scaling;
        if (!scaling.original_max_position_embeddings) {
          scaling.original_max_position_embeddings = c.max_position_embeddings;
        }
        int64_t context = c.max_position_embeddings;
        if constexpr (requires { c.Context(); }) context = c.Context();
        return {.vocab_size = c.vocab_size,
                .hidden_size = c.hidden_size,
                .num_hidden_layers = c.num_hidden_layers,
                .max_position_embeddings = context,
                .rope_theta = c.rope_theta,
                .rope_scaling = scaling,
                .rms_norm_eps = c.rms_norm_eps,
                .initializer_range = c.initializer_range,
                .tie_word_embeddings = c.tie_word_embeddings};
      },
      config);
}

std::string ModelType(const ModelConfig& config) {
  if (const auto* dense = std::get_if<LlamaConfig>(&config)) return EnumName(dense->model_type);
  if (std::holds_alternative<Qwen3MoeConfig>(config)) return "qwen3_moe";
  return std::get<DeepseekConfig>(config).topk_method == TopkMethod::kNoauxTc ? "deepseek_v3"
                                                                              : "deepseek_v2";
}

void Validate(const DeepseekConfig& config) {
  CheckBounds(config);
  CheckRope(config, config.qk_rope_head_dim, "qk_rope_head_dim");
  RETORT_CHECK(config.num_nextn_predict_layers == 0, "model config: num_nextn_predict_layers is ",
               config.num_nextn_predict_layers,
               ", but multi-token prediction cannot be run yet. Set it to 0");
  CheckGate(config);
  CheckTokens(config);
}

void Validate(const Qwen3MoeConfig& config) {
  CheckBounds(config);
  CheckHeads(config);
  RETORT_CHECK(config.num_experts_per_tok <= config.num_experts,
               "model config: num_experts_per_tok ", config.num_experts_per_tok,
               " is more than num_experts ", config.num_experts);
  CheckRope(config, config.HeadDim(), "head_dim");
  CheckTokens(config);
}

void Validate(const LlamaConfig& config) {
  CheckBounds(config);
  CheckHeads(config);
  RETORT_CHECK(config.model_type != DenseType::kQwen2 || !config.attention_bias,
               "model config: attention_bias has no meaning for qwen2, which always has q, k, v "
               "biases and no output bias. Remove it");
  RETORT_CHECK(config.model_type != DenseType::kMistral || !config.attention_bias,
               "model config: attention_bias has no meaning for mistral, which has none. Remove "
               "it");
  RETORT_CHECK(config.model_type == DenseType::kMistral || !config.sliding_window,
               "model config: sliding_window has a meaning only for mistral. Remove it");
  CheckRope(config, config.HeadDim(), "head_dim");
  CheckTokens(config);
}

void Validate(const ModelConfig& config) {
  std::visit([](const auto& c) { Validate(c); }, config);
}

}  // namespace retort::model
