#include "model/tokenizer_kinds.h"

#include "base/error.h"
#include "base/strings.h"

namespace retort::model {
namespace {

constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kDeepSeek =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// Han, Hiragana, Katakana.
constexpr const char* kEastAsian = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
constexpr const char* kSpaceMark = "\u2581";

Json ByteLevel(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json SplitAt(const char* pattern) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

Json CutAt(const std::vector<const char*>& patterns) {
  Json members = Json::array();
  for (const char* pattern : patterns) members.push_back(SplitAt(pattern));
  members.push_back(ByteLevel(false));
  return {{"type", "Sequence"}, {"pretokenizers", members}};
}

Json Special(const char* content) { return {{"content", content}, {"special", true}}; }
Json Plain(const char* content) { return {{"content", content}, {"special", false}}; }

/// A tokenizer.json without its ids, and the names of tokenizer_config.json.
struct Kind {
  const char* name;
  Json normalizer, pre_tokenizer, decoder;
  Json added_tokens;
  Json config;
  bool begins = false;  ///< the begin token stands in front of a text
  Json flags = Json::object();
};

std::vector<Kind> Kinds() {
  const Json bytes = ByteLevel(true);
  const Json spaces = {{"type", "Metaspace"},
                       {"replacement", kSpaceMark},
                       {"prepend_scheme", "first"},
                       {"split", true}};
  const Json characters = {
      {"type", "Sequence"},
      {"decoders",
       {{{"type", "Replace"}, {"pattern", {{"String", kSpaceMark}}}, {"content", " "}},
        {{"type", "ByteFallback"}},
        {{"type", "Fuse"}},
        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  return {
      {.name = "gpt2",
       .normalizer = nullptr,
       .pre_tokenizer = ByteLevel(true),
       .decoder = bytes,
       .added_tokens = Json::array({Special("<|endoftext|>")}),
       .config = {{"bos_token", "<|endoftext|>"}, {"eos_token", "<|endoftext|>"}}},
      {.name = "llama3",
       .normalizer = nullptr,
       .pre_tokenizer = CutAt({kLlama3}),
       .decoder = bytes,
       .added_tokens = Json::array({Special("<|begin_of_text|>"), Special("<|end_of_text|>"),
                                    Special("<|start_header_id|>"), Special("<|end_header_id|>"),
                                    Special("<|eot_id|>")}),
       .config = {{"bos_token", "<|begin_of_text|>"}, {"eos_token", "<|end_of_text|>"}},
       .begins = true,
       .flags = {{"ignore_merges", true}}},
      {.name = "qwen2",
       .normalizer = {{"type", "NFC"}},
       .pre_tokenizer = CutAt({kQwen2}),
       .decoder = bytes,
       .added_tokens =
           Json::array({Special("<|endoftext|>"), Special("<|im_start|>"), Special("<|im_end|>")}),
       .config = {{"eos_token", "<|im_end|>"}, {"pad_token", "<|endoftext|>"}}},
      {.name = "deepseek",
       .normalizer = nullptr,
       .pre_tokenizer = CutAt({"\\p{N}{1,3}", kEastAsian, kDeepSeek}),
       .decoder = bytes,
       .added_tokens =
           Json::array({Special("<\uff5cbegin\u2581of\u2581sentence\uff5c>"),
                        Special("<\uff5cend\u2581of\u2581sentence\uff5c>"),
                        Special("<\uff5c\u2581pad\u2581\uff5c>"), Plain("<\uff5cUser\uff5c>"),
                        Plain("<\uff5cAssistant\uff5c>"), Plain(kThinkOpen), Plain(kThinkClose)}),
       .config = {{"bos_token", "<\uff5cbegin\u2581of\u2581sentence\uff5c>"},
                  {"eos_token", "<\uff5cend\u2581of\u2581sentence\uff5c>"},
                  {"pad_token", "<\uff5c\u2581pad\u2581\uff5c>"}},
       .begins = true},
      {.name = "llama2",
       .normalizer = nullptr,
       .pre_tokenizer = spaces,
       .decoder = characters,
       .added_tokens = Json::array({Special("<unk>"), Special("<s>"), Special("</s>")}),
       .config = {{"bos_token", "<s>"}, {"eos_token", "</s>"}},
       .begins = true,
       .flags = {{"unk_token", "<unk>"}, {"fuse_unk", true}, {"byte_fallback", true}}},
      {.name = "retort",
       .normalizer = nullptr,
       .pre_tokenizer = CutAt({kQwen2}),
       .decoder = bytes,
       .added_tokens = Json::array({Special(kEndToken), Special(kPadToken), Plain(kThinkOpen),
                                    Plain(kThinkClose), Plain(kAnswerOpen), Plain(kAnswerClose),
                                    Plain(kUserMarker), Plain(kAssistantMarker)}),
       .config = {{"eos_token", kEndToken}, {"pad_token", kPadToken}}}};
}

// {"single": [BEGIN, the text]}
Json BeginsWith(const Json& token) {
  const Json begin = {{"SpecialToken", {{"id", token["content"]}, {"type_id", 0}}}};
  const auto text = [](const char* name) {
    return Json{{"Sequence", {{"id", name}, {"type_id", 0}}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", {begin, text("A")}},
          {"pair", {begin, text("A"), begin, text("B")}},
          {"special_tokens",
           {{token["content"].get<std::string>(),
             {{"id", token["content"]},
              {"ids", Json::array({token["id"]})},
              {"tokens", Json::array({token["content"]})}}}}}};
}

Tokenizer MakeTokenizer(const Kind& kind) {
  Json added = Json::array(), vocab = Json::object();
  Json post_processor = nullptr;
  for (const Json& token : kind.added_tokens) {
    Json item = {{"id", added.size()}};
    item.update(token);
    vocab[token["content"].get<std::string>()] = item["id"];
    if (kind.begins && token["content"] == kind.config["bos_token"]) {
      post_processor = BeginsWith(item);
    }
    added.push_back(std::move(item));
  }
  Json model = {{"type", "BPE"}};
  model.update(kind.flags);
  model["vocab"] = std::move(vocab);
  const Json file = {{"added_tokens", added},
                     {"normalizer", kind.normalizer},
                     {"pre_tokenizer", kind.pre_tokenizer},
                     {"post_processor", post_processor},
                     {"decoder", kind.decoder},
                     {"model", model}};
  return Tokenizer::Parse(file.dump(), kind.config.dump(), kind.name);
}

}  // namespace

std::vector<std::string> TokenizerKinds() {
  std::vector<std::string> names;
  for (const Kind& kind : Kinds()) names.emplace_back(kind.name);
  return names;
}

Tokenizer TokenizerOfKind(std::string_view name) {
  for (const Kind& kind : Kinds()) {
    if (name == kind.name) return MakeTokenizer(kind);
  }
  Fail("tokenizer kind '", name, "', expected one of ", Join(TokenizerKinds(), ", "));
}

}  // namespace retort::model
