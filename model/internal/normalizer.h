#pragma once
// What a text becomes before it is cut into pieces, as tokenizer.json's "normalizer" says: NFC,
// NFD, NFKC, NFKD, Lowercase, Strip, Prepend, Replace, and a Sequence of these.
//
// Immutable after construction and safe to share between threads.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace retort::model {

class Normalizer {
 public:
  Normalizer() = default;
  /// Throws Error "unsupported" on others.
  Normalizer(Json described, const std::string& where);

  bool Changes() const { return !steps_.empty(); }
  /// Bytes that are no UTF-8 stay as they are. An empty text stays empty.
  std::string operator()(std::string_view text) const;
  const Json& Describe() const { return described_; }
  bool operator==(const Normalizer& other) const { return described_ == other.described_; }

 private:
  using Step = std::function<std::string(std::string text)>;
  void Add(const Json& described, const std::string& where);

  Json described_ = nullptr;
  std::vector<Step> steps_;
};

}  // namespace retort::model
