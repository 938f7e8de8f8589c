#pragma once
// The text of ids that come one after the other.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "model/tokenizer.h"

namespace retort::model {

/// All that Add and Finish return, joined, is ToValidUtf8 of what Tokenizer::Decode gives for all
/// ids, and each part is well-formed by itself: a character whose bytes come in several tokens
/// waits for the last of them.
class TextStream {
 public:
  explicit TextStream(Tokenizer tokenizer, SpecialTokens special = SpecialTokens::kKeep);

  /// The text that is certain with this id, often "".
  std::string Add(int32_t id);
  /// What was held back; begins anew.
  std::string Finish();

 private:
  Tokenizer tokenizer_;
  std::set<int32_t> skipped_;
  std::vector<int32_t> start_;  // whose text may still lose its beginning
  bool started_ = false;
  std::string bytes_;  // held back
};

}  // namespace retort::model
