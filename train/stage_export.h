#pragma once
// The stage that writes its model as a Hugging Face folder, and how folders of models are written.

#include <filesystem>
#include <string>

#include "model/pretrained.h"
#include "train/stage_kind.h"

namespace retort::train {

struct ExportOptions {
  std::string path = "export";
  model::SavedDtype dtype = model::SavedDtype::kFloat32;
  template <class V>
  void Visit(V& v) {
    v("path", path, "Folder, relative to the run directory.");
    v("dtype", dtype, "What the weights are stored in.");
  }
  void Validate(const std::string&) const {}
  StageNeeds Needs() const;
};

StageReport RunExport(const StageContext& context, const ExportOptions& options);

const StageKind& ExportKind();

/// A Hugging Face folder that appears complete or not at all. `details` of its marker say what it
/// is.
struct ModelFolder {
  std::filesystem::path path;
  std::string owner;
  Json details = Json::object();
  model::SavedDtype dtype = model::SavedDtype::kFloat32;
};
struct ModelContent {
  const model::LanguageModel& model;
  const model::Tokenizer& tokenizer;
  model::GenerationConfig generation;  ///< without stop ids: the vocabulary's
  model::PromptTemplate prompt_template;
};
void WriteModelFolder(const ModelContent& content, const ModelFolder& folder);

}  // namespace retort::train
