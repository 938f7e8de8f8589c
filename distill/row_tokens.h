#pragma once
// A row as token ids, and which of them are learned: as TRL's SFTTrainer prepares it.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "datasets/learn_rows.h"
#include "model/template.h"
#include "train/micro_batch.h"

namespace retort::distill {

struct RowTokens {
  std::vector<int32_t> ids = {};
  std::vector<bool> learned = {};  ///< per id; the first one is never predicted
  bool spanning =
      false;  ///< a token holds the end of what is given and the start of what is learned
  datasets::LearnRow::Form form = {};
};
/// Whether a token behind the first is learned.
bool TeachesAnything(const std::vector<bool>& learned);
/// The sequence of these ids.
train::LearnGroup GroupOf(std::span<const int32_t> ids, const std::vector<bool>& learned);

struct RowTokenizerOptions {
  bool completion_only_loss = true;
  bool assistant_only_loss = true;
  double fim_rate = 0;
};

/// Immutable, safe to share between threads.
///
/// A document and a completion end with the end token. Added tokens written in texts are matched,
/// as transformers does, but in what users and tools say. A token that holds both something given
/// and something learned is learned (where TRL, for prompt and completion, warns and cuts behind
/// it).
class RowTokenizer {
 public:
  /// Conversations are rendered by the tokenizer's chat template, or, where it has none, by that of
  /// `prompt_template`. Throws Error where there is a fim_rate, but no tokens to mark the parts.
  RowTokenizer(const model::Tokenizer& tokenizer, model::PromptTemplate prompt_template,
               const RowTokenizerOptions& options);

  /// `stream` names the choices of fill-in-the-middle. Throws Error on a row that cannot be
  /// rendered, and where it cannot be told what the assistant says.
  RowTokens operator()(const datasets::LearnRow& row, const StreamKey& stream) const;

 private:
  using Range = std::pair<size_t, size_t>;  // bytes of a rendered text, [first, second)

  RowTokens Document(const std::string& text, const StreamKey& stream) const;
  std::vector<int32_t> FillInTheMiddle(std::string_view text, RandomStream& random) const;
  RowTokens Completion(const datasets::LearnRow& row) const;
  RowTokens Conversation(const datasets::LearnRow& row) const;
  std::vector<Range> AssistantRanges(const Json& conversation, std::string_view text) const;
  size_t RenderedPrefix(const Json& conversation, size_t messages, bool generation_prompt,
                        std::string_view text) const;
  std::vector<int32_t> Encode(std::string_view text) const;
  void End(std::vector<int32_t>& ids) const;

  model::Tokenizer tokenizer_;
  RowTokenizerOptions options_;
  std::optional<model::JinjaTemplate> chat_;
  std::string no_chat_;          // why there is none
  bool marks_turns_ = false;     // by {% generation %} blocks
  std::vector<int32_t> before_;  // what the tokenizer puts before a text, a begin token perhaps
  std::optional<std::array<int32_t, 3>> fim_;  // prefix, suffix, middle
};

}  // namespace retort::distill
