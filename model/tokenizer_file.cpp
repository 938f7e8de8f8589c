// tokenizer.json and its companions, in and out.

#include "base/error.h"
#include "base/excerpt.h"
#include "base/file.h"
#include "base/json.h"
#include "model/byte_alphabet.h"
#include "model/tokenizer.h"

namespace retort::model {
namespace {

constexpr uint64_t kLargestVocabulary = 10'000'000;

/// null, absent, or an empty text or list.
bool IsNothing(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() || (found->is_string() && *found == "");
}

bool IsFalse(const Json& json, const char* key) {
  return IsNothing(json, key) || json[key] == false;
}

std::string TypeOf(const Json& json) {
  return json.is_object() && json.contains("type") && json["type"].is_string()
             ? json["type"].get<std::string>()
             : "nothing";
}

/// Refuses what would change the ids or the text compared with byte-level BPE on the whole text.
void RequireSupported(const Json& file, const std::string& where) {
  for (const char* key : {"truncation", "padding"}) {
    RETORT_CHECK(IsNothing(file, key), where, ": ", key, " is unsupported, expected null");
  }
  const bool empty_sequence = !IsNothing(file, "normalizer") &&
                              TypeOf(file["normalizer"]) == "Sequence" &&
                              file["normalizer"].value("normalizers", Json::array()).empty();
  RETORT_CHECK(IsNothing(file, "normalizer") || empty_sequence, where, ": normalizer ",
               TypeOf(file.value("normalizer", Json())), " is unsupported, expected null");
  const Json split = file.value("pre_tokenizer", Json());
  RETORT_CHECK(TypeOf(split) == "ByteLevel", where, ": pre_tokenizer ", TypeOf(split),
               " is unsupported, expected ByteLevel without a regular expression");
  RETORT_CHECK(split.contains("use_regex") && IsFalse(split, "use_regex"), where,
               ": pre_tokenizer ByteLevel with use_regex is unsupported, expected false");
  RETORT_CHECK(split.contains("add_prefix_space") && IsFalse(split, "add_prefix_space"), where,
               ": pre_tokenizer ByteLevel with add_prefix_space is unsupported, expected false");
  const Json post = file.value("post_processor", Json());
  RETORT_CHECK(post.is_null() || TypeOf(post) == "ByteLevel", where, ": post_processor ",
               TypeOf(post), " is unsupported, expected null or ByteLevel");
  const Json decoder = file.value("decoder", Json());
  RETORT_CHECK(TypeOf(decoder) == "ByteLevel", where, ": decoder ", TypeOf(decoder),
               " is unsupported, expected ByteLevel");
  const Json model = file.value("model", Json());
  RETORT_CHECK(TypeOf(model) == "BPE", where, ": model ", TypeOf(model),
               " is unsupported, expected BPE");
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
    RETORT_CHECK(IsNothing(model, key), where, ": model.", key, " is unsupported, expected null");
  }
  RETORT_CHECK(IsFalse(model, "byte_fallback"), where,
               ": model.byte_fallback is unsupported, expected false");
}

Json AddedTokenJson(const AddedToken& token) {
  return {{"content", token.content}, {"single_word", false},           {"lstrip", false},
          {"rstrip", false},          {"normalized", token.normalized}, {"special", token.special}};
}

}  // namespace

// The parts of Load and Save, with access to the vocabulary.
struct Tokenizer::File {
  Tokenizer& t;
  std::string where;
  size_t bytes;  // of the file
  std::map<std::string, int32_t, std::less<>> id_of_piece = {};

  // Every id up to the largest takes memory, so there cannot be more than a file has room to tell.
  int32_t ReadId(const Json& json, const std::string& place) const {
    const uint64_t id = json.is_number_unsigned() ? json.get<uint64_t>() : kLargestVocabulary;
    RETORT_CHECK(id < kLargestVocabulary, place, ": got ", ToJsonLine(json),
                 ", expected a token id");
    RETORT_CHECK(id < bytes, place, ": the id ", id, " in a file of ", bytes,
                 " bytes, expected ids that are about as many as the tokens");
    return static_cast<int32_t>(id);
  }

  void Grow(int32_t id) {
    if (static_cast<size_t>(id) >= t.bytes_.size()) {
      t.bytes_.resize(static_cast<size_t>(id) + 1);
      t.pieces_.resize(static_cast<size_t>(id) + 1);
    }
  }

  void ReadVocabulary(const Json& model) {
    RETORT_CHECK(model.contains("vocab") && model["vocab"].is_object(), where,
                 ": model.vocab is missing, expected an object of token to id");
    for (const auto& [piece, number] : model["vocab"].items()) {
      const int32_t id = ReadId(number, where + ": model.vocab." + piece);
      Grow(id);
      RETORT_CHECK(t.pieces_[static_cast<size_t>(id)].empty() && !piece.empty(), where,
                   ": model.vocab: id ", id, " is given twice, or to an empty token");
      t.pieces_[static_cast<size_t>(id)] = piece;
      t.bytes_[static_cast<size_t>(id)] = AlphabetToBytes(piece);
      id_of_piece.emplace(piece, id);
    }
    t.ignore_merges_ = model.contains("ignore_merges") && model["ignore_merges"] == true;
  }

  int32_t PieceId(const std::string& piece, size_t rank) const {
    const auto found = id_of_piece.find(piece);
    RETORT_CHECK(found != id_of_piece.end(), where, ": merge ", rank, ": '", piece,
                 "' is not in the vocabulary");
    return found->second;
  }

  // A merge is ["a", "b"], or in older files "a b".
  void ReadMerges(const Json& model) {
    const Json merges = model.value("merges", Json::array());
    RETORT_CHECK(merges.is_array(), where, ": model.merges: expected a list");
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      const Json& merge = merges[rank];
      std::string left, right;
      if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
        left = merge[0].get<std::string>();
        right = merge[1].get<std::string>();
      } else {
        const std::string text = merge.is_string() ? merge.get<std::string>() : "";
        const size_t space = text.find(' ');
        RETORT_CHECK(space != std::string::npos, where, ": merge ", rank, ": got ",
                     Excerpt(ToJsonLine(merge)), R"(, expected ["a", "b"] or "a b")");
        left = text.substr(0, space);
        right = text.substr(space + 1);
      }
      t.merges_.push_back({PieceId(left, rank), PieceId(right, rank), PieceId(left + right, rank)});
    }
  }

  void ReadAddedTokens(const Json& list) {
    RETORT_CHECK(list.is_array(), where, ": added_tokens: expected a list");
    for (const Json& item : list) {
      RETORT_CHECK(item.is_object() && item.contains("id") && item.contains("content") &&
                       item["content"].is_string() && item["content"] != "",
                   where, ": added_tokens: got ", ToJsonLine(item),
                   ", expected an id and a content");
      AddedToken token;
      token.content = item["content"].get<std::string>();
      token.id = ReadId(item["id"], where + ": added_tokens: " + token.content);
      token.special = !IsFalse(item, "special");
      token.normalized = !IsFalse(item, "normalized");
      for (const char* key : {"single_word", "lstrip", "rstrip"}) {
        RETORT_CHECK(IsFalse(item, key), where, ": added_tokens: '", token.content, "' with ", key,
                     " is unsupported, expected false");
      }
      const auto listed = id_of_piece.find(token.content);
      Grow(token.id);
      std::string& token_bytes = t.bytes_[static_cast<size_t>(token.id)];
      const bool same =
          listed == id_of_piece.end() ? token_bytes.empty() : listed->second == token.id;
      RETORT_CHECK(token.content.size() <= AddedToken::kLongest, where,
                   ": added_tokens: the content of id ", token.id, " has ", token.content.size(),
                   " bytes, expected at most ", AddedToken::kLongest);
      token_bytes = token.content;
      RETORT_CHECK(same && t.AddToken(token), where, ": added_tokens: '", token.content,
                   "' contradicts the vocabulary or another added token about id ", token.id);
    }
  }

  // "eos_token": "<|end|>", or {"content": "<|end|>", …}.
  void ReadNamedTokens(const std::filesystem::path& path) {
    if (!std::filesystem::exists(path)) return;
    const Json json = ParseJson(ReadFile(path), path.string());
    RETORT_CHECK(json.is_object(), path.string(), ": expected an object");
    const auto read = [&](const char* key) -> std::optional<int32_t> {
      if (IsNothing(json, key)) return std::nullopt;
      const Json value = json[key].is_object() ? json[key].value("content", Json()) : json[key];
      RETORT_CHECK(value.is_string(), path.string(), ": ", key, ": expected a token's text");
      const std::optional<int32_t> id = t.Find(value.get<std::string>());
      RETORT_CHECK(id, path.string(), ": ", key, ": '", value.get<std::string>(),
                   "' is not an added token of tokenizer.json");
      return id;
    };
    t.bos_ = read("bos_token");
    t.eos_ = read("eos_token");
    t.pad_ = read("pad_token");
  }
};

Tokenizer Tokenizer::Load(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer.json";
  const std::string text = ReadFile(path);
  const Json json = ParseJson(text, path.string());
  RETORT_CHECK(json.is_object(), path.string(), ": expected an object");
  RequireSupported(json, path.string());
  Tokenizer tokenizer;
  File file{tokenizer, path.string(), text.size()};
  file.ReadVocabulary(json["model"]);
  file.ReadMerges(json["model"]);
  file.ReadAddedTokens(json.value("added_tokens", Json::array()));
  file.ReadNamedTokens(folder / "tokenizer_config.json");
  tokenizer.BuildIndex(path.string());
  return tokenizer;
}

void Tokenizer::Save(const std::filesystem::path& folder, std::string_view chat_template) const {
  Json added = Json::array();
  Json decoder = Json::object();
  for (const AddedToken& token : added_) {
    Json item = {{"id", token.id}};
    item.update(AddedTokenJson(token));
    added.push_back(item);
    decoder[std::to_string(token.id)] = AddedTokenJson(token);
  }
  Json vocab = Json::object();
  for (size_t id = 0; id < pieces_.size(); ++id) {
    if (!pieces_[id].empty()) vocab[pieces_[id]] = id;
  }
  Json merges = Json::array();
  for (const Merge& merge : merges_) {
    merges.push_back(
        {pieces_[static_cast<size_t>(merge.left)], pieces_[static_cast<size_t>(merge.right)]});
  }
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", false}};
  const Json file = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", added},
                     {"normalizer", nullptr},
                     {"pre_tokenizer", byte_level},
                     {"post_processor", nullptr},
                     {"decoder", byte_level},
                     {"model",
                      {{"type", "BPE"},
                       {"dropout", nullptr},
                       {"unk_token", nullptr},
                       {"continuing_subword_prefix", nullptr},
                       {"end_of_word_suffix", nullptr},
                       {"fuse_unk", false},
                       {"byte_fallback", false},
                       {"ignore_merges", ignore_merges_},
                       {"vocab", std::move(vocab)},
                       {"merges", merges}}}};

  Json named = Json::object();
  const auto name = [&](const char* key, const std::optional<int32_t>& id) {
    if (id) named[key] = TokenBytes(*id);
  };
  name("bos_token", bos_);
  name("eos_token", eos_);
  name("pad_token", pad_);
  Json config = {{"added_tokens_decoder", decoder}};
  config.update(named);
  config["clean_up_tokenization_spaces"] = false;
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  if (!chat_template.empty()) config["chat_template"] = chat_template;

  WriteFileAtomic(folder / "tokenizer.json", file.dump(2) + "\n");
  WriteFileAtomic(folder / "tokenizer_config.json", config.dump(2) + "\n");
  WriteFileAtomic(folder / "special_tokens_map.json", named.dump(2) + "\n");
}

}  // namespace retort::model
