#pragma once
// What a decoder is made of, whatever family its config.json belongs to: one attention variant,
// and per layer one of two feed-forward variants. Costs, caches, tensors and the network itself are
// read off it. Shape letters as in docs/architecture.md.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include "model/config.h"
#include "model/kv_cache.h"
#include "nn/moe.h"

namespace retort::model {

/// Grouped-query attention (model/internal/gqa.h).
struct GqaSpec {
  int64_t heads = 1, kv_heads = 1, head_dim = 1;
  bool qkv_bias = false, output_bias = false;
  bool qk_norm = false;
};

/// Multi-head latent attention (model/internal/mla.h).
struct MlaSpec {
  int64_t heads = 1;
  int64_t nope = 1, rope = 2, value = 1;  // widths of a head
  int64_t latent = 1;
  std::optional<int64_t> q_latent;  // empty: one plain query projection
};

struct DenseSpec {
  int64_t width = 1;
};

struct MoeSpec {
  nn::RouterShape router;
  bool bias = false;         // e_score_correction_bias
  int64_t width = 1;         // of an expert
  int64_t shared_width = 0;  // of the shared experts together; 0: none
};

struct LayerSpec {
  std::variant<GqaSpec, MlaSpec> attention;
  std::variant<DenseSpec, MoeSpec> feed_forward;
};

struct DecoderSpec {
  CommonConfig common;
  /// Layers differ only in which of the two feed-forward parts they have.
  std::variant<GqaSpec, MlaSpec> attention;
  DenseSpec dense;
  std::optional<MoeSpec> moe;
  std::function<bool(int64_t layer)> is_moe = [](int64_t) { return false; };
  /// The key of config.json that says how many experts there are.
  const char* experts_key = "";

  LayerSpec Layer(int64_t layer) const {
    if (is_moe(layer)) return {attention, *moe};
    return {attention, dense};
  }
  int64_t MoeLayers() const;
  int64_t RopeDim() const;
  /// Of one token.
  KvCache::Shape CacheShape() const;
};

DecoderSpec SpecOf(const ModelConfig& config);

}  // namespace retort::model
