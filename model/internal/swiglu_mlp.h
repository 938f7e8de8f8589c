#pragma once
// The feed-forward block of dense layers and of shared experts: down(silu(gate·h) ⊙ up·h).

#include <string>

#include "model/internal/linear.h"
#include "model/internal/pass.h"

namespace retort::model {

class SwiGluMlp {
 public:
  /// Adds `prefix`.{gate,up,down}_proj.weight.
  SwiGluMlp(nn::ParameterStore& store, const std::string& prefix, int64_t hidden, int64_t width);

  void Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs);
  /// y = x + mlp(h).
  void Forward(const Pass& pass, nn::ConstMat h, nn::ConstMat x, nn::Mat y, SwiGluTape& tape) const;
  /// dh (+)= gradient of h from that of y; queues weight gradients on the tape.
  void Backward(const Pass& pass, nn::ConstMat h, nn::ConstMat dy, const SwiGluTape& tape,
                nn::Mat dh, bool accumulate) const;

  int64_t width() const { return gate_.out(); }
  const Linear& gate() const { return gate_; }
  const Linear& up() const { return up_; }
  const Linear& down() const { return down_; }

 private:
  Linear gate_, up_, down_;
};

}  // namespace retort::model
