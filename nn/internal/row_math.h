#pragma once
// Arithmetic on single rows, vectorised for the instruction set found at run time. What ops share;
// private to nn. Rows may lie anywhere in memory: the bits of a result depend on the numbers and
// their count only. Thread-safe. Outputs may be one of the inputs, never a shifted part of it.

#include <cstdint>

namespace retort::nn {

float Dot(const float* a, const float* b, int64_t n);
/// y += alpha · x
void Axpy(float alpha, const float* x, float* y, int64_t n);
/// y += x
void Add(const float* x, float* y, int64_t n);
/// out = (a ⊙ b) · alpha
void MultiplyScaled(const float* a, const float* b, float alpha, float* out, int64_t n);

/// One row of y = w ⊙ x · r, r = 1 / rms(x): dx = start + r (w ⊙ dy) - x r³ (w ⊙ dy · x) / n and
/// dw += dy ⊙ x · r. `dx` may be `dy` or `start`; `start` and `dweight` may be null.
struct RmsNormRowGrad {
  const float* x;
  const float* weight;
  float rstd;
  const float* dy;
  const float* start;
  float* dx;
  float* dweight;
};
void RmsNormGradRow(const RmsNormRowGrad& row, int64_t n);

/// gate_up [2f] → y [f] = silu(gate) ⊙ up, and its gradient dy [f] → dgate_up [2f].
void SwiGluRow(const float* gate_up, float* y, int64_t f);
void SwiGluGradRow(const float* gate_up, const float* dy, float* dgate_up, int64_t f);

/// Turns pair i by the angle whose cosine and sine are given (against it with `inverse`). The
/// pair is (2i, 2i+1) when `interleaved`, else (i, i + pairs).
struct Rotation {
  const float* cos = nullptr;  // [pairs]
  const float* sin = nullptr;  // [pairs]
  int64_t pairs = 0;
  bool interleaved = false;
  bool inverse = false;
};
void Rotate(const Rotation& rotation, float* x);  // [2·pairs]

/// What has to be known of a row of logits l [n] to give softmax(l / T). A logit may be -inf
/// (probability 0) as long as one is finite; a NaN anywhere makes the row's numbers NaN.
struct SoftmaxRow {
  float max = 0;  ///< of the logits
  float inverse_temperature = 1;
  float log_sum = 0;  ///< log Σ exp((l - max) / T)
  float entropy = 0;  ///< -Σ p log p, in nats

  /// The one formula of a log-probability: sampler and trainer agree to the bit through it.
  float LogProb(float logit) const { return (logit - max) * inverse_temperature - log_sum; }
};
SoftmaxRow ReadSoftmaxRow(const float* logits, int64_t n, float temperature);

/// Σ exp(x); -inf adds nothing.
float SumOfExp(const float* x, int64_t n);

/// Gradients of one prediction's log-probability and of the row's entropy.
struct SoftmaxRowGrad {
  int64_t target = 0;
  float dlogprob = 0;
  float dentropy = 0;
};
/// logits [n] → their gradient, in place:
/// (dlogprob·(1[j = target] - p_j) - dentropy·p_j (log p_j + H)) / T.
void SoftmaxGradRow(const SoftmaxRow& row, const SoftmaxRowGrad& grad, float* logits, int64_t n);

}  // namespace retort::nn
