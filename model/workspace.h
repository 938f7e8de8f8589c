#pragma once
// What one pass at a time needs beside weights and batch. Threads that work at once have one each.

#include <optional>

#include "nn/arena.h"
#include "nn/compute.h"
#include "nn/rope.h"

namespace retort::model {

struct Workspace {
  /// Borrows the compute, which nobody else uses meanwhile.
  explicit Workspace(nn::Compute& compute) : compute(compute) {}

  nn::Compute& compute;
  nn::Arena activations;  ///< of inference, layer by layer
  nn::Arena scratch;      ///< of one block

  /// Of `positions` positions at least. Made anew for another network.
  const nn::RopeTable& Rope(const nn::Rotations& rotations, int64_t positions) {
    if (!rope_ || rope_->rotations() != rotations) rope_.emplace(rotations);
    rope_->Reserve(positions);
    return *rope_;
  }

 private:
  std::optional<nn::RopeTable> rope_;
};

}  // namespace retort::model
