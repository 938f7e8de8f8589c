#pragma once
// The stages of a network, and what they want packed.

#include <deque>
#include <vector>

#include "model/internal/decoder_layer.h"
#include "model/network.h"

namespace retort::model {

struct Network::Parts {
  Parts(const ModelConfig& config, const AdapterOptions& adapters, bool layout_only = false);

  DecoderSpec spec;
  nn::ParameterLayout layout, adapter_layout;
  PackItems items;
  nn::ParameterId embedding = 0;
  std::deque<DecoderLayer> layers;
  nn::ParameterId final_norm = 0;
  nn::ParameterId head = 0;
  PackedId packed_head = 0;
};

}  // namespace retort::model
