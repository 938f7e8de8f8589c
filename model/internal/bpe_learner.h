#pragma once
// The merges of a vocabulary, learned from words and their counts (what is learned:
// model/bpe_trainer.h).

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/bpe_trainer.h"
#include "model/internal/word_counts.h"

namespace retort::model {

struct LearnedBpe {
  std::vector<std::string> pieces;  ///< [id] as in tokenizer.json
  std::vector<Merge> merges;
};

/// `reserved` are the first pieces; `byte_level`: symbols are bytes, spelled as byte_alphabet.h
/// does, else characters. What is neither in the alphabet nor reserved is left out of its word.
/// Time grows as the text of the distinct words and its logarithm do, however long they are.
LearnedBpe LearnBpe(const WordCounts& words, bool byte_level,
                    const std::vector<std::string>& reserved, const BpeTrainerOptions& options,
                    const std::function<void(int64_t tokens)>& progress);

}  // namespace retort::model
