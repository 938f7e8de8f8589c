#pragma once
// Everything a bit-exact resume needs, in one folder that is complete or absent: the Hugging Face
// folder, optimizer.safetensors and trainer_state.json.

#include <filesystem>
#include <string>

#include "base/json.h"
#include "model/pretrained.h"
#include "train/learner.h"

namespace retort::train {

/// trainer_state.json. `environment` records what "the same bits" depends on (law 10).
struct TrainerState {
  std::string recipe_hash;
  std::string model;  ///< name in the recipe
  std::string stage;
  int64_t stage_index = 0;
  int64_t step = 0;                   ///< steps of this stage that are done
  int64_t global_step = 0;            ///< training steps of the run that are done
  Json stage_state = Json::object();  ///< whatever else the stage must remember
  Json environment = Json::object();
};

/// Version of Retort, instruction set, compiler: what decides the bits.
Json Environment();

struct CheckpointContent {
  model::LanguageModel* model = nullptr;
  const model::Tokenizer* tokenizer = nullptr;
  model::GenerationConfig generation;
  model::PromptTemplate prompt_template = model::PromptTemplate::kShort;
  nn::AdamW* optimizer = nullptr;             ///< may be null
  model::LanguageModel* reference = nullptr;  ///< null when the stage has no reference policy
};
/// The folder is marked as the owner's (base/folder.h), with what it is: model, stage and steps.
void SaveCheckpoint(const std::filesystem::path& folder, const std::string& owner,
                    const CheckpointContent& content, const TrainerState& state);

TrainerState ReadTrainerState(const std::filesystem::path& folder);
/// Restores moments and step count; throws Error when they do not fit the model.
void LoadOptimizer(const std::filesystem::path& folder, nn::AdamW& optimizer);
void LoadReference(const std::filesystem::path& folder, model::LanguageModel& reference);

}  // namespace retort::train
