#pragma once
// Grouped-query attention of Llama, Qwen2 (biases on q, k, v) and Qwen3 (RMSNorm of each query and
// key head before RoPE). A row of keys and values is [keys of all KV heads | values of all KV
// heads]; in the cache each of them is a segment, a head's values after its keys, which lie across.

#include <optional>
#include <string>

#include "model/internal/layer_spec.h"
#include "model/internal/linear.h"
#include "model/internal/pass.h"
#include "model/internal/pre_norm.h"

namespace retort::model {

class Gqa {
 public:
  /// What backward wants of a pass.
  struct Tape {
    nn::Mat x;                // [T, d] residual stream before the block
    float* rstd = nullptr;    // [T]
    nn::Mat q_raw, k_raw;     // before the norms of queries and keys, or q and the keys of kv
    float* q_rstd = nullptr;  // [T, H], with norms
    float* k_rstd = nullptr;  // [KV heads, T], with norms
    nn::Mat q;                // [T, H·head_dim] after RoPE
    nn::Mat kv;               // [T, 2·KV heads·head_dim] the rows keys and values are read from
    nn::Mat z;                // [T, H·head_dim] attention output
    float* lse = nullptr;     // [T, H]
  };

  /// Adds the parameters under `prefix` ("model.layers.0").
  Gqa(Builder& builder, const std::string& prefix, const GqaSpec& spec, const CommonConfig& common);

  /// Returns x + attention(norm(x)) in a new tensor [T, d] and fills `tape`.
  nn::Mat Forward(const Pass& pass, nn::Mat x, Tape& tape) const;
  /// Gradient of the input [T, d] from that of the output; queues weight gradients on the tape.
  nn::Mat Backward(const Pass& pass, nn::ConstMat dy, const Tape& tape) const;

 private:
  nn::AttentionShape Shape() const;
  void RotateHeads(const Pass& pass, nn::Mat x, int64_t heads, bool inverse) const;

  int64_t heads_, kv_heads_, head_dim_;
  float eps_;
  PreNorm norm_;
  Linear q_, k_, v_, o_;
  std::optional<nn::ParameterId> q_norm_, k_norm_;  // both or neither
};

}  // namespace retort::model
