#pragma once
// What a model is made of: the fields of `config.json` under their published names.
//
// `DeepseekConfig` is the mixture-of-experts policy (DeepSeek-V3 report, arXiv 2412.19437, section
// 2), `LlamaConfig` the dense students, `Qwen3MoeConfig` what its name says. The defaults are small
// models that train on a CPU, not the published sizes. Shape letters: d = hidden_size, H =
// num_attention_heads.
//
// Two ways in: a *recipe* is read strictly (an unknown key is an error that names the nearest), a
// *published* config.json leniently (keys that do not concern us are ignored, but one that would
// change the arithmetic is refused, and a missing size is an error). Reading accepts more than
// Retort can run, so that such a model can still be inspected; Validate() draws that line.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/options.h"
#include "model/rope_scaling.h"

namespace retort::model {

enum class ScoringFunc { kSigmoid, kSoftmax };
constexpr auto EnumNames(ScoringFunc) {
  return std::array{std::pair{ScoringFunc::kSigmoid, "sigmoid"},
                    std::pair{ScoringFunc::kSoftmax, "softmax"}};
}

/// How experts are chosen from their scores.
enum class TopkMethod {
  kNoauxTc,             ///< V3: top-k of score + bias; a group counts the sum of its best two
  kGreedy,              ///< V2-Lite: plain top-k, no bias, groups ignored
  kGroupLimitedGreedy,  ///< V2: no bias; a group counts its best score
};
constexpr auto EnumNames(TopkMethod) {
  return std::array{std::pair{TopkMethod::kNoauxTc, "noaux_tc"},
                    std::pair{TopkMethod::kGreedy, "greedy"},
                    std::pair{TopkMethod::kGroupLimitedGreedy, "group_limited_greedy"}};
}

/// DeepSeek-V2/V3: multi-head latent attention, dense first layers, then mixtures of experts.
struct DeepseekConfig {
  int64_t vocab_size = 264;  // Tokenizer::ByteLevel()
  int64_t hidden_size = 128;
  int64_t num_hidden_layers = 3;
  int64_t num_nextn_predict_layers = 0;
  int64_t intermediate_size = 352;
  int64_t first_k_dense_replace = 1;
  int64_t moe_layer_freq = 1;
  int64_t n_routed_experts = 8;
  int64_t n_shared_experts = 1;
  int64_t moe_intermediate_size = 96;
  int64_t num_experts_per_tok = 2;
  int64_t n_group = 1;
  int64_t topk_group = 1;
  TopkMethod topk_method = TopkMethod::kNoauxTc;
  ScoringFunc scoring_func = ScoringFunc::kSigmoid;
  bool norm_topk_prob = true;
  double routed_scaling_factor = 1.0;
  int64_t num_attention_heads = 4;
  std::optional<int64_t> q_lora_rank;  ///< empty: one plain query projection
  int64_t kv_lora_rank = 32;
  int64_t qk_nope_head_dim = 32;
  int64_t qk_rope_head_dim = 16;
  int64_t v_head_dim = 32;
  int64_t max_position_embeddings = 1024;
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  double rms_norm_eps = 1e-6;
  double initializer_range = 0.02;
  bool tie_word_embeddings = false;
  std::optional<int64_t> bos_token_id, eos_token_id, pad_token_id;

  /// Layer 0 … num_hidden_layers-1; true when its feed-forward part is a mixture of experts.
  bool IsMoeLayer(int64_t layer) const {
    return layer >= first_k_dense_replace && layer % moe_layer_freq == 0;
  }

  bool operator==(const DeepseekConfig&) const = default;
  template <class V>
  void Visit(V& v) {
    const Bounds size{1, 1e7};
    const Bounds count{0, 1e6};
    v("vocab_size", vocab_size, "Rows of the embedding and of the head.", size);
    v("hidden_size", hidden_size, "Width d of the residual stream.", size);
    v("num_hidden_layers", num_hidden_layers, "Decoder layers.", size);
    v("num_nextn_predict_layers", num_nextn_predict_layers,
      "Multi-token prediction modules (only 0 for now).", count);
    v("intermediate_size", intermediate_size, "SwiGLU width of the dense layers.", size);
    v("first_k_dense_replace", first_k_dense_replace, "Leading layers that stay dense.", count);
    v("moe_layer_freq", moe_layer_freq, "Every how many layers a mixture follows after those.",
      size);
    v("n_routed_experts", n_routed_experts, "Routed experts per mixture layer.", size);
    v("n_shared_experts", n_shared_experts,
      "Shared experts: one SwiGLU of n_shared_experts * moe_intermediate_size.", count);
    v("moe_intermediate_size", moe_intermediate_size, "SwiGLU width of one expert.", size);
    v("num_experts_per_tok", num_experts_per_tok, "Routed experts each token visits.", size);
    v("n_group", n_group, "Groups the routed experts are split into.", size);
    v("topk_group", topk_group, "Groups a token may choose experts from.", size);
    v("topk_method", topk_method, "How experts are chosen from their scores.");
    v("scoring_func", scoring_func, "How router logits become scores.");
    v("norm_topk_prob", norm_topk_prob, "Divide the chosen scores by their sum.");
    v("routed_scaling_factor", routed_scaling_factor, "Multiplies the gate weights.",
      Bounds{0, 1e3});
    v("num_attention_heads", num_attention_heads, "Attention heads H.", size);
    v("q_lora_rank", q_lora_rank, "Width of the query latent; null for a plain projection.", size);
    v("kv_lora_rank", kv_lora_rank, "Width of the key-value latent that is cached.", size);
    v("qk_nope_head_dim", qk_nope_head_dim, "Per-head query/key width without position.", size);
    v("qk_rope_head_dim", qk_rope_head_dim, "Per-head query/key width with rotary position; even.",
      size);
    v("v_head_dim", v_head_dim, "Per-head value width.", size);
    v("max_position_embeddings", max_position_embeddings, "Longest sequence in tokens.",
      Bounds{1, 1e9});
    v("rope_theta", rope_theta, "Base of the rotary frequencies.", Bounds{1, 1e12});
    v("rope_scaling", rope_scaling, "Stretching of the rotary frequencies.");
    v("rms_norm_eps", rms_norm_eps, "Added to the mean square in every norm.", Bounds{0, 1});
    v("initializer_range", initializer_range, "Standard deviation of the initial weights.",
      Bounds{0, 10});
    v("tie_word_embeddings", tie_word_embeddings, "Use the embedding as the head.");
    v("bos_token_id", bos_token_id, "Begin-of-text id, null when there is none.", Bounds{0, 1e7});
    v("eos_token_id", eos_token_id, "End-of-text id.", Bounds{0, 1e7});
    v("pad_token_id", pad_token_id, "Padding id; Retort itself never pads.", Bounds{0, 1e7});
  }
};

enum class DenseType { kLlama, kMistral, kQwen2, kQwen3 };
constexpr auto EnumNames(DenseType) {
  return std::array{std::pair{DenseType::kLlama, "llama"},
                    std::pair{DenseType::kMistral, "mistral"},
                    std::pair{DenseType::kQwen2, "qwen2"}, std::pair{DenseType::kQwen3, "qwen3"}};
}

/// Llama, Mistral, Qwen2 and Qwen3: grouped-query attention, SwiGLU, RMSNorm, half-split rotary
/// positions.
struct LlamaConfig {
  DenseType model_type = DenseType::kQwen3;
  int64_t vocab_size = 264;  // Tokenizer::ByteLevel()
  int64_t hidden_size = 64;
  int64_t num_hidden_layers = 3;
  int64_t intermediate_size = 176;
  int64_t num_attention_heads = 4;
  int64_t num_key_value_heads = 2;
  std::optional<int64_t> head_dim;  ///< empty: hidden_size / num_attention_heads
  bool attention_bias = false;      ///< llama, qwen3: bias on q, k, v and o; qwen2 has its own rule
  /// mistral: keys that a token sees. Up to that many tokens full attention is the same, and longer
  /// sequences are refused.
  std::optional<int64_t> sliding_window;
  int64_t max_position_embeddings = 1024;
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  double rms_norm_eps = 1e-6;
  double initializer_range = 0.02;
  bool tie_word_embeddings = false;
  std::optional<int64_t> bos_token_id, eos_token_id, pad_token_id;

  int64_t HeadDim() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  /// Bias on the query, key and value projections.
  bool QkvBias() const { return model_type == DenseType::kQwen2 || attention_bias; }
  /// Bias on the output projection.
  bool OutputBias() const { return model_type != DenseType::kQwen2 && attention_bias; }
  /// Longest sequence in tokens.
  int64_t Context() const {
    return std::min(max_position_embeddings, sliding_window.value_or(max_position_embeddings));
  }
  /// RMSNorm of each query and key head before the rotation.
  bool QkNorm() const { return model_type == DenseType::kQwen3; }

  bool operator==(const LlamaConfig&) const = default;
  template <class V>
  void Visit(V& v) {
    const Bounds size{1, 1e7};
    v("model_type", model_type, "Family: qwen2 adds q, k, v biases, qwen3 norms queries and keys.");
    v("vocab_size", vocab_size, "Rows of the embedding and of the head.", size);
    v("hidden_size", hidden_size, "Width d of the residual stream.", size);
    v("num_hidden_layers", num_hidden_layers, "Decoder layers.", size);
    v("intermediate_size", intermediate_size, "SwiGLU width.", size);
    v("num_attention_heads", num_attention_heads, "Query heads H.", size);
    v("num_key_value_heads", num_key_value_heads, "Key-value heads; divides the query heads.",
      size);
    v("head_dim", head_dim, "Width of one head; null for hidden_size / num_attention_heads.", size);
    v("attention_bias", attention_bias, "Biases on the attention projections (llama, qwen3).");
    v("sliding_window", sliding_window,
      "Keys a token sees (mistral), null for all. Sequences may not be longer.", size);
    v("max_position_embeddings", max_position_embeddings, "Longest sequence in tokens.",
      Bounds{1, 1e9});
    v("rope_theta", rope_theta, "Base of the rotary frequencies.", Bounds{1, 1e12});
    v("rope_scaling", rope_scaling, "Stretching of the rotary frequencies.");
    v("rms_norm_eps", rms_norm_eps, "Added to the mean square in every norm.", Bounds{0, 1});
    v("initializer_range", initializer_range, "Standard deviation of the initial weights.",
      Bounds{0, 10});
    v("tie_word_embeddings", tie_word_embeddings, "Use the embedding as the head.");
    v("bos_token_id", bos_token_id, "Begin-of-text id, null when there is none.", Bounds{0, 1e7});
    v("eos_token_id", eos_token_id, "End-of-text id.", Bounds{0, 1e7});
    v("pad_token_id", pad_token_id, "Padding id; Retort itself never pads.", Bounds{0, 1e7});
  }
};

/// Qwen3-MoE: the attention of Qwen3, mixtures of experts with a softmax gate, no shared expert.
struct Qwen3MoeConfig {
  int64_t vocab_size = 264;  // Tokenizer::ByteLevel()
  int64_t hidden_size = 64;
  int64_t num_hidden_layers = 3;
  int64_t intermediate_size = 176;
  int64_t num_experts = 8;
  int64_t num_experts_per_tok = 2;
  int64_t moe_intermediate_size = 64;
  bool norm_topk_prob = true;
  int64_t decoder_sparse_step = 1;
  std::vector<int64_t> mlp_only_layers;
  int64_t num_attention_heads = 4;
  int64_t num_key_value_heads = 2;
  std::optional<int64_t> head_dim;  ///< empty: hidden_size / num_attention_heads
  bool attention_bias = false;      ///< on q, k, v and o
  int64_t max_position_embeddings = 1024;
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  double rms_norm_eps = 1e-6;
  double initializer_range = 0.02;
  bool tie_word_embeddings = false;
  std::optional<int64_t> bos_token_id, eos_token_id, pad_token_id;

  int64_t HeadDim() const { return head_dim.value_or(hidden_size / num_attention_heads); }

  bool operator==(const Qwen3MoeConfig&) const = default;
  template <class V>
  void Visit(V& v) {
    const Bounds size{1, 1e7};
    v("vocab_size", vocab_size, "Rows of the embedding and of the head.", size);
    v("hidden_size", hidden_size, "Width d of the residual stream.", size);
    v("num_hidden_layers", num_hidden_layers, "Decoder layers.", size);
    v("intermediate_size", intermediate_size, "SwiGLU width of the dense layers.", size);
    v("num_experts", num_experts, "Experts per mixture layer.", size);
    v("num_experts_per_tok", num_experts_per_tok, "Experts each token visits.", size);
    v("moe_intermediate_size", moe_intermediate_size, "SwiGLU width of one expert.", size);
    v("norm_topk_prob", norm_topk_prob, "Divide the chosen scores by their sum.");
    v("decoder_sparse_step", decoder_sparse_step, "Every how many layers is a mixture.", size);
    v("mlp_only_layers", mlp_only_layers, "Layers that are dense nevertheless.", Bounds{0, 1e7});
    v("num_attention_heads", num_attention_heads, "Query heads H.", size);
    v("num_key_value_heads", num_key_value_heads, "Key-value heads; divides the query heads.",
      size);
    v("head_dim", head_dim, "Width of one head; null for hidden_size / num_attention_heads.", size);
    v("attention_bias", attention_bias, "Biases on the attention projections.");
    v("max_position_embeddings", max_position_embeddings, "Longest sequence in tokens.",
      Bounds{1, 1e9});
    v("rope_theta", rope_theta, "Base of the rotary frequencies.", Bounds{1, 1e12});
    v("rope_scaling", rope_scaling, "Stretching of the rotary frequencies.");
    v("rms_norm_eps", rms_norm_eps, "Added to the mean square in every norm.", Bounds{0, 1});
    v("initializer_range", initializer_range, "Standard deviation of the initial weights.",
      Bounds{0, 10});
    v("tie_word_embeddings", tie_word_embeddings, "Use the embedding as the head.");
    v("bos_token_id", bos_token_id, "Begin-of-text id, null when there is none.", Bounds{0, 1e7});
    v("eos_token_id", eos_token_id, "End-of-text id.", Bounds{0, 1e7});
    v("pad_token_id", pad_token_id, "Padding id; Retort itself never pads.", Bounds{0, 1e7});
  }
};

using ModelConfig = std::variant<DeepseekConfig, LlamaConfig, Qwen3MoeConfig>;

/// The fields that every family has.
struct CommonConfig {
  int64_t vocab_size, hidden_size, num_hidden_layers;
  int64_t max_position_embeddings;  ///< that can be used: of a sliding window no more than it
  double rope_theta;
  RopeScaling rope_scaling;  ///< with original_max_position_embeddings
  double rms_norm_eps, initializer_range;
  bool tie_word_embeddings;
};
CommonConfig Common(const ModelConfig& config);

/// "deepseek_v3", "deepseek_v2" (the gate has no bias), "llama", "mistral", "qwen2", "qwen3" or
/// "qwen3_moe".
std::string ModelType(const ModelConfig& config);

/// Throws Error unless Retort can run the model: sizes that do not fit together, unsupported
/// features.
void Validate(const DeepseekConfig& config);
void Validate(const LlamaConfig& config);
void Validate(const Qwen3MoeConfig& config);
void Validate(const ModelConfig& config);

/// The `model` object of a recipe: `model_type` and any fields of that family; the rest default.
/// `where` starts the error message.
ModelConfig ReadModelOptions(const Json& json, const std::string& where);
Json WriteModelOptions(const ModelConfig& config);

/// Model types that share a config struct, and its fields with their defaults.
struct ModelFamily {
  std::vector<std::string> model_types;
  std::string help;
  ModelConfig config;
};
std::vector<ModelFamily> ModelFamilies();

/// A published config.json. Accepts `rope_theta` as well as `rope_parameters`, and a list of
/// eos_token_id (the first counts; generation_config.json has them all).
ModelConfig ReadPublishedConfig(const Json& json, const std::string& where);
ModelConfig ReadModelConfig(const std::filesystem::path& folder);

/// The config.json that transformers reads; `dtype` is that of the stored weights. A sigmoid gate
/// without bias or a softmax gate with bias exist only here: transformers opens such a file but
/// scores with the family's own function.
Json PublishedConfig(const ModelConfig& config, const std::string& dtype = "float32");
void WriteModelConfig(const ModelConfig& config, const std::filesystem::path& folder,
                      const std::string& dtype = "float32");

}  // namespace retort::model
