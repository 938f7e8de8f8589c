#pragma once
// How often each word of a corpus occurs.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace retort::model {

/// A hash of texts or numbers under a key of its own, drawn anew for each object: no file can make
/// hashes collide, and nothing may depend on their values.
class KeyedHash {
 public:
  KeyedHash();
  uint64_t operator()(std::string_view text) const;
  uint64_t operator()(uint64_t number) const { return Mix(number ^ key_, factor_); }

 private:
  // Both halves of the product, so that every bit of the result depends on every bit.
  static uint64_t Mix(uint64_t a, uint64_t b) {
    using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  uint64_t key_, factor_;
};

/// Words in the order in which they were seen first. Memory is that of the distinct ones. Not for
/// several threads at a time.
class WordCounts {
 public:
  struct Word {
    std::string_view text;
    int64_t count;
  };

  void Add(std::string_view word, int64_t count = 1);
  void Add(const WordCounts& other);

  size_t size() const { return entries_.size(); }
  /// The text is valid until the next Add.
  Word operator[](size_t i) const { return {TextOf(i), entries_[i].count}; }
  /// Of all words, each as often as it occurs.
  int64_t total() const { return total_; }

 private:
  struct Entry {
    uint64_t end;  // of its text in texts_, where the next one begins
    int64_t count;
    uint64_t hash;
  };
  std::string_view TextOf(size_t i) const {
    const uint64_t begin = i == 0 ? 0 : entries_[i - 1].end;
    return std::string_view(texts_).substr(begin, entries_[i].end - begin);
  }
  void Grow();

  KeyedHash hash_;
  std::string texts_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;  // places in entries_, open addressing; kEmpty
  int64_t total_ = 0;
};

}  // namespace retort::model
