#pragma once
// The fused output head: hidden states in, a few numbers per prediction out. Logits exist only for
// a chunk of rows at a time (law 2). Log-probabilities are of softmax(logits / temperature).

#include <cstdint>

#include "nn/compute.h"
#include "nn/gemm.h"
#include "nn/tensor.h"

namespace retort::nn {

/// Prediction p: from hidden row `rows[p]` the token `targets[p]`. Several predictions may use one
/// row (the first token of every sample of a group comes from the prompt's last row).
struct HeadArgs {
  ConstMat hidden;                   // [T, d], after the final norm
  const PackedMatrix* w = nullptr;   // [V, d]
  int64_t predictions = 0;           // P
  const int32_t* rows = nullptr;     // [P]
  const int32_t* targets = nullptr;  // [P]
  float temperature = 1;
  float* logprob = nullptr;  // [P]
  float* entropy = nullptr;  // [P], in nats; may be null
};
void Head(Compute& compute, const HeadArgs& args);

/// Recomputes the chunks. dhidden [T, d] and dw [V, d] are added to, predictions in order.
struct HeadGradArgs {
  HeadArgs forward;                 // logprob and entropy are not written
  ConstMat weight;                  // [V, d]; empty: forward.w is read
  const float* dlogprob = nullptr;  // [P]
  const float* dentropy = nullptr;  // [P]; null = zero
  Mat dhidden;
  Mat dw;  // may be empty
  Dtype input_grad = Dtype::kFloat32, weight_grad = Dtype::kFloat32;
};
void HeadGrad(Compute& compute, const HeadGradArgs& args);

/// One row of logits [V] → log-probabilities of softmax(logits / temperature) in place, in the very
/// arithmetic of Head: what the sampler stores is what the trainer recomputes. Returns the entropy.
float LogSoftmaxRow(float* logits, int64_t vocabulary, float temperature);

/// Rows whose logits are held at a time: 32 MB of them, depends on V only.
int64_t HeadChunk(int64_t vocabulary);

/// The first j for which exp(logprobs[0]) + … + exp(logprobs[j]) exceeds `uniform` in [0, 1), or
/// the last possible one: a draw from the row's distribution.
int64_t DrawFrom(const float* logprobs, int64_t vocabulary, double uniform);

}  // namespace retort::nn
