#pragma once
// What forward keeps for backward, and nothing else (law 5): what is cheap to compute again is not
// kept. Views point into the tape's arena.

#include <cstdint>
#include <vector>

#include "nn/arena.h"
#include "nn/gemm.h"
#include "nn/moe.h"

namespace retort::model {

/// Attention of either kind. Shape letters: T tokens, d hidden, H heads, c kv_lora_rank.
struct AttentionTape {
  nn::Mat x;                   // [T, d] residual stream before the block
  float* rstd = nullptr;       // [T]
  nn::Mat q_latent, q_normed;  // MLA with q_lora_rank [T, q_lora_rank]
  float* q_rstd = nullptr;     // [T]; GQA with QK norm: [T, H]
  nn::Mat q;                   // MLA [T, H·(nope + rope)], GQA [T, H·head_dim]; after RoPE
  nn::Mat q_raw;               // GQA with QK norm: before the norm
  nn::Mat kv_raw;            // MLA [T, c + rope] before the norm; GQA with QK norm: keys before it
  float* kv_rstd = nullptr;  // [T]; GQA with QK norm: [KV heads, T]
  nn::Mat kv;                // [T, cache width] the rows keys and values are read from
  nn::Mat z;                 // [T, H·value_dim] attention output
  float* lse = nullptr;      // [T, H]
  nn::Mat o;                 // MLA [T, H·v] after the value up-projection
};

/// A SwiGLU, or every expert's at once (then rows are slots).
struct SwiGluTape {
  nn::Mat gate_up;  // [rows, 2f]; backward leaves its gradient there
};

struct FeedForwardTape {
  nn::Mat x;              // [T, d] residual stream before the block
  float* rstd = nullptr;  // [T]
  SwiGluTape dense;       // dense layers and shared experts
  // Mixture only:
  nn::Mat logits, scores;      // [T, E]
  int32_t* experts = nullptr;  // [T, K]
  float* weights = nullptr;    // [T, K]
  nn::Dispatch dispatch;
  nn::Mat ys;         // [T·K, d]; backward leaves its gradient there
  SwiGluTape routed;  // [T·K, …]
  nn::Mat dscores;    // [T, E] gradient of the balance losses, or empty
};

struct LayerTape {
  AttentionTape attention;
  FeedForwardTape ffn;
};

/// How a mixture is kept in balance while training. Sources: DeepSeek-V3 report eq. 17-20.
struct BalanceOptions {
  double sequence_alpha = 0;  ///< weight of the sequence-wise loss, per sequence
  double batch_alpha = 0;     ///< weight of the classic auxiliary loss, per batch
};

/// One forward pass being remembered; reused from step to step. Not thread-safe.
struct Tape {
  nn::Arena arena;
  std::vector<LayerTape> layers;
  nn::Mat hidden;               // [T, d] before the final norm
  float* final_rstd = nullptr;  // [T]
  /// Weight gradients wait here until RunWeightGrads (the second half of backward, deferrable).
  std::vector<nn::WeightGradJob> weight_grads;

  BalanceOptions balance;
  double balance_loss = 0;                  ///< of this pass, already weighted
  std::vector<std::vector<int64_t>> loads;  ///< per MoE layer, per expert

  void Reset() {
    arena.Reset();
    weight_grads.clear();
    balance_loss = 0;
  }
  void RunWeightGrads(nn::Compute& compute) {
    nn::GemmWeightGrad(compute, weight_grads);
    weight_grads.clear();
  }
};

}  // namespace retort::model
