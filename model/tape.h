#pragma once
// One forward pass being remembered: what it keeps for backward and nothing else (law 5); what is
// cheap to compute again is not kept.

#include <cstdint>
#include <memory>
#include <vector>

#include "model/batch.h"
#include "nn/arena.h"
#include "nn/gemm.h"

namespace retort::model {

/// How a mixture is kept in balance while training. Sources: DeepSeek-V3 report eq. 17-20.
struct BalanceOptions {
  double sequence_alpha = 0;  ///< weight of the sequence-wise loss, per sequence
  double batch_alpha = 0;     ///< weight of the classic auxiliary loss, per batch
};

/// Some stages of a network (model/network.h), [begin, end).
struct StageRange {
  int64_t begin = 0, end = 0;
};

/// What the layers of a network keep: model/internal/decoder_layer.h.
struct LayerTapes;

/// Reused from step to step. Not thread-safe.
struct Tape {
  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  nn::Arena arena;               ///< what views on the tape point into
  const Batch* batch = nullptr;  ///< of the pass, which must outlive its backward
  StageRange stages;             ///< that the pass ran
  std::unique_ptr<LayerTapes> layers;
  nn::Mat hidden;               ///< [T, d] before the final norm
  float* final_rstd = nullptr;  ///< [T]
  /// Weight gradients wait here until RunWeightGrads (the second half of backward, deferrable).
  std::vector<nn::WeightGradJob> weight_grads;

  BalanceOptions balance;
  double balance_loss = 0;                  ///< of this pass, already weighted
  std::vector<std::vector<int64_t>> loads;  ///< per MoE layer, per expert; a pass adds to them

  void Reset() {
    arena.Reset();
    weight_grads.clear();
    batch = nullptr;
    balance_loss = 0;
  }
  void RunWeightGrads(nn::Compute& compute);
};

}  // namespace retort::model
