#pragma once
// The second half of a decoder layer: x + ffn(norm(x)), dense or a mixture of experts (DeepSeek-V3
// report §2.1.2).

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/internal/pre_norm.h"
#include "model/internal/swiglu_mlp.h"

namespace retort::model {

/// One SwiGLU for every token.
class DenseFeedForward {
 public:
  DenseFeedForward(nn::ParameterStore& store, const std::string& prefix, int64_t hidden,
                   int64_t width, double eps);
  void Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs) { mlp_.Pack(dtype, jobs); }
  /// Writes the block's output into `y` [T, d].
  void Forward(const Pass& pass, nn::Mat x, nn::Mat y, FeedForwardTape& tape) const;
  /// Returns the gradient of x [T, d].
  nn::Mat Backward(const Pass& pass, nn::ConstMat dy, const FeedForwardTape& tape) const;

 private:
  PreNorm norm_;
  SwiGluMlp mlp_;
};

/// Router, routed experts, shared experts. The router bias (e_score_correction_bias) is a parameter
/// that no gradient moves: see BalanceBias.
class MoeFeedForward {
 public:
  MoeFeedForward(nn::ParameterStore& store, const std::string& prefix,
                 const DeepseekConfig& config);
  void Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs);
  void Forward(const Pass& pass, nn::Mat x, nn::Mat y, FeedForwardTape& tape) const;
  nn::Mat Backward(const Pass& pass, nn::ConstMat dy, const FeedForwardTape& tape) const;

  /// Adds this pass's choices to loads [E] and the balance losses to the tape.
  void Balance(const Pass& pass, FeedForwardTape& tape, std::vector<int64_t>& loads) const;
  /// Loss-free balancing: moves the bias by `rate` against the loads. No effect without a bias.
  void BalanceBias(std::span<const int64_t> loads, double rate);
  int64_t experts() const { return shape_.experts; }

 private:
  nn::RouteArgs Routing(const FeedForwardTape& tape) const;
  const SwiGluMlp& expert(int64_t e) const { return experts_[static_cast<size_t>(e)]; }

  nn::RouterShape shape_;
  PreNorm norm_;
  Linear router_;
  nn::Parameter* bias_ = nullptr;
  std::deque<SwiGluMlp> experts_;
  std::optional<SwiGluMlp> shared_;
};

}  // namespace retort::model
