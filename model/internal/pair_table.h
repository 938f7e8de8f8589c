#pragma once
// Pairs of symbols that stand beside each other in the words of a corpus: how often, and where.

#include <cstdint>
#include <vector>

#include "model/internal/word_counts.h"

namespace retort::model {

/// Two ids, ordered as they are.
using PairKey = uint64_t;
constexpr PairKey PairOf(int32_t left, int32_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
}
constexpr int32_t LeftOf(PairKey pair) { return static_cast<int32_t>(pair >> 32); }
constexpr int32_t RightOf(PairKey pair) { return static_cast<int32_t>(pair & UINT32_MAX); }

class PairTable {
 public:
  struct Entry {
    PairKey pair;
    int64_t count = 0;
    uint64_t first_place = 0;  ///< in the learner's list of places
    uint32_t places = 0;
  };

  /// Null when it is not there. Valid until the next Add.
  Entry* Find(PairKey pair) {
    for (size_t slot = hash_(pair) & mask();; slot = (slot + 1) & mask()) {
      if (slots_[slot] == kEmpty) return nullptr;
      if (entries_[slots_[slot]].pair == pair) return &entries_[slots_[slot]];
    }
  }
  /// One that is not there yet.
  Entry& Add(PairKey pair) {
    if (2 * entries_.size() >= slots_.size()) Grow();
    entries_.push_back({.pair = pair});
    Place(entries_.size() - 1);
    return entries_.back();
  }
  std::vector<Entry>& entries() { return entries_; }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;
  size_t mask() const { return slots_.size() - 1; }
  void Place(size_t index) {
    size_t slot = hash_(entries_[index].pair) & mask();
    while (slots_[slot] != kEmpty) slot = (slot + 1) & mask();
    slots_[slot] = static_cast<uint32_t>(index);
  }
  void Grow() {
    slots_.assign(2 * slots_.size(), kEmpty);
    for (size_t i = 0; i < entries_.size(); ++i) Place(i);
  }

  KeyedHash hash_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_ = std::vector<uint32_t>(1024, kEmpty);  // a power of two
};

}  // namespace retort::model
