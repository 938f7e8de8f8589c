#pragma once
// What a tokenizer is made of.

#include "model/internal/added_tokens.h"
#include "model/internal/bpe.h"
#include "model/internal/text_stages.h"

namespace retort::model {

struct Tokenizer::Parts {
  std::vector<std::string> bytes;   // [vocab_size]
  std::vector<std::string> pieces;  // [vocab_size] spelling in the model's vocab, "" when not in it
  AddedTokenList added;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  Bpe bpe;
  PostProcessor post_processor;
  std::optional<int32_t> bos, eos, pad;
  std::vector<bool> special;  // [vocab_size] left out by Decode(…, kSkip)

  /// Fills what is derived, given the rest. Throws Error starting with `where`.
  void Complete(std::vector<Merge> merges, bool ignore_merges, const std::string& where) {
    added.BuildIndex();
    special.assign(bytes.size(), false);
    for (const AddedToken& token : added.tokens()) {
      special[static_cast<size_t>(token.id)] = token.special;
    }
    bpe = Bpe({bytes, pieces, std::move(merges), ignore_merges}, where);
  }

  /// Text between added tokens.
  void EncodeText(std::string_view text, std::vector<int32_t>& ids) const {
    pre_tokenizer.ForPieces(normalizer(text),
                            [&](std::string_view piece) { bpe.Encode(piece, ids); });
  }
};

}  // namespace retort::model
