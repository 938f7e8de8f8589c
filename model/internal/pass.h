#pragma once
// What a block is given for one pass over a batch.

#include "model/batch.h"
#include "model/packed_weights.h"
#include "model/tape.h"
#include "nn/compute.h"
#include "nn/parameters.h"
#include "nn/rope.h"

namespace retort::model {

struct Pass {
  nn::Compute& compute;
  const PackedWeights& weights;
  const Batch& batch;
  const nn::RopeTable& rope;
  nn::Arena& arena;      ///< where activations go; outlives backward when `training`
  nn::Arena& scratch;    ///< for what a block needs no longer when it returns
  Tape* tape = nullptr;  ///< null: inference
  int64_t layer = 0;
  // Of backward:
  const nn::ParameterStore* values = nullptr;  ///< null: input gradients read the packed forms
  nn::ParameterStore* gradients = nullptr;

  int64_t tokens() const { return batch.size(); }
  nn::Mat New(int64_t cols) const { return arena.NewMat(batch.size(), cols); }  // [T, cols]
  nn::Mat NewScratch(int64_t cols) const { return scratch.NewMat(batch.size(), cols); }
  float* NewColumn() const { return arena.New<float>(batch.size()); }  // [T]
  /// Whether the network's own parameters are trained, and not adapters beside them.
  bool TrainsBase() const { return weights.network().trains_base(); }
  /// Null where the parameter is not trained.
  float* Gradient(nn::ParameterId id) const {
    return TrainsBase() ? (*gradients)[id].data() : nullptr;
  }
  /// Tells attention which keys and values to read: those of the batch, rounded here when the cache
  /// would be, or the cache after they have been put there.
  void SetKeyValues(nn::Mat fresh, nn::AttentionArgs& args) const;
};

/// to = from, row by row.
void CopyRows(nn::Compute& compute, nn::ConstMat from, nn::Mat to);

}  // namespace retort::model
