#include "train/stage_export.h"

#include "base/folder.h"

namespace retort::train {

StageReport RunExport(const StageContext& context, const ExportOptions& options) {
  const std::filesystem::path folder = context.folder / options.path;
  WriteModelFolder(
      {context.model, context.tokenizer, context.generation, context.prompt_template.frame},
      {folder, context.owner, {{"kind", "export"}, {"stage", context.name}}, options.dtype});
  StageReport report;
  report.details["path"] = std::filesystem::absolute(folder).lexically_normal().string();
  return report;
}

void WriteModelFolder(const ModelContent& content, const ModelFolder& folder) {
  AtomicFolder directory(folder.path, folder.owner, folder.details);
  model::SavePretrained(content.model, content.tokenizer, content.generation,
                        content.prompt_template, directory.temporary(), folder.dtype);
  directory.Commit();
}

StageNeeds ExportOptions::Needs() const { return {.folder = path}; }

const StageKind& ExportKind() {
  static const StageKind kind = MakeStageKind<RunExport>(
      "export", "Writes the model as a Hugging Face folder.", false, ExportOptions());
  return kind;
}

}  // namespace retort::train
