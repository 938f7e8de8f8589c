#pragma once
// How a text is cut into pieces that are merged by themselves, as tokenizer.json's "pre_tokenizer"
// says: Split, Digits, Punctuation, Whitespace, WhitespaceSplit, ByteLevel with and without its
// regular expression, Metaspace, and a Sequence of these.
//
// Immutable after construction and safe to share between threads.

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace retort::model {

/// Pieces point into the text that was cut, or into `changed`.
struct Pieces {
  std::vector<std::string_view> texts;
  std::deque<std::string> changed;
  bool at_start = false;  ///< the first one begins the whole input
};

class PreTokenizer {
 public:
  PreTokenizer() = default;
  /// Throws Error "unsupported" on others.
  PreTokenizer(Json described, const std::string& where);

  /// Cuts each piece further; none is empty.
  void Cut(Pieces& pieces) const;
  /// A ByteLevel ends it: what follows works on bytes.
  bool byte_level() const { return byte_level_; }
  const Json& Describe() const { return described_; }
  bool operator==(const PreTokenizer& other) const { return described_ == other.described_; }

 private:
  using Step = std::function<void(Pieces& pieces)>;
  void Add(const Json& described, const std::string& where);

  Json described_ = nullptr;
  std::vector<Step> steps_;
  bool byte_level_ = false;
};

}  // namespace retort::model
