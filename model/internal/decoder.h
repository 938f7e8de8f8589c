#pragma once
// The loop over layers that both architectures share. Private to the model room.

#include <deque>

#include "model/internal/pass.h"
#include "model/language_model.h"
#include "nn/embedding.h"
#include "nn/norm.h"
#include "nn/rope.h"

namespace retort::model {

/// `Layer` has Pack(dtype, jobs), Forward(pass, rope, x, tape) → y, `attention`,
/// FeedForwardBackward(pass, dy, tape) → the gradient of what attention gave, and `moe` (a
/// pointer-like to MoeFeedForward, false when dense).
template <class Layer, class Config>
class Decoder final : public LanguageModel {
 public:
  /// Without `allocate` it has parameters with shapes but no values, and can do nothing.
  explicit Decoder(const Config& config, bool allocate = true);

  const ModelConfig& config() const override { return config_; }
  nn::ParameterStore& parameters() override { return store_; }
  int64_t hidden_size() const override { return embedding_.cols(); }
  int64_t vocab_size() const override { return embedding_.rows(); }
  int64_t layers() const override { return static_cast<int64_t>(layers_.size()); }
  KvCache NewCache() const override;
  void Pack(nn::Compute& compute) override;
  void Forward(nn::Compute& compute, const Batch& batch, Tape* tape, nn::Mat hidden) override;
  void Backward(nn::Compute& compute, const Batch& batch, Tape& tape, nn::ConstMat dhidden,
                bool defer_weights) override;
  const nn::PackedMatrix& head() const override { return head_; }
  nn::Parameter& head_weight() override { return head_weight_; }
  int64_t moe_layers() const override;
  void BalanceBias(std::span<const std::vector<int64_t>> loads, double rate) override;

 private:
  ModelConfig config_;
  nn::ParameterStore store_;
  float eps_;
  int64_t max_positions_;
  nn::RopeTable rope_;
  nn::Parameter& embedding_;
  std::deque<Layer> layers_;
  nn::Parameter& final_norm_;
  nn::Parameter& head_weight_;
  nn::PackedMatrix head_;
  nn::AlignedVector<float> packed_;  // what every packed matrix borrows from
  nn::Dtype cache_dtype_ = nn::Dtype::kFloat32;
  nn::Arena activations_;  // of inference, layer by layer
  nn::Arena scratch_;      // of one block
};

}  // namespace retort::model
