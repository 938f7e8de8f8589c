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
  nn::Arena activations;              ///< of inference, layer by layer
  nn::Arena scratch;                  ///< of one block
  std::optional<nn::RopeTable> rope;  ///< of the network that it was last used with
};

}  // namespace retort::model
