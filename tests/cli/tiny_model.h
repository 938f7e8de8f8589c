#pragma once
// Model folders with random weights, small enough for a test.

#include <filesystem>

#include "model/pretrained.h"

namespace retort::cli {

inline void SaveTinyModel(const model::ModelConfig& config, const std::filesystem::path& folder) {
  const auto model = model::NewModel(config, 7);
  const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  const std::vector<int32_t> stops = model::StopIds(tokenizer);
  std::filesystem::create_directories(folder);
  model::GenerationConfig generation;
  generation.eos_token_id.assign(stops.begin(), stops.end());
  model::SavePretrained(*model, tokenizer, generation, model::PromptTemplate::kShort, folder);
}

inline void SaveTinyDense(const std::filesystem::path& folder) {
  model::LlamaConfig dense;
  dense.hidden_size = 16;
  dense.num_hidden_layers = 2;
  SaveTinyModel(dense, folder);
}

}  // namespace retort::cli
