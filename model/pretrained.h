#pragma once
// A model as a Hugging Face folder: config.json, model.safetensors in the published names,
// tokenizer.json, tokenizer_config.json, generation_config.json.

#include <filesystem>
#include <memory>
#include <string>

#include "model/generation_config.h"
#include "model/language_model.h"
#include "model/template.h"
#include "model/tokenizer.h"

namespace retort::model {

/// What belongs together with a network.
struct Pretrained {
  std::unique_ptr<LanguageModel> model;
  Tokenizer tokenizer;
  GenerationConfig generation;
};

/// Weights only, in fp32. Each file is complete or absent.
void SaveWeights(const LanguageModel& model, const std::filesystem::path& file);
/// Fills every parameter from the folder (single file or shards; F32, F16 or BF16).
/// Throws Error naming a tensor that is missing, superfluous or of another shape than config.json
/// implies, or that holds NaN or infinity.
void LoadWeights(LanguageModel& model, const std::filesystem::path& folder);

/// The same complaints about names and shapes, from the headers of the files alone: nothing is made
/// by the sizes in config.json before the files have shown them to be true.
void CheckWeights(const ModelConfig& config, const std::filesystem::path& folder);

/// Writes the whole folder, which must exist. Its generation_config.json names what ends a
/// completion (StopIds), whether or not `generation` does.
void SavePretrained(const LanguageModel& model, const Tokenizer& tokenizer,
                    const GenerationConfig& generation, PromptTemplate prompt_template,
                    const std::filesystem::path& folder);
Pretrained LoadPretrained(const std::filesystem::path& folder, const nn::Precision& precision = {});

/// The same for sampling only: packed as the files are read, without values that could be trained.
struct PackedModel {
  std::shared_ptr<const PackedWeights> weights;
  Tokenizer tokenizer;
  GenerationConfig generation;
};
PackedModel LoadPacked(const std::filesystem::path& folder, nn::Compute& compute,
                       const nn::Precision& precision = {});

/// Hash of the files that LoadPretrained reads: configuration, tokenizer, weights.
std::string HashOfModel(const std::filesystem::path& folder);

/// to = from, for two models of the same configuration.
void CopyWeights(const LanguageModel& from, LanguageModel& to);

}  // namespace retort::model
