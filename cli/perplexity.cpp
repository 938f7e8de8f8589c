#include "cli/perplexity.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "base/executor.h"
#include "base/strings.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/progress.h"
#include "cli/parts/table.h"
#include "datasets/trace_store.h"
#include "distill/perplexity.h"
#include "model/pretrained.h"

namespace retort::cli {
namespace {

constexpr int64_t kTokensAtATime = 8192;

Json ToJson(const std::string& file, const distill::EvalText& text,
            const distill::TextScore& score) {
  Json row = text.counts().ToJson();
  row["file"] = file;
  row["tokens"] = score.tokens;
  row["bytes"] = score.bytes;
  row["loss"] = score.loss();
  row["perplexity"] = score.perplexity();
  row["bits_per_byte"] = score.bytes > 0 ? Json(score.bits_per_byte()) : Json();
  return row;
}

}  // namespace

void AddPerplexityFlags(CLI::App& app, PerplexityCommand& command) {
  CLI::Option* files =
      app.add_option("--perplexity", command.files,
                     "Instead of problems, measure loss, perplexity and bits per byte of these "
                     "files: rows (.jsonl, .csv) with text, messages, or prompt and completion; "
                     "any other file is a text.");
  files->type_name("FILE");
  std::vector<Field> fields = ListFields(command.text);
  std::erase_if(fields, [](const Field& field) {
    return field.name != "max_length" && field.name != "dataset_text_field" &&
           field.name != "completion_only_loss" && field.name != "assistant_only_loss";
  });
  for (Field& field : fields) field.help = "With --perplexity. " + field.help;
  AddOptionFlags(app, fields);
  for (const char* flag : {"--max-length", "--dataset-text-field", "--completion-only-loss",
                           "--assistant-only-loss"}) {
    app.get_option(flag)->needs(files);
  }
}

int MeasurePerplexity(const PerplexityCommand& command) {
  const Executor executor(command.threads);
  nn::Compute compute(executor);
  const model::PackedModel pretrained =
      model::LoadPacked(command.folder, compute, command.precision);
  const train::RowsPlace place{
      .tokenizer = pretrained.tokenizer,
      .positions = train::Positions(pretrained.weights->network().config()),
      .threads = executor.threads(),
      .stop = Interrupted};
  model::Workspace workspace(compute);
  Table table{{"file", "tokens", "bytes", "loss", "perplexity", "bits per byte"}, {}};
  Json rows = Json::array();
  bool interrupted = false;
  try {
    for (const std::string& file : command.files) {
      const distill::EvalText text(file, command.text, place);
      for (const std::string& remark : text.counts().Remarks()) {
        std::cerr << "retort: " << remark << "\n";
      }
      Progress progress("perplexity");
      const distill::TextScore score = text.Score(
          *pretrained.weights, workspace, kTokensAtATime,
          [&](double done) { progress.Update(done, 1, file); }, Interrupted);
      rows.push_back(ToJson(file, text, score));
      table.rows.push_back({file, Thousands(score.tokens), Thousands(score.bytes),
                            Fixed(score.loss(), 4), Fixed(score.perplexity(), 3),
                            score.bytes > 0 ? Fixed(score.bits_per_byte(), 4) : "-"});
    }
  } catch (const datasets::Stopped&) {
    interrupted = true;
    std::cerr << "retort: interrupted: " << rows.size() << " of " << command.files.size()
              << " files are measured\n";
  }
  if (command.json) {
    std::cout << ToJsonLine({{"files", std::move(rows)}}) << "\n";
  } else {
    std::cout << FormatTable(table);
  }
  return interrupted ? kInterrupted : kSuccess;
}

}  // namespace retort::cli
