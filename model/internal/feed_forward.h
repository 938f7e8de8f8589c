#pragma once
// The second half of a decoder layer: x + ffn(norm(x)), dense or a mixture of experts (DeepSeek-V3
// report §2.1.2).

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "model/internal/layer_spec.h"
#include "model/internal/pre_norm.h"
#include "model/internal/swiglu_mlp.h"

namespace retort::model {

/// One SwiGLU for every token.
class DenseFeedForward {
 public:
  struct Tape {
    nn::Mat x;              // [T, d] residual stream before the block
    float* rstd = nullptr;  // [T]
    SwiGluMlp::Tape mlp;
  };

  DenseFeedForward(Builder& builder, const std::string& prefix, const DenseSpec& spec,
                   const CommonConfig& common);
  /// Writes the block's output into `y` [T, d].
  void Forward(const Pass& pass, nn::Mat x, nn::Mat y, Tape& tape) const;
  /// Returns the gradient of x [T, d].
  nn::Mat Backward(const Pass& pass, nn::ConstMat dy, const Tape& tape) const;

 private:
  PreNorm norm_;
  SwiGluMlp mlp_;
};

/// Router, routed experts, shared experts. The router bias (e_score_correction_bias) is a parameter
/// that no gradient moves: see BalanceBias.
///
/// A pass is four calls with index arrays between: Route chooses experts for tokens, Dispatch
/// brings tokens to experts, Experts computes, Combine brings the results back. Expert parallelism
/// cuts around Experts. Shape letters: K experts per token; a slot is a token at one of its
/// experts.
class MoeFeedForward {
 public:
  struct Tape {
    nn::Mat x;                   // [T, d] residual stream before the block
    float* rstd = nullptr;       // [T]
    nn::Mat logits, scores;      // [T, E]
    int32_t* experts = nullptr;  // [T, K]
    float* weights = nullptr;    // [T, K]
    nn::Dispatch dispatch;
    nn::Mat gate_up;  // [T·K, 2f]; backward leaves its gradient there
    nn::Mat ys;       // [T·K, d]; backward leaves its gradient there
    nn::Mat dscores;  // [T, E] gradient of the balance losses, or empty
    SwiGluMlp::Tape shared;
  };

  MoeFeedForward(Builder& builder, const std::string& prefix, const MoeSpec& spec,
                 const CommonConfig& common);
  void Forward(const Pass& pass, nn::Mat x, nn::Mat y, Tape& tape) const;
  nn::Mat Backward(const Pass& pass, nn::ConstMat dy, const Tape& tape) const;

  /// Adds this pass's choices to loads [E] and the balance losses to the tape.
  void Balance(const Pass& pass, Tape& tape, std::vector<int64_t>& loads) const;
  /// Loss-free balancing: moves the bias in `values` by `rate` against the loads. No effect without
  /// a bias.
  void BalanceBias(std::span<const int64_t> loads, double rate, nn::ParameterStore& values) const;
  int64_t experts() const { return router_shape_.experts; }

 private:
  void Route(const Pass& pass, nn::ConstMat h, Tape& tape) const;
  nn::Mat Dispatch(const Pass& pass, nn::ConstMat h, Tape& tape) const;  // → xs [T·K, d]
  void Experts(const Pass& pass, nn::ConstMat xs, Tape& tape) const;     // → tape.ys
  void Combine(const Pass& pass, const Tape& tape, nn::Mat y) const;     // y += …

  nn::RouteArgs Routing(const Pass& pass, const Tape& tape) const;
  /// body(expert, its slots' first and count) for each one that has any.
  template <class Body>
  void ForExperts(const nn::Dispatch& dispatch, const Body& body) const;
  nn::Mat ExpertsGrad(const Pass& pass, nn::Mat xs, const Tape& tape) const;  // → dxs [T·K, d]

  nn::RouterShape router_shape_;
  PreNorm norm_;
  Linear router_;
  std::optional<nn::ParameterId> bias_;
  std::deque<SwiGluMlp> experts_;
  std::optional<SwiGluMlp> shared_;
};

}  // namespace retort::model
