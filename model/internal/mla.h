#pragma once
// Multi-head latent attention (DeepSeek-V2 §2.1) in absorbed form: all query heads attend to one
// cached row [latent c | rotary key], in training as in decoding, so that both give the same bits.
// Weights keep the published layout: rotary rows interleaved (trap T2 of the fact sheet), and per
// head of kv_b_proj first the keys' rows, then the values'.

#include <optional>
#include <string>
#include <vector>

#include "model/internal/layer_spec.h"
#include "model/internal/linear.h"
#include "model/internal/pass.h"
#include "model/internal/pre_norm.h"

namespace retort::model {

class Mla {
 public:
  /// What backward wants of a pass.
  struct Tape {
    nn::Mat x;                   // [T, d] residual stream before the block
    float* rstd = nullptr;       // [T]
    nn::Mat q_latent, q_normed;  // [T, q_latent], with a query latent
    float* q_rstd = nullptr;     // [T], with a query latent
    nn::Mat q;                   // [T, H·(nope + rope)] after RoPE
    nn::Mat kv_raw;              // [T, c + rope] before the norm
    float* kv_rstd = nullptr;    // [T]
    nn::Mat kv;                  // [T, c + rope] the rows keys and values are read from
    nn::Mat z;                   // [T, H·c] attention output
    float* lse = nullptr;        // [T, H]
    nn::Mat o;                   // [T, H·value] after the value up-projection
  };

  /// Adds the parameters under `prefix` ("model.layers.0").
  Mla(Builder& builder, const std::string& prefix, const MlaSpec& spec, const CommonConfig& common);

  /// Returns x + attention(norm(x)) in a new tensor [T, d] and fills `tape`.
  nn::Mat Forward(const Pass& pass, nn::Mat x, Tape& tape) const;
  /// Gradient of the input [T, d] from that of the output; queues weight gradients on the tape.
  nn::Mat Backward(const Pass& pass, nn::ConstMat dy, const Tape& tape) const;

 private:
  nn::AttentionShape Shape() const;
  /// Query heads with the key up-projection absorbed: [T, H·(c + rope)].
  nn::Mat AbsorbedQuery(const Pass& pass, nn::ConstMat q) const;
  int64_t heads_, nope_, rope_dim_, value_, latent_;
  float scale_;  // of the products of queries and keys
  PreNorm norm_;
  std::optional<Linear> q_, q_a_, q_b_;  // q_ alone, or q_a_ and q_b_
  nn::ParameterId q_norm_ = 0;           // with q_a_
  Linear kv_a_;
  nn::ParameterId kv_norm_;
  struct UpProjections {
    UpProjections(Builder& builder, const std::string& name, const MlaSpec& spec);
    std::vector<Linear> key, value;  // parts of kv_b_proj, per head
  } kv_up_;
  Linear o_;
};

}  // namespace retort::model
