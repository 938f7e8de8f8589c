#include "model/cost.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/internal/layer_spec.h"

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

Wide SwiGlu(Wide hidden, Wide width) { return 3 * hidden * width; }

Wide Weights(const GqaSpec& s, const CommonConfig& c) {
  const Wide query = s.heads * s.head_dim, qkv = query + Wide{2} * s.kv_heads * s.head_dim;
  return c.hidden_size * qkv + (s.qkv_bias ? qkv : 0) + query * c.hidden_size +
         (s.output_bias ? c.hidden_size : 0) + (s.qk_norm ? 2 * s.head_dim : 0);
}

Wide Weights(const MlaSpec& s, const CommonConfig& c) {
  const Wide query_width = Wide{s.heads} * (s.nope + s.rope);
  const Wide query = s.q_latent ? *s.q_latent * (c.hidden_size + 1 + query_width)  // down, norm, up
                                : c.hidden_size * query_width;
  const Wide latent = Wide{c.hidden_size} * (s.latent + s.rope) + s.latent +
                      s.latent * (Wide{s.heads} * (s.nope + s.value));
  return query + latent + Wide{s.heads} * s.value * c.hidden_size;
}

}  // namespace

ParameterCount CountParameters(const ModelConfig& config) {
  const DecoderSpec spec = SpecOf(config);
  const CommonConfig& c = spec.common;
  const int64_t moe_layers = spec.MoeLayers(), dense_layers = c.num_hidden_layers - moe_layers;
  const Wide attention = std::visit([&](const auto& s) { return Weights(s, c); }, spec.attention);
  WideCount count{};
  count.total = c.num_hidden_layers * (attention + 2 * c.hidden_size) +
                dense_layers * SwiGlu(c.hidden_size, spec.dense.width);
  count.active = count.total;
  if (spec.moe) {
    const MoeSpec& moe = *spec.moe;
    const Wide expert = SwiGlu(c.hidden_size, moe.width), experts = moe.router.experts;
    const Wide router_and_shared = experts * c.hidden_size + (moe.bias ? experts : 0) +
                                   SwiGlu(c.hidden_size, moe.shared_width);
    count.total += moe_layers * (router_and_shared + experts * expert);
    count.active += moe_layers * (router_and_shared + moe.router.top_k * expert);
  }
  // Embedding, final norm and head.
  const Wide table = Wide{c.vocab_size} * c.hidden_size, head = c.tie_word_embeddings ? 0 : table;
  count.total += table + head + c.hidden_size;
  count.active += table + (head > 0 ? c.hidden_size : 0) + c.hidden_size;
  return Narrow(count);
}

CacheSize CacheOf(const ModelConfig& config) {
  const DecoderSpec spec = SpecOf(config);
  const int64_t layers = spec.common.num_hidden_layers;
  int64_t heads = 0, head = 0;  // query heads, and a key and a value of one
  if (const auto* mla = std::get_if<MlaSpec>(&spec.attention)) {
    heads = mla->heads;
    head = mla->nope + mla->value;
  } else {
    const auto& gqa = std::get<GqaSpec>(spec.attention);
    heads = gqa.heads;
    head = 2 * gqa.head_dim;
  }
  const KvCache::Shape own = spec.CacheShape();
  return {.own = layers * own.segments * own.segment,
          .all_heads = layers * heads * head,
          .eight_heads = layers * std::min<int64_t>(8, heads) * head};
}

double WeightsRead(const ModelConfig& config, int64_t rows) {
  const auto active = static_cast<double>(CountParameters(config).active);
  const DecoderSpec spec = SpecOf(config);
  if (!spec.moe) return active;
  const auto experts = static_cast<double>(spec.moe->router.experts);
  const auto chosen = static_cast<double>(spec.moe->router.top_k);
  const double read = experts * (1 - std::pow(1 - chosen / experts, static_cast<double>(rows)));
  const double expert = 3 * static_cast<double>(spec.common.hidden_size * spec.moe->width);
  return active + static_cast<double>(spec.MoeLayers()) * (read - chosen) * expert;
}

}  // namespace retort::model
