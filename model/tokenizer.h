#pragma once
// Text to token ids and back: BPE over bytes, or over characters with bytes in place of unknown
// ones, with added tokens, stored as Hugging Face's tokenizer.json.
//
// Retort's own vocabulary (Tokenizer::ByteLevel) is the BPE without merges: ids 0…255 are the bytes
// themselves, so every text has ids and every id sequence has bytes, followed by eight added tokens
// that keep the frame of a small recipe short. Ids of added tokens are found by content (IdOf),
// never hard-coded.
//
// Added tokens are matched first, leftmost-longest; what is between them is normalised, cut into
// pieces and merged piece by piece (model/internal/{normalizer,pre_tokenizer,bpe}.h), with the ids
// that Hugging Face's tokenizers gives. Text from outside (a problem, a user's message) is encoded
// with AddedTokens::kAsText, so that a "<think>" typed by somebody is seven bytes and not a tag.
//
// Immutable and cheap to copy, safe to share between threads.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/chat_template.h"

namespace retort::model {

inline constexpr const char* kEndToken = "<|end|>";
inline constexpr const char* kPadToken = "<|pad|>";
inline constexpr const char* kThinkOpen = "<think>";
inline constexpr const char* kThinkClose = "</think>";
inline constexpr const char* kAnswerOpen = "<answer>";
inline constexpr const char* kAnswerClose = "</answer>";
inline constexpr const char* kUserMarker = "User: ";
inline constexpr const char* kAssistantMarker = "\nAssistant: ";

/// A token that is matched as a whole before any merging.
struct AddedToken {
  static constexpr size_t kLongest = 1000;  ///< bytes: each place of a text is compared with it

  int32_t id = 0;
  std::string content;
  bool special = false;      ///< left out by Decode(…, kSkip); the tags are not, being content
  bool normalized = false;   ///< is looked for after the others, in normalised text
  bool single_word = false;  ///< only where no word goes on before or behind it
  bool lstrip = false, rstrip = false;  ///< takes the white space before, behind it along
  bool operator==(const AddedToken&) const = default;
};

/// A merge rule: the two ids, and the id they become. Its rank is its place in the list.
struct Merge {
  int32_t left, right, result;
  bool operator==(const Merge&) const = default;
};

enum class AddedTokens { kMatch, kAsText };
enum class SpecialTokens { kKeep, kSkip };

class Tokenizer {
 public:
  /// 256 bytes + end, pad, the four tags and the two frame markers: 264 ids.
  static Tokenizer ByteLevel();

  /// Reads tokenizer.json and, where present, the names of the begin, end and padding token from
  /// tokenizer_config.json. Throws Error "unsupported" on what would change the ids: another model
  /// than BPE, a kind of normaliser or pre-tokeniser that is not known here, dropout, …
  static Tokenizer Load(const std::filesystem::path& folder);

  /// The same of the two texts, without a chat template. Messages say they were in `folder`.
  static Tokenizer Parse(std::string_view tokenizer_json, std::string_view tokenizer_config_json,
                         const std::filesystem::path& folder);

  /// Writes tokenizer.json, tokenizer_config.json (with `chat_template`, a Jinja text, unless
  /// empty) and special_tokens_map.json.
  void Save(const std::filesystem::path& folder, std::string_view chat_template = {}) const;

  std::vector<int32_t> Encode(std::string_view text, AddedTokens added) const;

  /// The same with what the file's post-processor puts around a text, often a begin token.
  std::vector<int32_t> WithSpecialTokens(std::vector<int32_t> ids) const;

  /// The bytes of the ids, which need not be valid UTF-8. Ids from vocab_size() on, which a model
  /// with padded embeddings can sample, are U+FFFD; a negative id throws Error.
  std::string Decode(std::span<const int32_t> ids,
                     SpecialTokens special = SpecialTokens::kKeep) const;

  /// The bytes one id stands for, as in Decode; "" for an id that the vocabulary skips.
  const std::string& TokenBytes(int32_t id) const;

  /// The text with `mark` within each added token in it, so that none is matched. A mark that was
  /// there is left out.
  std::string BreakAddedTokens(std::string_view text, std::string_view mark) const;
  /// An added token as it is written; the bytes of any other.
  std::string ContentOf(int32_t id) const;

  /// The id of an added token. Throws Error naming the nearest when there is none.
  int32_t IdOf(std::string_view added_token) const;
  std::optional<int32_t> Find(std::string_view added_token) const;

  /// Largest id + 1: the least number of embedding rows.
  int64_t vocab_size() const;
  const std::vector<AddedToken>& added_tokens() const;
  std::optional<int32_t> bos_id() const;
  std::optional<int32_t> eos_id() const;
  std::optional<int32_t> pad_id() const;

  /// The chat template of the folder it came from (chat.h). Throws Error where it had none, or one
  /// that is no template.
  const JinjaTemplate& chat_template() const;
  bool has_chat_template() const;

  /// What it is made of, for people: sizes, stages, flags, named and added tokens.
  Json Describe() const;

  bool operator==(const Tokenizer& other) const;

 private:
  struct Parts;  // model/internal/tokenizer_parts.h
  struct File;   // reading and writing, in tokenizer_file.cpp

  explicit Tokenizer(std::shared_ptr<const Parts> parts);
  static std::shared_ptr<Parts> Read(std::string_view text, std::string_view config,
                                     const std::filesystem::path& folder);

  std::shared_ptr<const Parts> parts_;
};

}  // namespace retort::model
