#pragma once
// Multi-head latent attention (DeepSeek-V2 §2.1) in absorbed form: all query heads attend to one
// cached row [latent c | rotary key], in training as in decoding, so that both give the same bits.
// Weights keep the published layout: rotary rows interleaved (trap T2 of the fact sheet), and per
// head of kv_b_proj first the keys' rows, then the values'.

#include <optional>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/internal/linear.h"
#include "model/internal/pass.h"
#include "model/internal/pre_norm.h"
#include "nn/rope.h"

namespace retort::model {

class Mla {
 public:
  /// Adds the parameters under `prefix` ("model.layers.0").
  Mla(nn::ParameterStore& store, const std::string& prefix, const DeepseekConfig& config);

  static KvCache::Shape CacheShape(const DeepseekConfig& config) {
    return {config.num_hidden_layers, 1, config.kv_lora_rank + config.qk_rope_head_dim};
  }
  void Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs);
  /// Returns x + attention(norm(x)) in a new tensor [T, d] and fills `tape`.
  nn::Mat Forward(const Pass& pass, nn::RopeTable& rope, nn::Mat x, AttentionTape& tape) const;
  /// Gradient of the input [T, d] from that of the output; queues weight gradients on the tape.
  nn::Mat Backward(const Pass& pass, const nn::RopeTable& rope, nn::ConstMat dy,
                   const AttentionTape& tape) const;

 private:
  nn::AttentionShape Shape() const;
  /// Query heads with the key up-projection absorbed: [T, H·(c + rope)].
  nn::Mat AbsorbedQuery(const Pass& pass, nn::ConstMat q) const;
  nn::Mat KeyRows(int64_t head, bool gradient) const;    // [nope, c] of kv_b_proj
  nn::Mat ValueRows(int64_t head, bool gradient) const;  // [v, c]

  int64_t heads_, nope_, rope_dim_, value_, latent_;
  float eps_;
  PreNorm norm_;
  std::optional<Linear> q_, q_a_, q_b_;  // q_ alone, or q_a_ and q_b_
  nn::Parameter* q_norm_ = nullptr;
  Linear kv_a_;
  nn::Parameter& kv_norm_;
  nn::Parameter& kv_b_;
  Linear o_;
  std::vector<nn::PackedMatrix> key_up_, value_up_;  // per head
};

}  // namespace retort::model
