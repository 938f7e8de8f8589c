#pragma once
// What a layer is given for one pass over a batch.

#include "model/batch.h"
#include "model/tape.h"
#include "nn/compute.h"

namespace retort::model {

struct Pass {
  nn::Compute& compute;
  const Batch& batch;
  nn::Arena& arena;      ///< where activations go; outlives backward when `training`
  nn::Arena& scratch;    ///< for what a block needs no longer when it returns
  Tape* tape = nullptr;  ///< null: inference
  int64_t layer = 0;

  bool training() const { return tape != nullptr; }
  int64_t tokens() const { return batch.size(); }
  nn::Mat New(int64_t cols) const { return arena.NewMat(batch.size(), cols); }  // [T, cols]
  nn::Mat NewScratch(int64_t cols) const { return scratch.NewMat(batch.size(), cols); }
  float* NewColumn() const { return arena.New<float>(batch.size()); }  // [T]
  /// Tells attention which keys and values to read: those of the batch, rounded here when they are
  /// bfloat16, or the cache after they have been put there.
  void SetKeyValues(nn::Mat fresh, nn::AttentionArgs& args) const;
};

/// to = from, row by row.
void CopyRows(nn::Compute& compute, nn::ConstMat from, nn::Mat to);

}  // namespace retort::model
