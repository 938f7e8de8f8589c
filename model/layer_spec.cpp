#include "model/internal/layer_spec.h"

namespace retort::model {
namespace {

DecoderSpec Spec(const DeepseekConfig& c) {
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
          .is_moe = [first = c.first_k_dense_replace, every = c.moe_layer_freq](
                        int64_t layer) { return layer >= first && layer % every == 0; },
          .experts_key = "n_routed_experts"};
}

DecoderSpec Spec(const LlamaConfig& c) {
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

}  // namespace

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
  const GqaSpec& gqa = std::get<GqaSpec>(attention);
  return {common.num_hidden_layers, 2 * gqa.kv_heads, gqa.head_dim};
}

DecoderSpec SpecOf(const ModelConfig& config) {
  return std::visit([](const auto& c) { return Spec(c); }, config);
}

}  // namespace retort::model
