#pragma once
// What a text goes through on its way to ids, besides the vocabulary, each as tokenizer.json
// describes it: the normaliser (text to text), the pre-tokeniser (text to pieces that are merged by
// themselves), the post-processor (ids to ids). Each knows what it can do and refuses the rest:
// today that is the form of byte-level vocabularies without a regular expression.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace retort::model {

/// Leaves the text as it is.
class Normalizer {
 public:
  Normalizer() = default;
  /// Throws Error "unsupported" on anything but nothing.
  Normalizer(const Json& described, const std::string& where);
  std::string_view operator()(std::string_view text) const { return text; }
  Json Describe() const { return nullptr; }
  bool operator==(const Normalizer&) const = default;
};

/// One piece, the whole text.
class PreTokenizer {
 public:
  PreTokenizer() = default;
  /// Throws Error "unsupported" on anything but ByteLevel without its regular expression.
  PreTokenizer(const Json& described, const std::string& where);
  /// body(piece) for all of the text, in order.
  template <class Body>
  void ForPieces(std::string_view text, const Body& body) const {
    if (!text.empty()) body(text);
  }
  Json Describe() const;
  bool operator==(const PreTokenizer&) const = default;
};

/// Adds nothing.
class PostProcessor {
 public:
  PostProcessor() = default;
  /// Throws Error "unsupported" on anything but nothing or ByteLevel, which only moves offsets.
  PostProcessor(const Json& described, const std::string& where);
  void operator()(std::vector<int32_t>&) const {}
  Json Describe() const { return nullptr; }
  bool operator==(const PostProcessor&) const = default;
};

/// "BPE", the "type" of such a description, or "nothing".
std::string TypeOf(const Json& described);
/// null, absent, or an empty text or list.
bool IsNothing(const Json& json, const char* key);
/// That, or false.
bool IsFalse(const Json& json, const char* key);

}  // namespace retort::model
