#pragma once
// The feed-forward block of dense layers and of shared experts: down(silu(gate·h) ⊙ up·h).

#include <string>

#include "model/internal/linear.h"
#include "model/internal/pass.h"

namespace retort::model {

class SwiGluMlp {
 public:
  struct Tape {
    nn::Mat gate_up;  // [T, 2f]; backward leaves its gradient there
  };

  /// Adds `prefix`.{gate,up,down}_proj.weight.
  SwiGluMlp(Builder& builder, const std::string& prefix, int64_t hidden, int64_t width);

  /// y = x + mlp(h).
  struct Data {
    nn::ConstMat h, x;
    nn::Mat y;
  };
  void Forward(const Pass& pass, const Data& data, Tape& tape) const;
  /// dh (+)= gradient of h from that of y; queues weight gradients on the tape.
  struct Gradient {
    nn::ConstMat h, dy;
    nn::Mat dh;
    bool accumulate = false;
  };
  void Backward(const Pass& pass, const Gradient& data, const Tape& tape) const;

  int64_t width() const { return gate_.out(); }
  const Linear& gate() const { return gate_; }
  const Linear& up() const { return up_; }
  const Linear& down() const { return down_; }

 private:
  Linear gate_, up_, down_;
};

}  // namespace retort::model
