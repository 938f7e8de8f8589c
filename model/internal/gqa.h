#pragma once
// Grouped-query attention of Llama, Qwen2 (biases on q, k, v) and Qwen3 (RMSNorm of each query and
// key head before RoPE). A row of keys and values is [keys of all KV heads | values of all KV
// heads]; in the cache each of them is a segment, a head's values after its keys, which lie across.

#include <string>

#include "model/config.h"
#include "model/internal/linear.h"
#include "model/internal/pass.h"
#include "model/internal/pre_norm.h"
#include "nn/rope.h"

namespace retort::model {

class Gqa {
 public:
  Gqa(nn::ParameterStore& store, const std::string& prefix, const LlamaConfig& config);

  static KvCache::Shape CacheShape(const LlamaConfig& config) {
    return {config.num_hidden_layers, 2 * config.num_key_value_heads, config.HeadDim()};
  }
  void Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs);
  /// Returns x + attention(norm(x)) in a new tensor [T, d] and fills `tape`.
  nn::Mat Forward(const Pass& pass, nn::RopeTable& rope, nn::Mat x, AttentionTape& tape) const;
  /// Gradient of the input [T, d] from that of the output; queues weight gradients on the tape.
  nn::Mat Backward(const Pass& pass, const nn::RopeTable& rope, nn::ConstMat dy,
                   const AttentionTape& tape) const;

 private:
  nn::AttentionShape Shape() const;
  void RotateHeads(const Pass& pass, const nn::RopeTable& rope, nn::Mat x, bool queries,
                   bool inverse) const;

  int64_t heads_, kv_heads_, head_dim_;
  float eps_;
  PreNorm norm_;
  Linear q_, k_, v_, o_;
  nn::Parameter* q_norm_ = nullptr;
  nn::Parameter* k_norm_ = nullptr;
};

}  // namespace retort::model
