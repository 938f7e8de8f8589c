#pragma once
// What a tokenizer is made of.

#include "model/internal/added_tokens.h"
#include "model/internal/bpe.h"
#include "model/internal/decoder.h"
#include "model/internal/normalizer.h"
#include "model/internal/post_processor.h"
#include "model/internal/pre_tokenizer.h"

namespace retort::model {

struct Tokenizer::Parts {
  std::vector<std::string> bytes;   // [vocab_size]
  std::vector<std::string> pieces;  // [vocab_size] spelling in the model's vocab, "" when not in it
  AddedTokenList added;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  Bpe bpe;
  PostProcessor post_processor;
  Decoder decoder;
  std::string unk;  // spelling, "" without one
  std::optional<int32_t> bos, eos, pad;
  std::optional<JinjaTemplate> chat;
  std::string no_chat = "the vocabulary came without a chat template";  // why there is none
  std::vector<bool> special;  // [vocab_size] left out by Decode(…, kSkip)
  // Merges that give an added token, by its id: trained vocabularies may have some.
  std::map<int32_t, Merge> added_by_merge;

  /// Fills what is derived, given the rest. Throws Error starting with `where`.
  void Complete(std::vector<Merge> merges, const Bpe::Options& options, const std::string& where);

  /// Of an added token, as it is spelled.
  std::string ContentOf(int32_t id) const;

  /// Text between added tokens, or with those of the second pass; `at_start` of the whole input.
  void EncodeText(std::string_view text, bool at_start, std::vector<int32_t>& ids) const;
  void EncodeWithAdded(std::string_view text, bool at_start, std::vector<int32_t>& ids) const;

  /// Without what merges have made an added token: its parts instead.
  std::vector<int32_t> WithoutAdded(std::vector<int32_t> ids) const;

 private:
  void EncodeNormalized(std::string_view text, bool at_start, std::vector<int32_t>& ids) const;
};

}  // namespace retort::model
