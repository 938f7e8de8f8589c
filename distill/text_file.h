#pragma once
// One file of rows, tokenised and packed.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "distill/packing.h"
#include "distill/row_tokens.h"
#include "train/stage_kind.h"

namespace retort::distill {

/// Which rows are read, and how they become sequences. Names and defaults follow TRL's SFTConfig
/// where it has them; TRL's default for assistant_only_loss is false, and its null for max_length
/// no limit.
struct TextOptions {
  std::vector<std::string> train_files;
  std::vector<double> weights;
  std::string dataset_text_field = "text";
  std::optional<int64_t> max_length;
  bool packing = false;
  PackingStrategy packing_strategy = PackingStrategy::kBfd;
  bool document_mask = true;
  bool completion_only_loss = true;
  bool assistant_only_loss = true;
  double fim_rate = 0;
  std::string eval_file;
  int64_t eval_steps = 0;
  template <class V>
  void Visit(V& v) {
    v("train_files", train_files,
      "Files to learn from word for word, instead of problems. Rows (JSON Lines or CSV, also as "
      ".gz "
      "or .zst) have the column messages, the columns prompt and completion, or the text column; "
      "any other file, such as a .txt, is one document.");
    v("weights", weights,
      "Share of each file in the tokens, however long its sequences; a file that is drawn from "
      "more "
      "often than it has sequences is read again. Empty: every sequence of every file once an "
      "epoch.",
      Bounds{0, 1e9});
    v("dataset_text_field", dataset_text_field, "Column of a document.");
    v("max_length", max_length,
      "Tokens of a sequence at most; what is longer is cut off, or, packed with bfd_split or "
      "wrapped, goes on in another sequence. Null: 1024, or the model's max_position_embeddings "
      "where that is less.",
      Bounds{2, 1e9});
    v("packing", packing, "Fill sequences of max_length with several rows.");
    v("packing_strategy", packing_strategy,
      "bfd: whole rows, best fit decreasing; bfd_split: the same after longer rows are cut into "
      "pieces; wrapped: one row behind the other, cut where a sequence is full.");
    v("document_mask", document_mask,
      "Tokens of a packed row see that row only, and its positions begin at 0. False: a sequence "
      "is one text, in which a row sees those before it.");
    v("completion_only_loss", completion_only_loss,
      "Of prompt and completion, learn the completion only.");
    v("assistant_only_loss", assistant_only_loss,
      "Of a conversation, learn what the assistant says only: what {% generation %} blocks of the "
      "chat template write, or else what each of its turns adds behind the generation prompt.");
    v("fim_rate", fim_rate,
      "Share of documents that are learned with the middle moved behind prefix and suffix; needs a "
      "tokenizer with tokens for that.",
      Bounds{0, 1});
    v("eval_file", eval_file,
      "File of which loss, perplexity and bits per byte are measured: rows, or a text.");
    v("eval_steps", eval_steps, "Measure them every so many steps; 0 = at the end only.",
      Bounds{0, 1e9});
  }
  /// Throws Error on options that contradict each other. `where` starts the message.
  void Validate(const std::string& where) const;
  /// Of a model with so many positions. Throws Error when they are too few.
  int64_t MaxLength(int64_t positions) const;
  RowTokenizerOptions Tokenizing() const {
    return {completion_only_loss, assistant_only_loss, fim_rate};
  }
};

/// What became of a file's rows.
struct RowCounts {
  std::string file;
  int64_t max_length = 0;
  int64_t rows = 0;
  int64_t bad = 0;               ///< cannot be read or rendered; left out
  int64_t too_long = 0;          ///< cut off at max_length
  int64_t nothing_to_learn = 0;  ///< no learned token is left; left out
  int64_t spanning = 0;          ///< RowTokens::spanning
  int64_t conversations = 0;
  std::vector<std::string> first_bad;    ///< up to three
  std::vector<train::RowPreview> first;  ///< of those that are used, up to three

  int64_t used() const { return rows - bad - nothing_to_learn; }
  /// A sentence for each of them that is not as it should be.
  std::vector<std::string> Remarks() const;
  Json ToJson() const;
};

/// Reads a file, on several threads: `tokenize` may run for several rows at once, `take` gets their
/// tokens in the file's order, cut off where there are more than `cut` (0: any number). Rows that
/// teach nothing are left out. Throws Error when no row is left.
struct RowReading {
  std::string file;
  std::string text_column;
  int64_t cut = 0;
  bool cut_documents = true;  ///< too
  int threads = 0;
  std::function<bool()> stop;
  std::function<RowTokens(const datasets::LearnRow& row, int64_t line)> tokenize;
  std::function<void(RowTokens row)> take;
};
RowCounts ReadRows(const RowReading& reading);

/// Immutable. Holds the tokens in memory, a little more than four bytes each.
class TextFile {
 public:
  /// The `index`-th of the options' files.
  TextFile(const TextOptions& options, size_t index, const RowTokenizer& tokenizer,
           const train::RowsPlace& place);

  int64_t sequences() const { return std::ssize(sequences_); }
  int64_t tokens() const { return tokens_; }  ///< that all sequences compute
  const RowCounts& counts() const { return counts_; }
  /// A sequence: one group, or with the document mask one for each row in it.
  std::vector<train::LearnGroup> At(int64_t sequence) const;
  /// counts() and sizes, for the stage's report.
  Json Report() const;

 private:
  std::vector<train::LearnGroup> GroupsOf(int64_t packed) const;  // by its place in packing_

  RowCounts counts_;
  bool document_mask_;
  std::vector<int32_t> ids_;
  std::vector<bool> learned_;  // [ids_]
  std::optional<Packing> packing_;
  std::vector<int64_t> sequences_;  // of packing_, those that teach anything
  int64_t tokens_ = 0;
};

}  // namespace retort::distill
