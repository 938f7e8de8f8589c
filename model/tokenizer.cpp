#include "model/tokenizer.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "base/error.h"
#include "base/strings.h"
#include "model/byte_alphabet.h"

namespace retort::model {
namespace {

uint64_t PairKey(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

Tokenizer Tokenizer::ByteLevel() {
  Tokenizer tokenizer;
  for (int byte = 0; byte < 256; ++byte) {
    tokenizer.bytes_.emplace_back(1, static_cast<char>(byte));
    tokenizer.pieces_.push_back(BytesToAlphabet(tokenizer.bytes_.back()));
  }
  for (const char* content : {kEndToken, kPadToken, kThinkOpen, kThinkClose, kAnswerOpen,
                              kAnswerClose, kUserMarker, kAssistantMarker}) {
    const auto id = static_cast<int32_t>(tokenizer.bytes_.size());
    const bool special = content == kEndToken || content == kPadToken;
    tokenizer.AddToken({id, content, special, false});
    tokenizer.bytes_.emplace_back(content);
    tokenizer.pieces_.emplace_back();
  }
  tokenizer.eos_ = tokenizer.IdOf(kEndToken);
  tokenizer.pad_ = tokenizer.IdOf(kPadToken);
  tokenizer.BuildIndex("byte-level vocabulary");
  return tokenizer;
}

bool Tokenizer::AddToken(AddedToken token) {
  if (Find(token.content)) return false;
  by_content_[token.normalized].emplace(token.content, added_.size());
  added_.push_back(std::move(token));
  return true;
}

void Tokenizer::BuildIndex(const std::string& where) {
  byte_ids_.assign(256, -1);
  for (size_t id = 0; id < pieces_.size(); ++id) {
    if (pieces_[id].empty()) continue;
    if (bytes_[id].size() == 1) {
      byte_ids_[static_cast<uint8_t>(bytes_[id][0])] = static_cast<int32_t>(id);
    }
    if (ignore_merges_) whole_.emplace(bytes_[id], static_cast<int32_t>(id));
  }
  for (int byte = 0; byte < 256; ++byte) {
    RETORT_CHECK(byte_ids_[static_cast<size_t>(byte)] >= 0, where, ": no token for byte ", byte,
                 ": unsupported, every byte needs one so that every text has ids");
  }
  for (const Merge& merge : merges_) {
    rules_.push_back(
        {PairKey(merge.left, merge.right), static_cast<int32_t>(rules_.size()), merge.result});
  }
  std::ranges::stable_sort(rules_, {}, &MergeRule::pair);
  const auto twice = std::ranges::adjacent_find(rules_, {}, &MergeRule::pair);
  RETORT_CHECK(twice == rules_.end(), where, ": merge ", (twice + 1)->rank,
               " repeats an earlier one");
  special_.assign(bytes_.size(), false);
  for (const AddedToken& token : added_) special_[static_cast<size_t>(token.id)] = token.special;
  shorter_.assign(added_.size(), -1);
  for (const size_t pass : {0, 1}) {
    starts_[pass].assign(256, false);
    std::vector<size_t> open;  // each begins with the one before it
    for (const auto& [content, place] : by_content_[pass]) {
      starts_[pass][static_cast<uint8_t>(content[0])] = true;
      while (!open.empty() && !content.starts_with(added_[open.back()].content)) open.pop_back();
      if (!open.empty()) shorter_[place] = static_cast<int64_t>(open.back());
      open.push_back(place);
    }
  }
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text, AddedTokens added) const {
  std::vector<int32_t> ids;
  if (added == AddedTokens::kMatch) {
    EncodePart(text, 0, ids);
  } else {
    EncodeBytes(text, ids);
  }
  return ids;
}

// Pass 0 cuts out the added tokens, pass 1 those marked `normalized` from what is left between
// them.
void Tokenizer::EncodePart(std::string_view text, size_t pass, std::vector<int32_t>& ids) const {
  const auto between = [&](std::string_view part) {
    if (pass == 0) {
      EncodePart(part, 1, ids);
    } else {
      EncodeBytes(part, ids);
    }
  };
  size_t start = 0;
  for (size_t i = 0; i < text.size();) {
    const AddedToken* match = MatchAt(text.substr(i), pass);
    if (!match) {
      ++i;
      continue;
    }
    between(text.substr(start, i - start));
    ids.push_back(match->id);
    i += match->content.size();
    start = i;
  }
  between(text.substr(start));
}

// The longest that the text begins with. It is the last one that does not sort behind the text, or
// one that this one begins with.
const AddedToken* Tokenizer::MatchAt(std::string_view text, size_t pass) const {
  if (!starts_[pass][static_cast<uint8_t>(text[0])]) return nullptr;
  text = text.substr(0, AddedToken::kLongest);
  auto next = by_content_[pass].upper_bound(text);
  if (next == by_content_[pass].begin()) return nullptr;
  const auto& [content, place] = *std::prev(next);
  const auto common =
      static_cast<size_t>(std::ranges::mismatch(content, text).in1 - content.begin());
  auto at = static_cast<int64_t>(place);
  while (at >= 0 && added_[static_cast<size_t>(at)].content.size() > common) {
    at = shorter_[static_cast<size_t>(at)];
  }
  return at >= 0 ? &added_[static_cast<size_t>(at)] : nullptr;
}

void Tokenizer::EncodeBytes(std::string_view text, std::vector<int32_t>& ids) const {
  if (text.empty()) return;
  if (ignore_merges_) {
    const auto whole = whole_.find(text);
    if (whole != whole_.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  std::vector<int32_t> piece(text.size());
  for (size_t i = 0; i < text.size(); ++i) piece[i] = byte_ids_[static_cast<uint8_t>(text[i])];
  if (rules_.empty()) {
    ids.insert(ids.end(), piece.begin(), piece.end());
    return;
  }

  // A list of pieces linked by position, and every mergeable pair in a queue by (rank, position).
  // An entry whose pieces have changed since is stale and skipped.
  constexpr int32_t kGone = -1;
  const size_t end = text.size();
  std::vector<size_t> previous(end), next(end);
  struct Candidate {
    int32_t rank;
    size_t position;
    int32_t left, right, result;
    bool operator>(const Candidate& other) const {
      return std::tie(rank, position) > std::tie(other.rank, other.position);
    }
  };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto offer = [&](size_t position) {
    if (next[position] == end) return;
    const int32_t left = piece[position];
    const int32_t right = piece[next[position]];
    const uint64_t pair = PairKey(left, right);
    const auto rule = std::ranges::lower_bound(rules_, pair, {}, &MergeRule::pair);
    if (rule == rules_.end() || rule->pair != pair) return;
    queue.push({rule->rank, position, left, right, rule->result});
  };
  for (size_t i = 0; i < end; ++i) {
    previous[i] = i == 0 ? end : i - 1;
    next[i] = i + 1;
  }
  for (size_t i = 0; i < end; ++i) offer(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const size_t here = best.position;
    if (piece[here] != best.left || next[here] == end || piece[next[here]] != best.right) continue;
    const size_t gone = next[here];
    piece[here] = best.result;
    piece[gone] = kGone;
    next[here] = next[gone];
    if (next[here] != end) previous[next[here]] = here;
    offer(here);
    if (previous[here] != end) offer(previous[here]);
  }
  for (const int32_t id : piece) {
    if (id != kGone) ids.push_back(id);
  }
}

std::string Tokenizer::Decode(std::span<const int32_t> ids, SpecialTokens special) const {
  std::string text;
  for (const int32_t id : ids) {
    const bool skip =
        special == SpecialTokens::kSkip && id < vocab_size() && special_[static_cast<size_t>(id)];
    if (!skip) text += TokenBytes(id);
  }
  return text;
}

const std::string& Tokenizer::TokenBytes(int32_t id) const {
  static const std::string kReplacementCharacter = "\uFFFD";
  RETORT_CHECK(id >= 0, "token id ", id, " is negative");
  return id < vocab_size() ? bytes_[static_cast<size_t>(id)] : kReplacementCharacter;
}

std::optional<int32_t> Tokenizer::Find(std::string_view added_token) const {
  for (const auto& table : by_content_) {
    const auto found = table.find(added_token);
    if (found != table.end()) return added_[found->second].id;
  }
  return std::nullopt;
}

int32_t Tokenizer::IdOf(std::string_view added_token) const {
  const std::optional<int32_t> id = Find(added_token);
  if (id) return *id;
  std::vector<std::string> names;
  for (const AddedToken& token : added_) names.push_back(token.content);
  Fail("the vocabulary has no added token '", added_token, "'.", DidYouMean(added_token, names));
}

bool Tokenizer::operator==(const Tokenizer& other) const {
  return bytes_ == other.bytes_ && pieces_ == other.pieces_ && merges_ == other.merges_ &&
         added_ == other.added_ && ignore_merges_ == other.ignore_merges_ && bos_ == other.bos_ &&
         eos_ == other.eos_ && pad_ == other.pad_;
}

}  // namespace retort::model
