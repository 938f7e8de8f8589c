#include "model/tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "model/byte_alphabet.h"
#include "model/internal/tokenizer_parts.h"
#include "model/internal/utf8.h"

namespace retort::model {

void Tokenizer::Parts::Complete(std::vector<Merge> merges, const Bpe::Options& options,
                                const std::string& where) {
  added.BuildIndex([&](std::string_view text) { return normalizer(text); });
  special.assign(bytes.size(), false);
  std::vector<bool> is_added(bytes.size());
  for (const AddedToken& token : added.tokens()) {
    special[static_cast<size_t>(token.id)] = token.special;
    is_added[static_cast<size_t>(token.id)] = true;
  }
  for (const Merge& merge : merges) {
    if (is_added[static_cast<size_t>(merge.result)]) added_by_merge.emplace(merge.result, merge);
  }
  std::vector<std::string> spelled(pieces.size());
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].empty() || added.Find(pieces[id])) continue;
    spelled[id] = options.byte_level ? bytes[id] : pieces[id];
  }
  bpe = Bpe(spelled, std::move(merges), options, where);
}

std::string Tokenizer::Parts::ContentOf(int32_t id) const {
  const auto found = std::ranges::find(added.tokens(), id, &AddedToken::id);
  return found == added.tokens().end() ? bytes[static_cast<size_t>(id)] : found->content;
}

void Tokenizer::Parts::EncodeNormalized(std::string_view text, bool at_start,
                                        std::vector<int32_t>& ids) const {
  Pieces cut{.texts = {text}, .changed = {}, .at_start = at_start};
  pre_tokenizer.Cut(cut);
  for (const std::string_view piece : cut.texts) bpe.Encode(piece, ids);
}

void Tokenizer::Parts::EncodeText(std::string_view text, bool at_start,
                                  std::vector<int32_t>& ids) const {
  if (!normalizer.Changes()) return EncodeNormalized(text, at_start, ids);
  EncodeNormalized(normalizer(text), at_start, ids);
}

void Tokenizer::Parts::EncodeWithAdded(std::string_view text, bool at_start,
                                       std::vector<int32_t>& ids) const {
  std::string changed;
  if (normalizer.Changes()) text = changed = normalizer(text);
  const char* begin = text.data();
  added.Cut(text, 1, [&](std::string_view part, std::optional<int32_t> id) {
    if (!part.empty()) EncodeNormalized(part, at_start && part.data() == begin, ids);
    if (id) ids.push_back(*id);
  });
}

std::vector<int32_t> Tokenizer::Parts::WithoutAdded(std::vector<int32_t> ids) const {
  if (added_by_merge.empty()) return ids;
  std::vector<int32_t> open(ids.rbegin(), ids.rend());  // the next one is the last
  ids.clear();
  while (!open.empty()) {
    const auto made = added_by_merge.find(open.back());
    if (made == added_by_merge.end()) {
      ids.push_back(open.back());
      open.pop_back();
    } else {
      open.back() = made->second.right;
      open.push_back(made->second.left);
    }
  }
  return ids;
}

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
  const std::string where = "byte-level vocabulary";
  const Json bytes = {{"type", "ByteLevel"},
                      {"add_prefix_space", false},
                      {"trim_offsets", true},
                      {"use_regex", false}};
  parts->pre_tokenizer = PreTokenizer(bytes, where);
  parts->decoder = Decoder(bytes, where);
  parts->Complete({}, {}, where);
  return Tokenizer(std::move(parts));
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text, AddedTokens added) const {
  std::vector<int32_t> ids;
  if (added == AddedTokens::kAsText) {
    if (!text.empty()) parts_->EncodeText(text, true, ids);
    return parts_->WithoutAdded(std::move(ids));
  }
  parts_->added.Cut(text, 0, [&](std::string_view part, std::optional<int32_t> id) {
    if (!part.empty()) parts_->EncodeWithAdded(part, part.data() == text.data(), ids);
    if (id) ids.push_back(*id);
  });
  return ids;
}

std::vector<int32_t> Tokenizer::WithSpecialTokens(std::vector<int32_t> ids) const {
  const PostProcessor& around = parts_->post_processor;
  ids.insert(ids.begin(), around.before().begin(), around.before().end());
  ids.insert(ids.end(), around.behind().begin(), around.behind().end());
  return ids;
}

std::string Tokenizer::BreakAddedTokens(std::string_view text, std::string_view mark) const {
  const std::string clean = ReplaceAll(std::string(text), mark, "");
  std::string out;
  for (size_t i = 0; i < clean.size();) {
    const size_t next = i + FirstCharacter(std::string_view(clean).substr(i)).bytes.size();
    out.append(clean, i, next - i);
    if (parts_->added.BeginsAt(std::string_view(clean).substr(i))) out += mark;
    i = next;
  }
  return out;
}

std::string Tokenizer::ContentOf(int32_t id) const {
  RETORT_CHECK(id >= 0 && id < vocab_size(), "token id ", id, " is not in the vocabulary");
  return parts_->ContentOf(id);
}

int64_t Tokenizer::vocab_size() const { return std::ssize(parts_->bytes); }
const std::vector<AddedToken>& Tokenizer::added_tokens() const { return parts_->added.tokens(); }
std::optional<int32_t> Tokenizer::bos_id() const { return parts_->bos; }
std::optional<int32_t> Tokenizer::eos_id() const { return parts_->eos; }
std::optional<int32_t> Tokenizer::pad_id() const { return parts_->pad; }

bool Tokenizer::has_chat_template() const { return parts_->chat.has_value(); }

const JinjaTemplate& Tokenizer::chat_template() const {
  RETORT_CHECK(parts_->chat, parts_->no_chat);
  return *parts_->chat;
}

std::string Tokenizer::Decode(std::span<const int32_t> ids, SpecialTokens special) const {
  std::string text;
  for (const int32_t id : ids) {
    const bool skip = special == SpecialTokens::kSkip && id < vocab_size() &&
                      parts_->special[static_cast<size_t>(id)];
    if (!skip) text += TokenBytes(id);
  }
  const Decoder& decoder = parts_->decoder;
  const size_t kept = text.find_first_not_of(decoder.stripped());
  text.erase(0, std::min({decoder.strip(), kept, text.size()}));
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
         a.bpe.options() == b.bpe.options() && added_tokens() == other.added_tokens() &&
         a.normalizer == b.normalizer && a.pre_tokenizer == b.pre_tokenizer &&
         a.post_processor == b.post_processor && a.decoder == b.decoder && a.unk == b.unk &&
         a.bos == b.bos && a.eos == b.eos && a.pad == b.pad;
}

}  // namespace retort::model
