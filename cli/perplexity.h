#pragma once
// retort eval --perplexity: how well a model predicts texts.

#include <string>
#include <vector>

#include "cli/parts/command.h"
#include "distill/text_file.h"
#include "nn/dtype.h"

namespace CLI {
class App;
}

namespace retort::cli {

struct PerplexityCommand {
  std::string folder;  ///< of the model
  std::vector<std::string> files;
  distill::TextOptions text;
  nn::Precision precision;
  int threads = 0;
  bool json = false;
};

/// `--perplexity FILE…` and how its rows are read.
void AddPerplexityFlags(CLI::App& app, PerplexityCommand& command);

/// Measures the files, one after another, and prints a table. Returns an exit code.
int MeasurePerplexity(const PerplexityCommand& command);

}  // namespace retort::cli
