#pragma once
// Byte-pair encodings learned from text, with the merges and ids that the BpeTrainer of Hugging
// Face's tokenizers gives for the same texts and settings.
//
// A word is what the normaliser and the pre-tokeniser leave in one piece. The vocabulary is the
// added tokens (with the 256 bytes behind them where unknown characters become bytes), the alphabet
// by code point (of a byte-level one: all bytes, as the characters that stand for them), and one
// token per merge. A merge joins the pair of neighbours that occurs most often in all words, of
// equally frequent ones that with the smallest ids; where its text is a token already, it gives
// that id. It ends when the vocabulary is large enough or no pair frequent enough.
//
// Memory is that of the distinct words. Neither the order of the texts nor the number of threads
// changes a result. Two things in which tokenizers' own is left to chance are settled here: of
// characters that occur equally often limit_alphabet keeps the smaller ones, and counts do not
// overflow at 2^31.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/options.h"
#include "model/tokenizer.h"

namespace retort::model {

struct BpeTrainerOptions {
  int64_t vocab_size = 30000;
  int64_t min_frequency = 0;
  std::optional<int64_t> max_token_length = {};
  std::optional<int64_t> limit_alphabet = {};
  std::string initial_alphabet = {};
  std::vector<std::string> special = {};

  template <class V>
  void Visit(V& v) {
    v("vocab_size", vocab_size, "Tokens at most, added ones and the alphabet included.",
      Bounds{1, 1e7});
    v("min_frequency", min_frequency, "Join no pair that occurs less often.", Bounds{0, 9e15});
    v("max_token_length", max_token_length,
      "Learn only tokens of fewer characters (bytes of a byte-level vocabulary), or of two.",
      Bounds{1, 1e9});
    v("limit_alphabet", limit_alphabet, "Keep only so many characters, the most frequent ones.",
      Bounds{1, 1e7});
    v("initial_alphabet", initial_alphabet,
      "Characters to keep whether or not the texts have them; all bytes of a byte-level "
      "vocabulary are.");
    v("special", special, "Special tokens to add behind those that are there.");
  }
};

class BpeTrainer {
 public:
  /// All but vocabulary and merges is that of `like`: stages, flags, added and named tokens. (Not
  /// the chat template: Tokenizer::Save is given one.) Throws Error on a special token that is no
  /// text or there already.
  BpeTrainer(const Tokenizer& like, BpeTrainerOptions options);
  ~BpeTrainer();

  /// Counts the words of each text that next(text) gives, until it returns false; it is called by
  /// one thread at a time. May be called again for more.
  void Count(const std::function<bool(std::string& text)>& next, int threads = 1);

  struct Corpus {
    int64_t texts = 0, bytes = 0, words = 0, distinct_words = 0;
  };
  Corpus corpus() const;

  /// `progress(tokens)` hears how large the vocabulary is, often. Throws Error where the texts hold
  /// no word, and on a vocab_size or limit_alphabet that is less than what is to be kept.
  Tokenizer Train(const std::function<void(int64_t tokens)>& progress = {}) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace retort::model
