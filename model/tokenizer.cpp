#include "model/tokenizer.h"

#include "base/error.h"
#include "base/strings.h"
#include "model/byte_alphabet.h"
#include "model/internal/tokenizer_parts.h"

namespace retort::model {

Tokenizer::Tokenizer(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

Tokenizer Tokenizer::ByteLevel() {
  auto parts = std::make_shared<Parts>();
  for (int byte = 0; byte < 256; ++byte) {
    parts->bytes.emplace_back(1, static_cast<char>(byte));
    parts->pieces.push_back(BytesToAlphabet(parts->bytes.back()));
  }
  for (const char* content : {kEndToken, kPadToken, kThinkOpen, kThinkClose, kAnswerOpen,
                              kAnswerClose, kUserMarker, kAssistantMarker}) {
    const auto id = static_cast<int32_t>(parts->bytes.size());
    const bool special = content == kEndToken || content == kPadToken;
    parts->added.Add({id, content, special, false});
    parts->bytes.emplace_back(content);
    parts->pieces.emplace_back();
  }
  parts->eos = parts->added.Find(kEndToken);
  parts->pad = parts->added.Find(kPadToken);
  parts->Complete({}, /*ignore_merges=*/false, "byte-level vocabulary");
  return Tokenizer(std::move(parts));
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text, AddedTokens added) const {
  std::vector<int32_t> ids;
  const auto encode = [&](std::string_view part) { parts_->EncodeText(part, ids); };
  if (added == AddedTokens::kMatch) {
    parts_->added.Cut(
        text, [&](int32_t id) { ids.push_back(id); }, encode);
  } else {
    encode(text);
  }
  parts_->post_processor(ids);
  return ids;
}

int64_t Tokenizer::vocab_size() const { return std::ssize(parts_->bytes); }
const std::vector<AddedToken>& Tokenizer::added_tokens() const { return parts_->added.tokens(); }
std::optional<int32_t> Tokenizer::bos_id() const { return parts_->bos; }
std::optional<int32_t> Tokenizer::eos_id() const { return parts_->eos; }
std::optional<int32_t> Tokenizer::pad_id() const { return parts_->pad; }

std::string Tokenizer::Decode(std::span<const int32_t> ids, SpecialTokens special) const {
  std::string text;
  for (const int32_t id : ids) {
    const bool skip = special == SpecialTokens::kSkip && id < vocab_size() &&
                      parts_->special[static_cast<size_t>(id)];
    if (!skip) text += TokenBytes(id);
  }
  return text;
}

const std::string& Tokenizer::TokenBytes(int32_t id) const {
  static const std::string kReplacementCharacter = "\uFFFD";
  RETORT_CHECK(id >= 0, "token id ", id, " is negative");
  return id < vocab_size() ? parts_->bytes[static_cast<size_t>(id)] : kReplacementCharacter;
}

std::optional<int32_t> Tokenizer::Find(std::string_view added_token) const {
  return parts_->added.Find(added_token);
}

int32_t Tokenizer::IdOf(std::string_view added_token) const {
  const std::optional<int32_t> id = Find(added_token);
  if (id) return *id;
  std::vector<std::string> names;
  for (const AddedToken& token : added_tokens()) names.push_back(token.content);
  Fail("the vocabulary has no added token '", added_token, "'.", DidYouMean(added_token, names));
}

bool Tokenizer::operator==(const Tokenizer& other) const {
  const Parts &a = *parts_, &b = *other.parts_;
  return a.bytes == b.bytes && a.pieces == b.pieces && a.bpe.merges() == b.bpe.merges() &&
         added_tokens() == other.added_tokens() && a.bpe.ignore_merges() == b.bpe.ignore_merges() &&
         a.normalizer == b.normalizer && a.pre_tokenizer == b.pre_tokenizer &&
         a.post_processor == b.post_processor && a.bos == b.bos && a.eos == b.eos && a.pad == b.pad;
}

}  // namespace retort::model
