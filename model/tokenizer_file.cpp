// tokenizer.json and its companions, in and out.

#include "base/error.h"
#include "base/excerpt.h"
#include "base/file.h"
#include "base/json.h"
#include "model/chat.h"
#include "model/internal/described.h"
#include "model/internal/tokenizer_parts.h"

namespace retort::model {
namespace {

constexpr uint64_t kLargestVocabulary = 10'000'000;

// Refuses what would change the ids or the text; the stages refuse what is theirs. Truncation and
// padding are of batches, which are not made here.
void RequireSupported(const Json& file, const std::string& where) {
  const Json model = file.value("model", Json());
  RETORT_CHECK(TypeOf(model) == "BPE", where, ": model ", TypeOf(model),
               " is unsupported, expected BPE");
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
    RETORT_CHECK(IsNothing(model, key) || model[key] == 0.0, where, ": model.", key,
                 " is unsupported, expected null");
  }
}

Json AddedTokenJson(const AddedToken& token) {
  return {{"content", token.content},       {"single_word", token.single_word},
          {"lstrip", token.lstrip},         {"rstrip", token.rstrip},
          {"normalized", token.normalized}, {"special", token.special}};
}

}  // namespace

// The parts of Load and Save, with access to the vocabulary.
struct Tokenizer::File {
  Parts& t;
  std::string where;
  size_t bytes;  // of the file
  std::vector<Merge> merges = {};
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
    if (static_cast<size_t>(id) >= t.bytes.size()) {
      t.bytes.resize(static_cast<size_t>(id) + 1);
      t.pieces.resize(static_cast<size_t>(id) + 1);
    }
  }

  void ReadVocabulary(const Json& model) {
    RETORT_CHECK(model.contains("vocab") && model["vocab"].is_object(), where,
                 ": model.vocab is missing, expected an object of token to id");
    for (const auto& [piece, number] : model["vocab"].items()) {
      const int32_t id = ReadId(number, where + ": model.vocab." + piece);
      Grow(id);
      RETORT_CHECK(t.pieces[static_cast<size_t>(id)].empty() && !piece.empty(), where,
                   ": model.vocab: id ", id, " is given twice, or to an empty token");
      t.pieces[static_cast<size_t>(id)] = piece;
      t.bytes[static_cast<size_t>(id)] = t.decoder.BytesOf(piece);
      id_of_piece.emplace(piece, id);
    }
  }

  int32_t PieceId(const std::string& piece, const std::string& place) const {
    const auto found = id_of_piece.find(piece);
    RETORT_CHECK(found != id_of_piece.end(), where, ": ", place, ": '", Excerpt(piece),
                 "' is not in the vocabulary");
    return found->second;
  }

  // A merge is ["a", "b"], or in older files "a b".
  void ReadMerges(const Json& model) {
    const Json list = model.value("merges", Json::array());
    RETORT_CHECK(list.is_array(), where, ": model.merges: expected a list");
    for (size_t rank = 0; rank < list.size(); ++rank) {
      const Json& merge = list[rank];
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
      const std::string place = StrCat("merge ", rank);
      merges.push_back({PieceId(left, place), PieceId(right, place), PieceId(left + right, place)});
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
      for (const auto& [key, flag] : {std::pair<const char*, bool*>{"special", &token.special},
                                      {"normalized", &token.normalized},
                                      {"single_word", &token.single_word},
                                      {"lstrip", &token.lstrip},
                                      {"rstrip", &token.rstrip}}) {
        *flag = FlagOf(item, key, false, where + ": added_tokens: " + token.content);
      }
      const auto listed = id_of_piece.find(token.content);
      Grow(token.id);
      std::string& token_bytes = t.bytes[static_cast<size_t>(token.id)];
      const bool same =
          listed == id_of_piece.end() ? token_bytes.empty() : listed->second == token.id;
      RETORT_CHECK(token.content.size() <= AddedToken::kLongest, where,
                   ": added_tokens: the content of id ", token.id, " has ", token.content.size(),
                   " bytes, expected at most ", AddedToken::kLongest);
      const std::string spelled = token.normalized ? t.normalizer(token.content) : token.content;
      token_bytes = t.decoder.byte_level() ? spelled : t.decoder.BytesOf(spelled);
      RETORT_CHECK(same && t.added.Add(token), where, ": added_tokens: '", token.content,
                   "' contradicts the vocabulary or another added token about id ", token.id);
    }
  }

  // "eos_token": "<|end|>", or {"content": "<|end|>", …}.
  void ReadNamedTokens(std::string_view text, const std::string& path) {
    const Json json = ParseJson(text, path);
    RETORT_CHECK(json.is_object(), path, ": expected an object");
    const auto read = [&](const char* key) -> std::optional<int32_t> {
      if (IsNothing(json, key)) return std::nullopt;
      const Json value = json[key].is_object() ? json[key].value("content", Json()) : json[key];
      RETORT_CHECK(value.is_string(), path, ": ", key, ": expected a token's text");
      const std::optional<int32_t> id = t.added.Find(value.get<std::string>());
      RETORT_CHECK(id, path, ": ", key, ": '", value.get<std::string>(),
                   "' is not an added token of tokenizer.json");
      return id;
    };
    t.bos = read("bos_token");
    t.eos = read("eos_token");
    t.pad = read("pad_token");
  }
};

std::shared_ptr<Tokenizer::Parts> Tokenizer::Read(std::string_view text, std::string_view config,
                                                  const std::filesystem::path& folder) {
  const std::string where = (folder / "tokenizer.json").string();
  const Json json = ParseJson(text, where);
  RETORT_CHECK(json.is_object(), where, ": expected an object");
  RequireSupported(json, where);
  auto parts = std::make_shared<Parts>();
  const Json& model = json["model"];
  parts->normalizer = Normalizer(json.value("normalizer", Json()), where);
  parts->pre_tokenizer = PreTokenizer(json.value("pre_tokenizer", Json()), where);
  parts->post_processor = PostProcessor(json.value("post_processor", Json()), where);
  parts->decoder = Decoder(json.value("decoder", Json()), where);
  Bpe::Options options{.byte_level = parts->pre_tokenizer.byte_level(),
                       .byte_fallback = FlagOf(model, "byte_fallback", false, where),
                       .ignore_merges = FlagOf(model, "ignore_merges", false, where),
                       .unk = {},
                       .fuse_unk = FlagOf(model, "fuse_unk", false, where)};
  RETORT_CHECK(options.byte_level == parts->decoder.byte_level(), where,
               ": pre_tokenizer and decoder disagree about ByteLevel");
  File file{*parts, where, text.size()};
  file.ReadVocabulary(model);
  file.ReadMerges(model);
  if (!IsNothing(model, "unk_token")) {
    parts->unk = TextOf(model, "unk_token", where);
    options.unk = file.PieceId(parts->unk, "unk_token");
  }
  file.ReadAddedTokens(json.value("added_tokens", Json::array()));
  file.ReadNamedTokens(config, (folder / "tokenizer_config.json").string());
  parts->Complete(std::move(file.merges), options, where);
  for (const auto* around : {&parts->post_processor.before(), &parts->post_processor.behind()}) {
    for (const int32_t id : *around) {
      RETORT_CHECK(static_cast<size_t>(id) < parts->bytes.size(), where,
                   ": post_processor: the id ", id, " is not in the vocabulary");
    }
  }
  return parts;
}

Tokenizer Tokenizer::Parse(std::string_view tokenizer_json, std::string_view tokenizer_config_json,
                           const std::filesystem::path& folder) {
  return Tokenizer(Read(tokenizer_json, tokenizer_config_json, folder));
}

Tokenizer Tokenizer::Load(const std::filesystem::path& folder) {
  const std::filesystem::path config = folder / "tokenizer_config.json";
  const auto parts = Read(ReadFile(folder / "tokenizer.json"),
                          std::filesystem::exists(config) ? ReadFile(config) : "{}", folder);
  try {
    parts->chat = LoadChatTemplate(folder);
    parts->no_chat = folder.string() +
                     ": no chat template: expected chat_template.jinja, or chat_template in "
                     "tokenizer_config.json";
  } catch (const Error& error) {  // whoever asks for it is told
    parts->no_chat = error.what();
  }
  return Tokenizer(parts);
}

Json Tokenizer::Describe() const {
  const Bpe::Options& options = parts_->bpe.options();
  Json added = Json::array();
  for (const AddedToken& token : added_tokens()) {
    Json item = {{"id", token.id}};
    item.update(AddedTokenJson(token));
    added.push_back(std::move(item));
  }
  const auto named = [&](const std::optional<int32_t>& id) {
    return id ? Json(ContentOf(*id)) : Json(nullptr);
  };
  return {{"vocab_size", vocab_size()},
          {"merges", parts_->bpe.merges().size()},
          {"symbols", options.byte_level ? "bytes" : "characters"},
          {"byte_fallback", options.byte_fallback},
          {"ignore_merges", options.ignore_merges},
          {"fuse_unk", options.fuse_unk},
          {"unk_token", parts_->unk.empty() ? Json() : Json(parts_->unk)},
          {"bos_token", named(bos_id())},
          {"eos_token", named(eos_id())},
          {"pad_token", named(pad_id())},
          {"normalizer", parts_->normalizer.Describe()},
          {"pre_tokenizer", parts_->pre_tokenizer.Describe()},
          {"post_processor", parts_->post_processor.Describe()},
          {"decoder", parts_->decoder.Describe()},
          {"added_tokens", std::move(added)}};
}

void Tokenizer::Save(const std::filesystem::path& folder, std::string_view chat_template) const {
  Json added = Json::array();
  Json decoder = Json::object();
  for (const AddedToken& token : added_tokens()) {
    Json item = {{"id", token.id}};
    item.update(AddedTokenJson(token));
    added.push_back(item);
    decoder[std::to_string(token.id)] = AddedTokenJson(token);
  }
  Json vocab = Json::object();
  const std::vector<std::string>& pieces = parts_->pieces;
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (!pieces[id].empty()) vocab[pieces[id]] = id;
  }
  const Bpe::Options& options = parts_->bpe.options();
  Json merges = Json::array();
  for (const Merge& merge : parts_->bpe.merges()) {
    merges.push_back(
        {pieces[static_cast<size_t>(merge.left)], pieces[static_cast<size_t>(merge.right)]});
  }
  const Json file = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", added},
                     {"normalizer", parts_->normalizer.Describe()},
                     {"pre_tokenizer", parts_->pre_tokenizer.Describe()},
                     {"post_processor", parts_->post_processor.Describe()},
                     {"decoder", parts_->decoder.Describe()},
                     {"model",
                      {{"type", "BPE"},
                       {"dropout", nullptr},
                       {"unk_token", parts_->unk.empty() ? Json() : Json(parts_->unk)},
                       {"continuing_subword_prefix", nullptr},
                       {"end_of_word_suffix", nullptr},
                       {"fuse_unk", options.fuse_unk},
                       {"byte_fallback", options.byte_fallback},
                       {"ignore_merges", options.ignore_merges},
                       {"vocab", std::move(vocab)},
                       {"merges", merges}}}};

  Json named = Json::object();
  const auto name = [&](const char* key, const std::optional<int32_t>& id) {
    if (id) named[key] = ContentOf(*id);
  };
  name("bos_token", bos_id());
  name("eos_token", eos_id());
  name("pad_token", pad_id());
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
