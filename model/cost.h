#pragma once
// What a model costs, in closed form from its configuration: weights, and what decoding keeps and
// reads.

#include <cstdint>

#include "model/config.h"

namespace retort::model {

/// Numbers of trained weights. The routers' balancing biases are counted with them (they are stored
/// in the checkpoint); multi-token prediction modules are not.
struct ParameterCount {
  int64_t total = 0;
  /// Those that take part in one token's forward: of the routed experts only the chosen ones, of an
  /// untied embedding table one row. So counted, V3 comes within 1 % of its published 36.7 billion.
  int64_t active = 0;
};

/// Throws Error when there are more than 1e18.
ParameterCount CountParameters(const ModelConfig& config);

/// Numbers cached per token, all layers together.
struct CacheSize {
  int64_t own = 0;          ///< as the model caches them: latents (MLA), or keys and values
  int64_t all_heads = 0;    ///< a key and a value of each query head (multi-head attention)
  int64_t eight_heads = 0;  ///< of 8 heads (grouped queries), or of all when there are fewer
};
CacheSize CacheOf(const ModelConfig& config);

/// Weights that a step over `rows` tokens must read: of the routed experts those chosen by some
/// token, if all are equally likely.
double WeightsRead(const ModelConfig& config, int64_t rows);

}  // namespace retort::model
