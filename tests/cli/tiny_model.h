#pragma once
// Model folders with random weights, small enough for a test.

#include <filesystem>

#include "base/file.h"
#include "model/pretrained.h"

namespace retort::cli {

inline void SaveTinyModel(const model::ModelConfig& config, const std::filesystem::path& folder) {
  const auto model = model::NewModel(config, 7);
  const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  std::filesystem::create_directories(folder);
  model::SavePretrained(*model, tokenizer, model::NewGenerationConfig(tokenizer),
                        model::PromptTemplate::kShort, folder);
}

inline void SaveTinyDense(const std::filesystem::path& folder) {
  model::LlamaConfig dense;
  dense.hidden_size = 16;
  dense.num_hidden_layers = 2;
  SaveTinyModel(dense, folder);
}

inline constexpr const char* kTinyChat =
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}";

/// One with a chat template, and room for long answers. It says anything, and seldom stops.
inline void SaveTinyChat(const std::filesystem::path& folder,
                         const std::string& chat_template = kTinyChat) {
  model::LlamaConfig dense;
  dense.hidden_size = 16;
  dense.num_hidden_layers = 2;
  dense.max_position_embeddings = 1 << 20;
  dense.initializer_range = 0.4;  // so that what was said before matters
  SaveTinyModel(dense, folder);
  WriteFileAtomic(folder / "chat_template.jinja", chat_template);
}

}  // namespace retort::cli
