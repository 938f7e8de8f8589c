#include "model/internal/word_counts.h"

#include <cstring>
#include <random>

#include "base/error.h"

namespace retort::model {
namespace {

constexpr uint32_t kEmpty = UINT32_MAX;
constexpr size_t kFirstSlots = 1024;  // a power of two

uint64_t EightBytes(std::string_view text) {
  uint64_t bytes = 0;
  std::memcpy(&bytes, text.data(), std::min(text.size(), sizeof bytes));
  return bytes;
}

}  // namespace

KeyedHash::KeyedHash() {
  std::random_device random;  // keys, not numbers that anything is computed from
  const auto draw = [&] { return static_cast<uint64_t>(random()) << 32 | random(); };
  key_ = draw();
  factor_ = draw() | 1;
}

uint64_t KeyedHash::operator()(std::string_view text) const {
  uint64_t hash = key_ ^ text.size();
  while (text.size() > sizeof(uint64_t)) {
    hash = Mix(hash ^ EightBytes(text), factor_);
    text.remove_prefix(sizeof(uint64_t));
  }
  hash = Mix(hash ^ EightBytes(text), factor_);
  return Mix(hash, factor_ ^ key_);
}

void WordCounts::Add(std::string_view word, int64_t count) {
  if (2 * entries_.size() >= slots_.size()) Grow();
  const uint64_t hash = hash_(word);
  total_ += count;
  size_t slot = hash & (slots_.size() - 1);
  for (; slots_[slot] != kEmpty; slot = (slot + 1) & (slots_.size() - 1)) {
    Entry& entry = entries_[slots_[slot]];
    if (entry.hash == hash && TextOf(slots_[slot]) == word) {
      entry.count += count;
      return;
    }
  }
  RETORT_CHECK(entries_.size() < kEmpty, "the texts hold more than ", kEmpty - 1,
               " distinct words, expected fewer: train on less of them");
  slots_[slot] = static_cast<uint32_t>(entries_.size());
  texts_ += word;
  entries_.push_back({texts_.size(), count, hash});
}

void WordCounts::Add(const WordCounts& other) {
  for (size_t i = 0; i < other.size(); ++i) Add(other[i].text, other[i].count);
}

void WordCounts::Grow() {
  slots_.assign(slots_.empty() ? kFirstSlots : 2 * slots_.size(), kEmpty);
  for (size_t i = 0; i < entries_.size(); ++i) {
    size_t slot = entries_[i].hash & (slots_.size() - 1);
    while (slots_[slot] != kEmpty) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = static_cast<uint32_t>(i);
  }
}

}  // namespace retort::model
