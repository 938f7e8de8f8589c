#include "train/stage_export.h"

#include "base/folder.h"

namespace retort::train {

StageReport RunExport(const StageContext& context, const ExportOptions& options) {
  const std::filesystem::path folder = context.folder / options.path;
  WriteModelFolder(
      context.model, context.tokenizer, context.prompt_template,
      {folder, context.owner, {{"kind", "export"}, {"stage", context.name}}, options.dtype});
  StageReport report;
  report.details["path"] = std::filesystem::absolute(folder).lexically_normal().string();
  return report;
}

model::GenerationConfig GenerationOf(const model::Tokenizer& tokenizer) {
  model::GenerationConfig generation;
  for (const int32_t id : model::StopIds(tokenizer)) generation.eos_token_id.push_back(id);
  return generation;
}

void WriteModelFolder(model::LanguageModel& model, const model::Tokenizer& tokenizer,
                      model::PromptTemplate prompt_template, const ModelFolder& folder) {
  AtomicFolder directory(folder.path, folder.owner, folder.details);
  model::SavePretrained(model, tokenizer, GenerationOf(tokenizer), prompt_template,
                        directory.temporary(), folder.dtype);
  directory.Commit();
}

StageNeeds ExportOptions::Needs() const { return {.folder = path}; }

const StageKind& ExportKind() {
  static const StageKind kind = MakeStageKind<RunExport>(
      "export", "Writes the model as a Hugging Face folder.", false, ExportOptions());
  return kind;
}

}  // namespace retort::train
