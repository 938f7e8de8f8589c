#pragma once
// Rows that a model learns from word for word, in the forms in which TRL's SFTTrainer takes them:
// documents, completions of prompts, conversations.

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "datasets/byte_source.h"
#include "datasets/jsonl.h"

namespace retort::datasets {

/// What a row's columns say, the first of these that it has:
///   messages:              a conversation, a list of {"role", "content", …}
///   prompt and completion: two texts, or two lists of messages, which are one conversation then
///   the text column:       a document
struct LearnRow {
  enum class Form { kText, kCompletion, kMessages };
  Form form = Form::kText;
  std::string prompt = {};  ///< of a completion
  std::string text = {};    ///< the completion, or the document
  /// Variables of a chat template: "messages", "tools" where the row has that column, and what its
  /// column chat_template_kwargs holds.
  Json conversation = {};
  size_t given = 0;  ///< messages that came as a prompt; those behind are the completion
};

/// Throws Error starting with `where`.
LearnRow LearnRowFrom(const Json& row, const std::string& text_column, const std::string& where);

/// A row, or what is wrong with it.
struct LearnLine {
  int64_t number = 0;  ///< of the line it begins on, from 1
  std::optional<LearnRow> row;
  std::string error;  ///< "file:line: what, and what to do"; empty when there is a row
};

/// Reads row by row, from plain, gzip or Zstandard bytes: JSON Lines from files that end in .jsonl,
/// .ndjson or .json, CSV from .csv; any other file is one document, a text in UTF-8.
class LearnRowReader {
 public:
  /// "-" is a document from standard input. Throws Error when the file cannot be opened.
  explicit LearnRowReader(const std::string& path, std::string text_column = "text");
  /// False at the end. A bad row does not end the reading. Throws Error when the file cannot be
  /// read on or decompressed, and on a CSV header that names a column twice.
  bool Next(LearnLine& line);
  /// "file:line", of a document "file".
  std::string Where(const LearnLine& line) const;

 private:
  std::string ReadDocument();

  std::string text_column_;
  std::optional<JsonlReader> rows_;
  std::optional<ByteSource> document_;  // until it has been read
  std::string name_;
};

}  // namespace retort::datasets
