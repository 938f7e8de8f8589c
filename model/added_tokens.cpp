#include "model/internal/added_tokens.h"

#include <algorithm>

namespace retort::model {

bool AddedTokenList::Add(AddedToken token) {
  if (Find(token.content)) return false;
  by_content_[token.normalized].emplace(token.content, tokens_.size());
  tokens_.push_back(std::move(token));
  return true;
}

void AddedTokenList::BuildIndex() {
  shorter_.assign(tokens_.size(), -1);
  for (const size_t pass : {0, 1}) {
    starts_[pass].assign(256, false);
    std::vector<size_t> open;  // each begins with the one before it
    for (const auto& [content, place] : by_content_[pass]) {
      starts_[pass][static_cast<uint8_t>(content[0])] = true;
      while (!open.empty() && !content.starts_with(tokens_[open.back()].content)) open.pop_back();
      if (!open.empty()) shorter_[place] = static_cast<int64_t>(open.back());
      open.push_back(place);
    }
  }
}

std::optional<int32_t> AddedTokenList::Find(std::string_view content) const {
  for (const auto& table : by_content_) {
    const auto found = table.find(content);
    if (found != table.end()) return tokens_[found->second].id;
  }
  return std::nullopt;
}

// The longest that the text begins with. It is the last one that does not sort behind the text, or
// one that this one begins with.
const AddedToken* AddedTokenList::MatchAt(std::string_view text, size_t pass) const {
  if (!starts_[pass][static_cast<uint8_t>(text[0])]) return nullptr;
  text = text.substr(0, AddedToken::kLongest);
  auto next = by_content_[pass].upper_bound(text);
  if (next == by_content_[pass].begin()) return nullptr;
  const auto& [content, place] = *std::prev(next);
  const auto common =
      static_cast<size_t>(std::ranges::mismatch(content, text).in1 - content.begin());
  auto at = static_cast<int64_t>(place);
  while (at >= 0 && tokens_[static_cast<size_t>(at)].content.size() > common) {
    at = shorter_[static_cast<size_t>(at)];
  }
  return at >= 0 ? &tokens_[static_cast<size_t>(at)] : nullptr;
}

}  // namespace retort::model
