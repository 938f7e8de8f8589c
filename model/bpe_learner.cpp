#include "model/internal/bpe_learner.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <utility>

#include "base/error.h"
#include "base/plural.h"
#include "model/byte_alphabet.h"
#include "model/internal/pair_table.h"
#include "model/internal/utf8.h"

namespace retort::model {
namespace {

constexpr size_t kCodes = 0x110000;
constexpr int32_t kNoId = -1;

// What a cell holds that no symbol begins at.
constexpr int32_t kEdge = INT32_MIN;        // between two words
constexpr int32_t kInside = INT32_MIN + 1;  // neither the first nor the last cell of a symbol

// The words lie one behind the other in cells, an edge between them, each symbol in as many as it
// has characters: its id in the first cell, ~id in the last one. So that both neighbours of a
// symbol are found at once, and a place in a list stays good until its symbol is joined with
// another.
using Place = uint32_t;

class Learner {
 public:
  Learner(const WordCounts& words, bool byte_level, const std::vector<std::string>& reserved,
          const BpeTrainerOptions& options)
      : words_(words), byte_level_(byte_level), options_(options) {
    for (const std::string& piece : reserved) IdOf(piece);
    reserved_ = pieces_.size();
    LearnAlphabet();
    LayWords();
    CountPairs();
  }

  LearnedBpe Run(const std::function<void(int64_t)>& progress) {
    while (std::ssize(pieces_) < options_.vocab_size && !queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      PairTable::Entry& entry = *pairs_.Find(best.pair);
      if (entry.count == best.count) {
        Join(entry);
        if (progress) progress(std::ssize(pieces_));
      } else {  // others have taken of it since
        Offer(entry);
      }
    }
    return {std::move(pieces_), std::move(merges_)};
  }

 private:
  struct Candidate {
    int64_t count;
    PairKey pair;
    bool operator<(const Candidate& other) const {  // the largest is taken
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };

  // What a join changes about the pairs on one side of the joined, by their other symbol.
  struct Change {
    bool touched = false;
    int64_t lost = 0, gained = 0;  // pairs with the part, pairs with the whole
    uint32_t places = 0;           // of those gained
    uint64_t next_place = kNowhere;
  };
  static constexpr uint64_t kNowhere = UINT64_MAX;
  struct Side {
    bool before;                   // it, or behind it
    std::vector<Change> changes;   // [id]
    std::vector<int32_t> touched;  // ids
    std::vector<std::pair<int32_t, Place>> gained;

    Change& Touch(int32_t id) {
      Change& change = changes[static_cast<size_t>(id)];
      if (!std::exchange(change.touched, true)) touched.push_back(id);
      return change;
    }
    PairKey PairWith(int32_t id, int32_t one) const {
      return before ? PairOf(id, one) : PairOf(one, id);
    }
  };

  // The id of a piece, a new one if need be.
  int32_t IdOf(const std::string& piece) {
    const auto [at, added] = ids_.emplace(piece, static_cast<int32_t>(pieces_.size()));
    if (added) {
      pieces_.push_back(piece);
      lengths_.push_back(1);
    }
    return at->second;
  }

  std::string Spelled(std::string_view word) const {
    return byte_level_ ? BytesToAlphabet(word) : std::string(word);
  }

  void LearnAlphabet();
  void LayWords();
  void CountPairs();
  void Join(PairTable::Entry& entry);
  void Settle(Side& side, int32_t part, int32_t joined);

  int64_t least() const { return std::max<int64_t>(options_.min_frequency, 1); }
  uint32_t LengthOf(int32_t id) const { return lengths_[static_cast<size_t>(id)]; }
  // Pairs of characters are always counted.
  bool MayJoin(int32_t left, int32_t right) const {
    return !options_.max_token_length ||
           int64_t{LengthOf(left)} + LengthOf(right) < *options_.max_token_length;
  }
  void Offer(const PairTable::Entry& entry) {
    if (entry.count >= least()) queue_.push({entry.count, entry.pair});
  }

  const WordCounts& words_;
  const bool byte_level_;
  const BpeTrainerOptions& options_;

  std::map<std::string, int32_t> ids_;
  std::vector<std::string> pieces_;
  std::vector<uint32_t> lengths_;  // [id] characters
  size_t reserved_ = 0;
  std::vector<int32_t> id_of_code_;
  std::vector<Merge> merges_;

  std::vector<int32_t> cells_;
  // Words of one count lie together: where they end, and the count.
  std::vector<std::pair<Place, int64_t>> runs_;
  PairTable pairs_;
  std::vector<Place> places_;  // of each pair, in order
  std::priority_queue<Candidate> queue_;
  Side before_{.before = true, .changes = {}, .touched = {}, .gained = {}};
  Side behind_{.before = false, .changes = {}, .touched = {}, .gained = {}};
};

void Learner::LearnAlphabet() {
  std::vector<int64_t> counts(kCodes);
  for (size_t i = 0; i < words_.size(); ++i) {
    const auto [text, count] = words_[i];
    ForCharacters(Spelled(text), [&, count = count](const Character& character) {
      if (character.code >= 0) counts[static_cast<size_t>(character.code)] += count;
    });
  }
  std::string initial = options_.initial_alphabet;
  if (byte_level_) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    initial = BytesToAlphabet(bytes);
  }
  ForCharacters(initial, [&](const Character& character) {
    RETORT_CHECK(character.code >= 0, "initial_alphabet: is no UTF-8");
    counts[static_cast<size_t>(character.code)] = INT64_MAX;
  });
  std::vector<int32_t> codes;
  for (size_t code = 0; code < kCodes; ++code) {
    if (counts[code] > 0) codes.push_back(static_cast<int32_t>(code));
  }
  const auto count_of = [&](int32_t code) { return counts[static_cast<size_t>(code)]; };
  const auto limit = static_cast<size_t>(options_.limit_alphabet.value_or(kCodes));
  if (codes.size() > limit) {
    const auto kept = std::ranges::count(codes, INT64_MAX, count_of);
    RETORT_CHECK(static_cast<size_t>(kept) <= limit, "limit_alphabet: got ", limit,
                 ", expected at least ", kept,
                 byte_level_ ? ", the bytes" : ", the characters of initial_alphabet");
    std::ranges::stable_sort(codes, std::greater<>(), count_of);
    codes.resize(limit);
    std::ranges::sort(codes);
  }
  for (const int32_t code : codes) {
    std::string piece;
    AppendCharacter(piece, code);
    IdOf(piece);
  }
  id_of_code_.assign(kCodes, kNoId);
  for (size_t id = 0; id < pieces_.size(); ++id) {  // reserved ones, too
    const Character first = FirstCharacter(pieces_[id]);
    if (first.code < 0 || first.bytes.size() < pieces_[id].size()) continue;
    id_of_code_[static_cast<size_t>(first.code)] = static_cast<int32_t>(id);
  }
  RETORT_CHECK(options_.vocab_size >= std::ssize(pieces_), "vocab_size: got ", options_.vocab_size,
               ", expected at least ", pieces_.size(), ": ", Counted(codes.size(), "character"),
               " and ", Counted(reserved_, "token"), " that are added");
}

void Learner::LayWords() {
  std::vector<uint32_t> order(words_.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](uint32_t word) { return words_[word].count; });
  cells_ = {kEdge};
  for (const uint32_t word : order) {
    const auto [text, count] = words_[word];
    const size_t begin = cells_.size();
    ForCharacters(Spelled(text), [&](const Character& character) {
      const int32_t id =
          character.code < 0 ? kNoId : id_of_code_[static_cast<size_t>(character.code)];
      if (id != kNoId) cells_.push_back(id);
    });
    if (cells_.size() < begin + 2) {  // nothing to join
      cells_.resize(begin);
      continue;
    }
    cells_.push_back(kEdge);
    RETORT_CHECK(cells_.size() < UINT32_MAX, "the distinct words have more than ", UINT32_MAX,
                 " characters, expected fewer: train on less text, or cut it into shorter words");
    const auto end = static_cast<Place>(cells_.size());
    if (runs_.empty() || runs_.back().second != count) runs_.emplace_back(end, count);
    runs_.back().first = end;
  }
}

void Learner::CountPairs() {
  const auto for_pairs = [&](const auto& body) {
    auto run = runs_.begin();
    for (Place place = 0; place + 1 < cells_.size(); ++place) {
      if (cells_[place] == kEdge || cells_[place + 1] == kEdge) continue;
      while (place >= run->first) ++run;
      body(PairOf(cells_[place], cells_[place + 1]), place, run->second);
    }
  };
  for_pairs([&](PairKey pair, Place, int64_t count) {
    PairTable::Entry* known = pairs_.Find(pair);
    PairTable::Entry& entry = known ? *known : pairs_.Add(pair);
    entry.count += count;
    ++entry.places;
  });
  uint64_t end = 0;
  for (PairTable::Entry& entry : pairs_.entries()) {
    entry.first_place = end;
    end += entry.places;
    entry.places = 0;
    Offer(entry);
  }
  places_.resize(end);
  for_pairs([&](PairKey pair, Place place, int64_t) {
    PairTable::Entry& entry = *pairs_.Find(pair);
    places_[entry.first_place + entry.places++] = place;
  });
}

void Learner::Join(PairTable::Entry& entry) {
  const int32_t left = LeftOf(entry.pair), right = RightOf(entry.pair);
  const uint32_t left_length = LengthOf(left), length = left_length + LengthOf(right);
  const int32_t joined =
      IdOf(pieces_[static_cast<size_t>(left)] + pieces_[static_cast<size_t>(right)]);
  lengths_[static_cast<size_t>(joined)] = length;
  merges_.push_back({left, right, joined});
  before_.changes.resize(pieces_.size());
  behind_.changes.resize(pieces_.size());

  auto run = runs_.begin();
  for (uint64_t i = entry.first_place; i < entry.first_place + entry.places; ++i) {
    const Place place = places_[i];
    const Place middle = place + left_length, end = place + length;
    // Within a run of one symbol, the pair before may have taken it.
    if (cells_[place] != left || cells_[middle] != right) continue;
    if (place >= run->first) {
      run = std::upper_bound(run, runs_.end(), place,
                             [](Place at, const auto& other) { return at < other.first; });
    }
    const int64_t count = run->second;

    if (const int32_t before = cells_[place - 1]; before != kEdge) {
      const int32_t neighbour = before < 0 ? ~before : before;
      if (neighbour == joined) {  // by this loop, which has counted it with the part
        behind_.changes[static_cast<size_t>(left)].gained -= count;
      }
      Change& change = before_.Touch(neighbour);
      if (neighbour != joined) change.lost += count;
      if (MayJoin(neighbour, joined)) {
        change.gained += count;
        ++change.places;
        before_.gained.emplace_back(neighbour, place - LengthOf(neighbour));
      }
    }
    if (const int32_t neighbour = cells_[end]; neighbour != kEdge) {
      Change& change = behind_.Touch(neighbour);
      change.lost += count;
      if (MayJoin(joined, neighbour)) {
        change.gained += count;
        ++change.places;
        behind_.gained.emplace_back(neighbour, place);
      }
    }
    cells_[middle - 1] = cells_[middle] = kInside;
    cells_[place] = joined;
    cells_[end - 1] = ~joined;
  }
  entry.count = 0;
  Settle(before_, left, joined);
  Settle(behind_, right, joined);
}

// The changes on one side go into the table; `part` is what stood there.
void Learner::Settle(Side& side, int32_t part, int32_t joined) {
  for (const int32_t id : side.touched) {
    Change& change = side.changes[static_cast<size_t>(id)];
    if (change.lost > 0) {
      if (PairTable::Entry* entry = pairs_.Find(side.PairWith(id, part)))
        entry->count -= change.lost;
    }
    if (change.gained < least()) continue;
    PairTable::Entry& entry = pairs_.Add(side.PairWith(id, joined));
    entry.count = change.gained;
    entry.first_place = change.next_place = places_.size();
    entry.places = change.places;
    places_.resize(places_.size() + change.places);
    Offer(entry);
  }
  for (const auto& [id, place] : side.gained) {
    Change& change = side.changes[static_cast<size_t>(id)];
    if (change.next_place != kNowhere) places_[change.next_place++] = place;
  }
  for (const int32_t id : side.touched) side.changes[static_cast<size_t>(id)] = {};
  side.touched.clear();
  side.gained.clear();
}

}  // namespace

LearnedBpe LearnBpe(const WordCounts& words, bool byte_level,
                    const std::vector<std::string>& reserved, const BpeTrainerOptions& options,
                    const std::function<void(int64_t tokens)>& progress) {
  RETORT_CHECK(words.size() > 0, "the texts hold no word, expected some to train on");
  return Learner(words, byte_level, reserved, options).Run(progress);
}

}  // namespace retort::model
