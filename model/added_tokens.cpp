#include "model/internal/added_tokens.h"

#include <utf8proc.h>

#include <algorithm>

#include "model/internal/utf8.h"

namespace retort::model {
namespace {

// Unicode's White_Space.
bool IsWhiteSpace(int32_t code) {
  return (code >= 9 && code <= 13) || code == 32 || code == 0x85 || code == 0xa0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
         code == 0x202f || code == 0x205f || code == 0x3000;
}

// A character of a word: letters, marks, digits, connectors, joiners.
bool IsWordPart(int32_t code) {
  if (code < 0) return false;
  if ((code >= 0x24b6 && code <= 0x24e9) || code == 0x200c || code == 0x200d) return true;
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

Character LastCharacter(std::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < 4 &&
         (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) {
    --begin;
  }
  const Character last = FirstCharacter(text.substr(begin));
  if (begin + last.bytes.size() == text.size()) return last;
  return {text.substr(text.size() - 1), -1};
}

bool IsInWord(std::string_view before, std::string_view behind) {
  return (!before.empty() && IsWordPart(LastCharacter(before).code)) ||
         (!behind.empty() && IsWordPart(FirstCharacter(behind).code));
}

}  // namespace

bool AddedTokenList::Add(AddedToken token) {
  if (!by_content_.emplace(token.content, tokens_.size()).second) return false;
  tokens_.push_back(std::move(token));
  return true;
}

void AddedTokenList::BuildIndex(const std::function<std::string(std::string_view)>& normalize) {
  for (size_t place = 0; place < tokens_.size(); ++place) {
    const AddedToken& token = tokens_[place];
    std::string spelled = token.normalized ? normalize(token.content) : token.content;
    if (!spelled.empty()) spelled_[token.normalized].emplace(std::move(spelled), place);
  }
  shorter_.resize(tokens_.size());
  for (const size_t pass : {0, 1}) {
    starts_[pass].assign(256, false);
    std::vector<Index::const_iterator> open;  // each begins with the one before it
    const Index& index = spelled_[pass];
    for (auto at = index.begin(); at != index.end(); ++at) {
      starts_[pass][static_cast<uint8_t>(at->first[0])] = true;
      while (!open.empty() && !at->first.starts_with(open.back()->first)) open.pop_back();
      shorter_[at->second] = open.empty() ? index.end() : open.back();
      open.push_back(at);
    }
  }
}

std::optional<int32_t> AddedTokenList::Find(std::string_view content) const {
  const auto found = by_content_.find(content);
  return found == by_content_.end() ? std::nullopt : std::optional(tokens_[found->second].id);
}

// The longest that the text begins with. It is the last one that does not sort behind the text, or
// one that this one begins with.
const AddedToken* AddedTokenList::Longest(std::string_view text, size_t pass, size_t& size) const {
  if (!starts_[pass][static_cast<uint8_t>(text[0])]) return nullptr;
  text = text.substr(0, AddedToken::kLongest);
  const Index& index = spelled_[pass];
  auto at = index.upper_bound(text);
  if (at == index.begin()) return nullptr;
  --at;
  const auto common =
      static_cast<size_t>(std::ranges::mismatch(at->first, text).in1 - at->first.begin());
  auto found = index.find(at->first);
  while (found != index.end() && found->first.size() > common) found = shorter_[found->second];
  if (found == index.end()) return nullptr;
  size = found->first.size();
  return &tokens_[found->second];
}

bool AddedTokenList::BeginsAt(std::string_view text) const {
  size_t size = 0;
  return (Longest(text, 0, size) || Longest(text, 1, size)) &&
         size > FirstCharacter(text).bytes.size();
}

bool AddedTokenList::MatchAt(std::string_view whole, size_t at, size_t start, size_t pass,
                             Match& match) const {
  size_t size = 0;
  const AddedToken* token = Longest(whole.substr(at), pass, size);
  if (!token) return false;
  match = {at, at + size, at + size, token->id};
  if (token->single_word && IsInWord(whole.substr(0, at), whole.substr(match.end))) return false;
  while (token->lstrip && match.begin > start) {
    const Character last = LastCharacter(whole.substr(start, match.begin - start));
    if (!IsWhiteSpace(last.code)) break;
    match.begin -= last.bytes.size();
  }
  while (token->rstrip && match.end < whole.size()) {
    const Character first = FirstCharacter(whole.substr(match.end));
    if (!IsWhiteSpace(first.code)) break;
    match.end += first.bytes.size();
  }
  return true;
}

}  // namespace retort::model
