#include "model/internal/decoder.h"

#include <charconv>

#include "base/error.h"
#include "base/strings.h"
#include "model/byte_alphabet.h"
#include "model/internal/described.h"

namespace retort::model {

int FallbackByte(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return -1;
  unsigned byte = 0;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, byte, 16);
  return error == std::errc() && end == piece.data() + 5 ? static_cast<int>(byte) : -1;
}

Decoder::Decoder(Json described, const std::string& where) : described_(std::move(described)) {
  const std::vector<Json> members = Members(described_, "decoders", where);
  RETORT_CHECK(!members.empty(), where, ": decoder nothing is unsupported, expected ByteLevel, ",
               "Metaspace or a Sequence");
  for (const Json& member : members) Add(member, where);
}

void Decoder::Add(const Json& described, const std::string& where) {
  const std::string type = TypeOf(described);
  if (type == "ByteLevel") {
    byte_level_ = true;
  } else if (type == "ByteFallback") {
    byte_fallback_ = true;
  } else if (type == "Metaspace") {
    const bool prepends = IsNothing(described, "prepend_scheme")
                              ? FlagOf(described, "add_prefix_space", true, where)
                              : described["prepend_scheme"] != "never";
    replaced_.emplace_back(TextOf(described, "replacement", where), " ");
    strip_ = prepends ? 1 : 0;
  } else if (type == "Replace" && described.value("pattern", Json()).contains("String")) {
    replaced_.emplace_back(TextOf(described["pattern"], "String", where),
                           TextOf(described, "content", where));
    RETORT_CHECK(!replaced_.back().first.empty(), where, ": decoder Replace: of an empty text");
  } else if (type == "Strip") {
    const std::string& content = TextOf(described, "content", where);
    const Json start = described.value("start", Json(0)), stop = described.value("stop", Json(0));
    RETORT_CHECK(content.size() == 1 && start.is_number_unsigned() && stop == 0, where,
                 ": decoder Strip: unsupported, expected one character at the start");
    stripped_ = content[0];
    strip_ = start.get<size_t>();
  } else if (type != "Fuse") {
    FailUnsupported("decoder", described,
                    "ByteLevel, Metaspace, Replace of a String, ByteFallback, Fuse, Strip or a "
                    "Sequence of them",
                    where);
  }
}

std::string Decoder::BytesOf(std::string_view piece) const {
  if (byte_level_) return AlphabetToBytes(piece);
  if (byte_fallback_) {
    const int byte = FallbackByte(piece);
    if (byte >= 0) return std::string(1, static_cast<char>(byte));
  }
  std::string bytes(piece);
  for (const auto& [from, to] : replaced_) bytes = ReplaceAll(std::move(bytes), from, to);
  return bytes;
}

}  // namespace retort::model
