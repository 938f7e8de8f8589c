#pragma once
// A model as a Hugging Face folder: config.json, model.safetensors in the published names,
// tokenizer.json, tokenizer_config.json, generation_config.json.

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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
  /// What a reader of the folder should know, a sentence each: tensors that were left out.
  std::vector<std::string> notes;
};

/// What weights are written in; bfloat16 rounds to nearest, ties to even.
enum class SavedDtype { kFloat32, kBFloat16 };
constexpr auto EnumNames(SavedDtype) {
  return std::array{std::pair{SavedDtype::kFloat32, "float32"},
                    std::pair{SavedDtype::kBFloat16, "bfloat16"}};
}

/// Weights only. Each file is complete or absent.
void SaveWeights(const LanguageModel& model, const std::filesystem::path& file,
                 SavedDtype dtype = SavedDtype::kFloat32);
/// Fills every parameter from the folder (single file or shards; F32, F16, BF16, or F8_E4M3 with
/// DeepSeek's block scales). Modules for multi-token prediction are left out. Throws Error naming a
/// tensor that is missing, superfluous or of another shape than config.json implies, that holds NaN
/// or infinity, or a head that is not the embedding though they are tied.
void LoadWeights(LanguageModel& model, const std::filesystem::path& folder);

/// The same complaints about names and shapes, from the headers of the files alone: nothing is made
/// by the sizes in config.json before the files have shown them to be true.
/// Returns what a reader of the folder should know, as in Pretrained.
std::vector<std::string> CheckWeights(const ModelConfig& config,
                                      const std::filesystem::path& folder);

/// Writes the whole folder, which must exist. Its generation_config.json names what ends a
/// completion (StopIds), whether or not `generation` does.
void SavePretrained(const LanguageModel& model, const Tokenizer& tokenizer,
                    const GenerationConfig& generation, PromptTemplate prompt_template,
                    const std::filesystem::path& folder, SavedDtype dtype = SavedDtype::kFloat32);
Pretrained LoadPretrained(const std::filesystem::path& folder, const nn::Precision& precision = {});

/// The same for sampling only: packed as the files are read, without values that could be trained.
struct PackedModel {
  std::shared_ptr<const PackedWeights> weights;
  Tokenizer tokenizer;
  GenerationConfig generation;
  std::vector<std::string> notes;
};
PackedModel LoadPacked(const std::filesystem::path& folder, nn::Compute& compute,
                       const nn::Precision& precision = {});

/// Hash of the files that LoadPretrained reads: configuration, tokenizer, weights.
std::string HashOfModel(const std::filesystem::path& folder);

/// to = from, for two models of the same configuration.
void CopyWeights(const LanguageModel& from, LanguageModel& to);

}  // namespace retort::model
