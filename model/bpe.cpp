#include "model/internal/bpe.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>

#include "base/error.h"
#include "model/internal/decoder.h"
#include "model/internal/utf8.h"

namespace retort::model {
namespace {

constexpr int32_t kNoId = -1;
constexpr size_t kFew = 64;  // symbols; the words of a text have less

uint64_t StartOf(std::string_view text) {
  uint64_t start = 0;
  for (size_t i = 0; i < 8; ++i) {
    start = start << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : 0);
  }
  return start;
}

}  // namespace

Bpe::Bpe(std::span<const std::string> pieces, std::vector<Merge> merges, const Options& options,
         const std::string& where)
    : merges_(std::move(merges)), options_(options) {
  bytes_.fill(kNoId);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const std::string& piece = pieces[i];
    const auto id = static_cast<int32_t>(i);
    if (piece.empty()) continue;
    if (options.ignore_merges) tokens_.push_back({StartOf(piece), piece, id});
    if (options.byte_level) {
      if (piece.size() == 1) bytes_[static_cast<uint8_t>(piece[0])] = id;
      continue;
    }
    if (const int byte = FallbackByte(piece); byte >= 0 && options.byte_fallback) {
      bytes_[static_cast<size_t>(byte)] = id;
    }
    const Character first = FirstCharacter(piece);
    if (first.code >= 0 && first.bytes.size() == piece.size()) {
      characters_.emplace_back(first.code, id);
    }
  }
  std::ranges::sort(characters_);
  std::ranges::sort(tokens_, {}, [](const Token& token) {
    return std::tuple<uint64_t, std::string_view>(token.start, token.text);
  });

  first_rule_.assign(pieces.size() + 1, 0);
  for (const Merge& merge : merges_) ++first_rule_[static_cast<size_t>(merge.left) + 1];
  for (size_t i = 1; i < first_rule_.size(); ++i) first_rule_[i] += first_rule_[i - 1];
  rules_.resize(merges_.size());
  std::vector<uint32_t> next = first_rule_;
  for (size_t rank = 0; rank < merges_.size(); ++rank) {
    const Merge& merge = merges_[rank];
    rules_[next[static_cast<size_t>(merge.left)]++] = {merge.right, static_cast<int32_t>(rank),
                                                       merge.result};
  }
  for (size_t left = 0; left < pieces.size(); ++left) {
    const std::span rules(rules_.begin() + first_rule_[left], rules_.begin() + next[left]);
    std::ranges::stable_sort(rules, {}, &Rule::right);
    const auto twice = std::ranges::adjacent_find(rules, {}, &Rule::right);
    RETORT_CHECK(twice == rules.end(), where, ": merge ", (twice + 1)->rank,
                 " repeats an earlier one");
  }
}

const Bpe::Rule* Bpe::Find(int32_t left, int32_t right) const {
  const auto begin = rules_.begin() + first_rule_[static_cast<size_t>(left)];
  const auto end = rules_.begin() + first_rule_[static_cast<size_t>(left) + 1];
  const auto rule = std::ranges::lower_bound(begin, end, right, {}, &Rule::right);
  return rule != end && rule->right == right ? &*rule : nullptr;
}

std::optional<int32_t> Bpe::Whole(std::string_view text) const {
  const std::pair<uint64_t, std::string_view> wanted(StartOf(text), text);
  const auto found = std::ranges::lower_bound(tokens_, wanted, {}, [](const Token& token) {
    return std::pair<uint64_t, std::string_view>(token.start, token.text);
  });
  if (found == tokens_.end() || found->text != text) return std::nullopt;
  return found->id;
}

int32_t Bpe::IdOf(int32_t code) const {
  const auto found = std::ranges::lower_bound(
      characters_, code, {}, [](const std::pair<int32_t, int32_t>& known) { return known.first; });
  return found != characters_.end() && found->first == code ? found->second : kNoId;
}

void Bpe::AddSymbols(std::string_view text, std::vector<int32_t>& ids) const {
  bool unknown = false;  // the last one was
  const auto add_unknown = [&] {
    if (options_.unk && !(unknown && options_.fuse_unk)) ids.push_back(*options_.unk);
    unknown = true;
  };
  const auto byte_id = [&](char byte) { return bytes_[static_cast<uint8_t>(byte)]; };
  const auto add = [&](int32_t id) {
    ids.push_back(id);
    unknown = false;
  };
  if (options_.byte_level) {
    for (const char byte : text) byte_id(byte) == kNoId ? add_unknown() : add(byte_id(byte));
    return;
  }
  ForCharacters(text, [&](const Character& character) {
    const int32_t id = character.code < 0 ? kNoId : IdOf(character.code);
    if (id != kNoId) return add(id);
    const bool bytes =
        std::ranges::all_of(character.bytes, [&](char byte) { return byte_id(byte) != kNoId; });
    if (!bytes) return add_unknown();
    for (const char byte : character.bytes) ids.push_back(byte_id(byte));
  });
}

void Bpe::Encode(std::string_view text, std::vector<int32_t>& ids) const {
  if (text.empty()) return;
  if (options_.ignore_merges) {
    if (const auto whole = Whole(text)) return ids.push_back(*whole);
  }
  if (rules_.empty()) return AddSymbols(text, ids);
  std::vector<int32_t> symbols;
  symbols.reserve(text.size());
  AddSymbols(text, symbols);
  symbols.size() <= kFew ? MergeFew(symbols, ids) : MergeMany(symbols, ids);
}

// Looks for the best pair among all, each time.
void Bpe::MergeFew(std::span<int32_t> symbols, std::vector<int32_t>& ids) const {
  std::array<const Rule*, kFew> rules{};  // of each symbol and the next
  size_t count = symbols.size();
  for (size_t i = 0; i + 1 < count; ++i) rules[i] = Find(symbols[i], symbols[i + 1]);
  while (count > 1) {
    size_t best = count;
    for (size_t i = 0; i + 1 < count; ++i) {
      if (rules[i] && (best == count || rules[i]->rank < rules[best]->rank)) best = i;
    }
    if (best == count) break;
    symbols[best] = rules[best]->result;
    --count;
    for (size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      rules[i] = rules[i + 1];
    }
    if (best > 0) rules[best - 1] = Find(symbols[best - 1], symbols[best]);
    rules[best] = best + 1 < count ? Find(symbols[best], symbols[best + 1]) : nullptr;
  }
  ids.insert(ids.end(), symbols.begin(), symbols.begin() + static_cast<std::ptrdiff_t>(count));
}

// A list of symbols linked by position, and every mergeable pair in a queue by (rank, position).
// An entry whose symbols have changed since is stale and skipped.
void Bpe::MergeMany(std::vector<int32_t>& symbols, std::vector<int32_t>& ids) const {
  const size_t end = symbols.size();
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
    const int32_t left = symbols[position], right = symbols[next[position]];
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
    if (symbols[here] != best.left || next[here] == end || symbols[next[here]] != best.right) {
      continue;
    }
    const size_t gone = next[here];
    symbols[here] = best.result;
    symbols[gone] = kNoId;
    next[here] = next[gone];
    if (next[here] != end) previous[next[here]] = here;
    offer(here);
    if (previous[here] != end) offer(previous[here]);
  }
  for (const int32_t id : symbols) {
    if (id != kNoId) ids.push_back(id);
  }
}

}  // namespace retort::model
