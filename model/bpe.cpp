#include "model/internal/bpe.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>

#include "base/error.h"

namespace retort::model {
namespace {

uint64_t PairKey(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

Bpe::Bpe(Vocabulary v, const std::string& where)
    : merges_(std::move(v.merges)), ignore_merges_(v.ignore_merges), byte_ids_(256, -1) {
  for (size_t id = 0; id < v.pieces.size(); ++id) {
    if (v.pieces[id].empty()) continue;
    if (v.bytes[id].size() == 1) {
      byte_ids_[static_cast<uint8_t>(v.bytes[id][0])] = static_cast<int32_t>(id);
    }
    if (ignore_merges_) whole_.emplace(v.bytes[id], static_cast<int32_t>(id));
  }
  for (int byte = 0; byte < 256; ++byte) {
    RETORT_CHECK(byte_ids_[static_cast<size_t>(byte)] >= 0, where, ": no token for byte ", byte,
                 ": unsupported, every byte needs one so that every text has ids");
  }
  for (const Merge& merge : merges_) {
    rules_.push_back(
        {PairKey(merge.left, merge.right), static_cast<int32_t>(rules_.size()), merge.result});
  }
  std::ranges::stable_sort(rules_, {}, &Rule::pair);
  const auto twice = std::ranges::adjacent_find(rules_, {}, &Rule::pair);
  RETORT_CHECK(twice == rules_.end(), where, ": merge ", (twice + 1)->rank,
               " repeats an earlier one");
}

const Bpe::Rule* Bpe::Find(int32_t left, int32_t right) const {
  const uint64_t pair = PairKey(left, right);
  const auto rule = std::ranges::lower_bound(rules_, pair, {}, &Rule::pair);
  return rule != rules_.end() && rule->pair == pair ? &*rule : nullptr;
}

void Bpe::Encode(std::string_view text, std::vector<int32_t>& ids) const {
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
    const int32_t left = piece[position], right = piece[next[position]];
    const Rule* rule = Find(left, right);
    if (rule) queue.push({rule->rank, position, left, right, rule->result});
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

}  // namespace retort::model
