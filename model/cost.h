#pragma once
// What a model costs, in closed form from its configuration.

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
ParameterCount CountParameters(const DeepseekConfig& config);
ParameterCount CountParameters(const LlamaConfig& config);
ParameterCount CountParameters(const ModelConfig& config);

}  // namespace retort::model
