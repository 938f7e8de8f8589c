#pragma once
// What decoding has to keep and to read, in closed form from a configuration.

#include <cstdint>

#include "model/config.h"

namespace retort::cli {

/// Numbers cached per token, all layers together.
struct CacheSize {
  int64_t own = 0;          ///< as the model caches them: latents (MLA), or keys and values
  int64_t all_heads = 0;    ///< a key and a value of each query head (multi-head attention)
  int64_t eight_heads = 0;  ///< of 8 heads (grouped queries), or of all when there are fewer
};
CacheSize CacheOf(const model::ModelConfig& config);

/// Weights that a step over `rows` tokens must read: of the routed experts those chosen by some
/// token, if all are equally likely.
double WeightsRead(const model::ModelConfig& config, int64_t rows);

}  // namespace retort::cli
