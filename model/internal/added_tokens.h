#pragma once
// Tokens that are found in a text before anything else is done with it.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace retort::model {

/// In two passes: those that are not `normalized` are cut out first, then the others from what is
/// left between them. Leftmost, and of those that begin at one place the longest.
class AddedTokenList {
 public:
  /// False when there is an added token of this content already.
  bool Add(AddedToken token);
  /// To be called after the last Add and before Cut.
  void BuildIndex();

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  std::optional<int32_t> Find(std::string_view content) const;

  /// `token(id)` and `text(part)`, in order, for all of `whole`.
  template <class Token, class Text>
  void Cut(std::string_view whole, const Token& token, const Text& text) const {
    CutPass(whole, 0, token, [&](std::string_view part) { CutPass(part, 1, token, text); });
  }

 private:
  template <class Token, class Text>
  void CutPass(std::string_view whole, size_t pass, const Token& token, const Text& text) const {
    size_t start = 0;
    for (size_t i = 0; i < whole.size();) {
      const AddedToken* match = MatchAt(whole.substr(i), pass);
      if (!match) {
        ++i;
        continue;
      }
      text(whole.substr(start, i - start));
      token(match->id);
      i += match->content.size();
      start = i;
    }
    text(whole.substr(start));
  }
  const AddedToken* MatchAt(std::string_view text, size_t pass) const;

  std::vector<AddedToken> tokens_;
  // Sorted, not hashed: a file could make hashes collide.
  std::array<std::map<std::string, size_t, std::less<>>, 2>
      by_content_;                           // [pass] places in tokens_
  std::array<std::vector<bool>, 2> starts_;  // [pass][256] first bytes
  // Of each the longest other one of its pass that it begins with, or -1.
  std::vector<int64_t> shorter_;
};

}  // namespace retort::model
