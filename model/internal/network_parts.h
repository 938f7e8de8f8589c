#pragma once
// The stages of a network, and what they want packed.

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "model/internal/decoder_layer.h"
#include "model/network.h"

namespace retort::model {

struct Network::Parts {
  Parts(const ModelConfig& config, const AdapterOptions& adapters, bool layout_only = false);

  /// The first of the layers among them, which are stage 1 and on, and the one behind the last.
  std::pair<size_t, size_t> LayersOf(StageRange range) const {
    const auto index = [&](int64_t stage) {
      return std::min(static_cast<size_t>(std::max<int64_t>(stage - 1, 0)), layers.size());
    };
    return {index(range.begin), index(range.end)};
  }

  DecoderSpec spec;
  nn::Rotations rotations;  // of the rotary part of a head
  nn::ParameterLayout layout, adapter_layout;
  PackItems items;
  nn::ParameterId embedding = 0;
  std::deque<DecoderLayer> layers;
  std::vector<size_t> moe_index;  // per layer: how many of those before it are mixtures
  nn::ParameterId final_norm = 0;
  nn::ParameterId head = 0;
  PackedId packed_head = 0;
};

}  // namespace retort::model
