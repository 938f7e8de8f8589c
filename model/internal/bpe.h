#pragma once
// Byte-pair encoding of one piece of text: its symbols (bytes, or characters with bytes in place of
// those that are unknown) are merged pair by pair, lowest rank first and leftmost on ties.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace retort::model {

/// Immutable after construction.
class Bpe {
 public:
  /// tokenizer.json's flags of that name. A symbol without an id is `unk`, or nothing without one.
  struct Options {
    bool byte_level = true;
    bool byte_fallback = false;
    bool ignore_merges = false;  ///< a text that is a token is that token
    std::optional<int32_t> unk;
    bool fuse_unk = false;  ///< neighbouring ones are one
    bool operator==(const Options&) const = default;
  };
  Bpe() = default;
  /// `pieces[id]` is what a token is the text of (bytes, or characters as the pre-tokeniser leaves
  /// them), "" for an id that is none. Throws Error (starting with `where`) when a merge is there
  /// twice.
  Bpe(std::span<const std::string> pieces, std::vector<Merge> merges, const Options& options,
      const std::string& where);

  /// Appends the ids of `text`.
  void Encode(std::string_view text, std::vector<int32_t>& ids) const;

  const std::vector<Merge>& merges() const { return merges_; }
  const Options& options() const { return options_; }

 private:
  struct Rule {
    int32_t right, rank, result;
  };
  const Rule* Find(int32_t left, int32_t right) const;
  std::optional<int32_t> Whole(std::string_view text) const;
  int32_t IdOf(int32_t code) const;
  void AddSymbols(std::string_view text, std::vector<int32_t>& ids) const;
  void MergeFew(std::span<int32_t> symbols, std::vector<int32_t>& ids) const;
  void MergeMany(std::vector<int32_t>& symbols, std::vector<int32_t>& ids) const;

  std::vector<Merge> merges_;
  Options options_;
  std::array<int32_t, 256> bytes_{};  // ids of bytes, or of the tokens that stand in for them; -1
  std::vector<std::pair<int32_t, int32_t>> characters_;  // code point to id, sorted
  std::vector<uint32_t> first_rule_;                     // [left + 1] place in rules_
  std::vector<Rule> rules_;                              // of each left, by right
  // Of all tokens, only with ignore_merges. Sorted, not hashed: a file could make hashes collide.
  struct Token {
    uint64_t start;  // its first eight bytes, as they sort
    std::string text;
    int32_t id;
  };
  std::vector<Token> tokens_;
};

}  // namespace retort::model
