#include "model/internal/architecture.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace retort::model {
namespace {

// transformers 5 lists what every layer attends to.
void RequireFullAttention(const Json& json, const std::string& where) {
  for (const Json& layer : json.value("layer_types", Json::array())) {
    RETORT_CHECK(layer == "full_attention", where, ".layer_types: got ", ToJsonLine(layer),
                 ", supported is only \"full_attention\"");
  }
}

// DeepSeek-V2 and V3.

template <TopkMethod kMethod>
ModelConfig DeepseekDefaults() {
  DeepseekConfig config;
  config.topk_method = kMethod;
  return config;
}

template <bool kV3>
void NormaliseDeepseek(Json& json, const std::string& where) {
  json.emplace("topk_method", kV3 ? "noaux_tc" : "greedy");
  json.emplace("scoring_func", kV3 ? "sigmoid" : "softmax");
  RETORT_CHECK(!json.value("attention_bias", false), where,
               ".attention_bias: got true, supported is only false for ",
               kV3 ? "deepseek_v3" : "deepseek_v2");
  for (const char* key : {"n_group", "topk_group"}) {  // V2-Lite may state null
    if (json.contains(key) && json[key].is_null()) json[key] = 1;
  }
  // Its tensors are left out of what is loaded (model/pretrained.h).
  json["num_nextn_predict_layers"] = 0;
}

void PublishDeepseek(const ModelConfig&, Json& json) {
  json["num_key_value_heads"] = json["num_attention_heads"];  // nominal: the latent is shared
  json["attention_bias"] = false;
  json["rope_interleave"] = true;
}

DecoderSpec DeepseekSpec(const ModelConfig& config) {
  const auto& c = std::get<DeepseekConfig>(config);
  const bool greedy = c.topk_method == TopkMethod::kGreedy;
  return {.common = Common(c),
          .attention = MlaSpec{.heads = c.num_attention_heads,
                               .nope = c.qk_nope_head_dim,
                               .rope = c.qk_rope_head_dim,
                               .value = c.v_head_dim,
                               .latent = c.kv_lora_rank,
                               .q_latent = c.q_lora_rank},
          .dense = {c.intermediate_size},
          .moe = MoeSpec{.router = {.experts = c.n_routed_experts,
                                    .top_k = c.num_experts_per_tok,
                                    .groups = greedy ? 1 : c.n_group,
                                    .top_groups = greedy ? 1 : c.topk_group,
                                    .scoring = c.scoring_func == ScoringFunc::kSigmoid
                                                   ? nn::Scoring::kSigmoid
                                                   : nn::Scoring::kSoftmax,
                                    .normalize = c.norm_topk_prob,
                                    .scale = static_cast<float>(c.routed_scaling_factor)},
                         .bias = c.topk_method == TopkMethod::kNoauxTc,
                         .width = c.moe_intermediate_size,
                         .shared_width = c.n_shared_experts * c.moe_intermediate_size},
          .is_moe = [c](int64_t layer) { return c.IsMoeLayer(layer); },
          .experts_key = "n_routed_experts"};
}

// Llama, Mistral, Qwen2, Qwen3.

template <DenseType kType>
ModelConfig LlamaDefaults() {
  LlamaConfig config;
  config.model_type = kType;
  return config;
}

void NormaliseLlama(Json& json, const std::string& where) {
  RequireFullAttention(json, where);
  json.erase("sliding_window");  // Qwen's has a switch of its own, which is off
}

void NormaliseMistral(Json& json, const std::string& where) {
  RequireFullAttention(json, where);
  json.emplace("sliding_window", 4096);  // what transformers assumes
  json.erase("attention_bias");
}

void CompleteLlama(const Json& published, ModelConfig& config) {
  auto& c = std::get<LlamaConfig>(config);
  if (published.value("num_key_value_heads", Json()).is_null()) {
    c.num_key_value_heads = c.num_attention_heads;
  }
  if (!published.contains("head_dim") && c.model_type == DenseType::kQwen3) c.head_dim = 128;
  // Some Qwen2 files carry the key; the family ignores it.
  if (c.model_type == DenseType::kQwen2) c.attention_bias = false;
}

void PublishLlama(const ModelConfig& config, Json& json) {
  const auto& c = std::get<LlamaConfig>(config);
  json["head_dim"] = c.HeadDim();
  if (c.model_type == DenseType::kLlama) json["mlp_bias"] = false;
  if (c.model_type == DenseType::kQwen2 || c.model_type == DenseType::kQwen3) {
    json["use_sliding_window"] = false;
  }
  if (c.model_type != DenseType::kMistral) json.erase("sliding_window");
}

DecoderSpec LlamaSpec(const ModelConfig& config) {
  const auto& c = std::get<LlamaConfig>(config);
  return {.common = Common(c),
          .attention = GqaSpec{.heads = c.num_attention_heads,
                               .kv_heads = c.num_key_value_heads,
                               .head_dim = c.HeadDim(),
                               .qkv_bias = c.QkvBias(),
                               .output_bias = c.OutputBias(),
                               .qk_norm = c.QkNorm()},
          .dense = {c.intermediate_size},
          .moe = std::nullopt};
}

// Qwen3-MoE.

ModelConfig Qwen3MoeDefaults() { return Qwen3MoeConfig(); }

void NormaliseQwen3Moe(Json& json, const std::string& where) {
  RequireFullAttention(json, where);
  if (json.contains("num_local_experts")) {  // what transformers 5 calls it
    json.emplace("num_experts", json["num_local_experts"]);
  }
  RETORT_CHECK(json.contains("num_key_value_heads") && json["num_key_value_heads"].is_number(),
               where, ": num_key_value_heads is missing: a published qwen3_moe must state it");
}

std::vector<int64_t> Sorted(std::vector<int64_t> layers) {
  std::ranges::sort(layers);
  return layers;
}

void PublishQwen3Moe(const ModelConfig& config, Json& json) {
  json["head_dim"] = std::get<Qwen3MoeConfig>(config).HeadDim();
  json["use_sliding_window"] = false;
}

DecoderSpec Qwen3MoeSpec(const ModelConfig& config) {
  const auto& c = std::get<Qwen3MoeConfig>(config);
  return {.common = Common(c),
          .attention = GqaSpec{.heads = c.num_attention_heads,
                               .kv_heads = c.num_key_value_heads,
                               .head_dim = c.HeadDim(),
                               .qkv_bias = c.attention_bias,
                               .output_bias = c.attention_bias,
                               .qk_norm = true},
          .dense = {c.intermediate_size},
          .moe = MoeSpec{.router = {.experts = c.num_experts,
                                    .top_k = c.num_experts_per_tok,
                                    .scoring = nn::Scoring::kSoftmax,
                                    .normalize = c.norm_topk_prob},
                         .width = c.moe_intermediate_size},
          .is_moe =
              [every = c.decoder_sparse_step, dense = Sorted(c.mlp_only_layers)](int64_t layer) {
                return (layer + 1) % every == 0 && !std::ranges::binary_search(dense, layer);
              },
          .experts_key = "num_experts"};
}

constexpr const char* kPolicy = "The mixture-of-experts policy.";
constexpr const char* kStudents = "The dense students.";
constexpr const char* kQwen3Moe = "A mixture of experts behind grouped-query attention.";

constexpr std::array kArchitectures = {
    Architecture{"deepseek_v3", "DeepseekV3ForCausalLM", kPolicy,
                 DeepseekDefaults<TopkMethod::kNoauxTc>, NormaliseDeepseek<true>, nullptr,
                 PublishDeepseek, DeepseekSpec},
    Architecture{"deepseek_v2", "DeepseekV2ForCausalLM", kPolicy,
                 DeepseekDefaults<TopkMethod::kGreedy>, NormaliseDeepseek<false>, nullptr,
                 PublishDeepseek, DeepseekSpec},
    Architecture{"llama", "LlamaForCausalLM", kStudents, LlamaDefaults<DenseType::kLlama>,
                 NormaliseLlama, CompleteLlama, PublishLlama, LlamaSpec},
    Architecture{"mistral", "MistralForCausalLM", kStudents, LlamaDefaults<DenseType::kMistral>,
                 NormaliseMistral, CompleteLlama, PublishLlama, LlamaSpec},
    Architecture{"qwen2", "Qwen2ForCausalLM", kStudents, LlamaDefaults<DenseType::kQwen2>,
                 NormaliseLlama, CompleteLlama, PublishLlama, LlamaSpec},
    Architecture{"qwen3", "Qwen3ForCausalLM", kStudents, LlamaDefaults<DenseType::kQwen3>,
                 NormaliseLlama, CompleteLlama, PublishLlama, LlamaSpec},
    Architecture{"qwen3_moe", "Qwen3MoeForCausalLM", kQwen3Moe, Qwen3MoeDefaults, NormaliseQwen3Moe,
                 nullptr, PublishQwen3Moe, Qwen3MoeSpec}};

}  // namespace

std::span<const Architecture> Architectures() { return kArchitectures; }

const Architecture& FindArchitecture(const Json& model_type, const std::string& where) {
  std::vector<std::string> names;
  for (const Architecture& row : kArchitectures) names.emplace_back(row.model_type);
  const std::string name = options_internal::ReadChoice(model_type, where, names);
  return *std::ranges::find(kArchitectures, name, &Architecture::model_type);
}

const Architecture& ArchitectureOf(const ModelConfig& config) {
  return *std::ranges::find(kArchitectures, ModelType(config), &Architecture::model_type);
}

DecoderSpec SpecOf(const ModelConfig& config) { return ArchitectureOf(config).spec(config); }

int64_t DecoderSpec::MoeLayers() const {
  int64_t count = 0;
  for (int64_t layer = 0; moe && layer < common.num_hidden_layers; ++layer) count += is_moe(layer);
  return count;
}

int64_t DecoderSpec::RopeDim() const {
  if (const auto* mla = std::get_if<MlaSpec>(&attention)) return mla->rope;
  return std::get<GqaSpec>(attention).head_dim;
}

KvCache::Shape DecoderSpec::CacheShape() const {
  if (const auto* mla = std::get_if<MlaSpec>(&attention)) {
    return {common.num_hidden_layers, 1, mla->latent + mla->rope};
  }
  const auto& gqa = std::get<GqaSpec>(attention);
  return {common.num_hidden_layers, 2 * gqa.kv_heads, gqa.head_dim};
}

}  // namespace retort::model
