#pragma once
// What a token of the vocabulary stands for, as tokenizer.json's "decoder" says: ByteLevel;
// Metaspace; or a Sequence of Replace, ByteFallback, Fuse and Strip, as SentencePiece's
// vocabularies have it.

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace retort::model {

class Decoder {
 public:
  Decoder() = default;
  /// Throws Error "unsupported" on others.
  Decoder(Json described, const std::string& where);

  /// The bytes of a piece, wherever it stands.
  std::string BytesOf(std::string_view piece) const;
  /// At most so many of these are left out at the start of a text.
  char stripped() const { return stripped_; }
  size_t strip() const { return strip_; }
  bool byte_level() const { return byte_level_; }
  const Json& Describe() const { return described_; }
  bool operator==(const Decoder& other) const { return described_ == other.described_; }

 private:
  void Add(const Json& described, const std::string& where);

  Json described_ = nullptr;
  std::vector<std::pair<std::string, std::string>> replaced_;
  bool byte_level_ = false, byte_fallback_ = false;
  char stripped_ = ' ';
  size_t strip_ = 0;
};

/// The byte that a token of this spelling stands for, <0x00> to <0xFF>, or -1.
int FallbackByte(std::string_view piece);

}  // namespace retort::model
