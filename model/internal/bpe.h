#pragma once
// Byte-pair encoding of one piece of text: its bytes are merged pair by pair, lowest rank first and
// leftmost on ties.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace retort::model {

/// Immutable after construction.
class Bpe {
 public:
  struct Vocabulary {
    std::span<const std::string> bytes;   ///< [ids] what each stands for
    std::span<const std::string> pieces;  ///< [ids] "" for an id that is no piece
    std::vector<Merge> merges = {};       ///< by rank
    bool ignore_merges = false;           ///< a text that is a piece is that piece
  };
  Bpe() = default;
  /// Throws Error (starting with `where`) when a byte has no id or a merge is there twice.
  Bpe(Vocabulary vocabulary, const std::string& where);

  /// Appends the ids of `text`.
  void Encode(std::string_view text, std::vector<int32_t>& ids) const;

  const std::vector<Merge>& merges() const { return merges_; }
  bool ignore_merges() const { return ignore_merges_; }

 private:
  struct Rule {
    uint64_t pair;  // left << 32 | right
    int32_t rank, result;
  };
  const Rule* Find(int32_t left, int32_t right) const;

  std::vector<Merge> merges_;
  bool ignore_merges_ = false;
  std::vector<int32_t> byte_ids_;  // [256]
  std::vector<Rule> rules_;        // by pair; sorted, not hashed: a file could make hashes collide
  std::map<std::string, int32_t, std::less<>> whole_;  // bytes to id, only with ignore_merges
};

}  // namespace retort::model
