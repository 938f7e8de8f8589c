#pragma once
// The table of architectures: what is known of each beside the blocks that it is made of. Adding
// one is a row, a config struct in model/config.h unless a family has one that serves, and a
// function that describes it as layers (model/internal/layer_spec.h).

#include <span>
#include <string>

#include "model/config.h"
#include "model/internal/layer_spec.h"

namespace retort::model {

struct Architecture {
  const char* model_type;  // as in config.json
  const char* class_name;  // of transformers
  const char* help;        // of its family, which are the rows with one config struct
  ModelConfig (*defaults)();
  /// Makes of a published config.json one with our fields, or throws Error on what would change the
  /// arithmetic. Null: nothing to do.
  void (*normalise)(Json& published, const std::string& where);
  /// Fills in what a published config leaves to its family. Null: nothing.
  void (*complete)(const Json& published, ModelConfig& config);
  /// Adds the keys that only a published config has.
  void (*publish)(const ModelConfig& config, Json& published);
  /// Tensors, cost and cache bytes follow from it.
  DecoderSpec (*spec)(const ModelConfig& config);
};

std::span<const Architecture> Architectures();
/// Throws Error naming the nearest.
const Architecture& FindArchitecture(const Json& model_type, const std::string& where);
const Architecture& ArchitectureOf(const ModelConfig& config);

}  // namespace retort::model
