#pragma once
// Loss, perplexity and bits per byte of a text.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "distill/text_file.h"
#include "model/packed_weights.h"
#include "model/workspace.h"

namespace retort::distill {

struct TextScore {
  double nats = 0;  ///< sum of -log p over the tokens
  int64_t tokens = 0;
  int64_t bytes = 0;  ///< of the text that they are

  double loss() const { return nats / static_cast<double>(tokens); }  ///< per token
  double perplexity() const;
  double bits_per_byte() const;
};

/// A file to be measured.
///
/// Of a document every token is predicted once, the first one behind the begin token, or the end
/// token where there is none; each sees at most the max_length tokens before it: the text is cut
/// into windows of max_length predictions, the last of which reaches back as far as it can. (The
/// rolling windows of lm-evaluation-harness.) The document's end is not predicted, having no bytes.
/// Other rows are cut off at max_length, and what is learned of them is predicted.
class EvalText {
 public:
  /// Of the options, `file` in place of train_files; nothing is packed and no middle moved. See
  /// ReadRows for what it throws.
  EvalText(const std::string& file, const TextOptions& options, const train::RowsPlace& place);

  /// The same on any number of threads. `progress` gets the share that is done, `stop` is asked
  /// between the parts and ends it with datasets::Stopped; both may be empty.
  TextScore Score(const model::PackedWeights& weights, model::Workspace& workspace,
                  int64_t micro_batch_tokens, const std::function<void(double)>& progress = {},
                  const std::function<bool()>& stop = {}) const;
  const RowCounts& counts() const { return counts_; }

 private:
  void AddWindows(const RowTokens& document, int64_t max_length);

  RowCounts counts_;
  std::vector<train::LearnGroup> groups_;
  int64_t bytes_ = 0;
};

}  // namespace retort::distill
