#pragma once
// Tokens that are found in a text before anything else is done with it.

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace retort::model {

/// In two passes: those that are not `normalized` are cut out of the text first, then the others
/// from what is left between them, normalised. Leftmost, and of those that begin at one place the
/// longest.
class AddedTokenList {
 public:
  /// False when there is an added token of this content already.
  bool Add(AddedToken token);
  /// To be called after the last Add and before Cut. `normalize` makes what the second pass looks
  /// for.
  void BuildIndex(const std::function<std::string(std::string_view)>& normalize);

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  std::optional<int32_t> Find(std::string_view content) const;

  /// Whether one of either pass, longer than a character, begins the text.
  bool BeginsAt(std::string_view text) const;

  /// The tokens of pass 0 or 1 in a text, each with the text in front of it; at last, without one,
  /// the text behind them. body(text, id or nothing)
  template <class Body>
  void Cut(std::string_view whole, size_t pass, const Body& body) const {
    size_t start = 0;
    for (size_t i = 0; i < whole.size();) {
      Match match;
      const bool found = MatchAt(whole, i, start, pass, match);
      i = std::max(i + 1, match.matched);
      if (!found) continue;
      // White space that a token took along may hold another.
      const size_t begin = std::max(start, match.begin);
      body(whole.substr(start, begin - start), std::optional(match.id));
      start = match.end;
    }
    body(whole.substr(start), std::optional<int32_t>());
  }

 private:
  struct Match {
    size_t begin = 0, end = 0;  // with the white space it takes along
    size_t matched = 0;         // the end without; also where it may not stand here
    int32_t id = 0;
  };
  // Whether a token begins at `at` and may stand there.
  bool MatchAt(std::string_view whole, size_t at, size_t start, size_t pass, Match& match) const;
  const AddedToken* Longest(std::string_view text, size_t pass, size_t& size) const;

  std::vector<AddedToken> tokens_;
  // Places in tokens_. Sorted, not hashed: a file could make hashes collide.
  using Index = std::map<std::string, size_t, std::less<>>;
  Index by_content_;
  std::array<Index, 2> spelled_;             // [pass] by what is looked for
  std::array<std::vector<bool>, 2> starts_;  // [pass][256] first bytes
  // Of each the longest other one of its pass that it begins with; the end without one.
  std::vector<Index::const_iterator> shorter_;
};

}  // namespace retort::model
