#pragma once
// Tokenizers made from the byte-level one by editing its file: merges, added tokens, chat template.

#include <string>
#include <vector>

#include "base/file.h"
#include "base/folder.h"
#include "model/byte_alphabet.h"
#include "model/tokenizer.h"

namespace retort::distill {

inline constexpr const char* kFim[] = {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"};

struct TokenizerEdits {
  std::vector<std::pair<std::string, std::string>> merges = {};  ///< of bytes
  std::vector<std::string> added = {};                           ///< special tokens
  std::string chat_template = {};
  std::string bos = {};  ///< put before every text by a post-processor
  bool without_eos = false;
};

inline model::Tokenizer Edited(const TokenizerEdits& edits) {
  const TemporaryFolder folder;
  model::Tokenizer::ByteLevel().Save(folder.path(), edits.chat_template);
  const auto file = folder.path() / "tokenizer.json",
             config = folder.path() / "tokenizer_config.json";
  Json json = ParseJson(ReadFile(file), "tokenizer.json");
  Json names = ParseJson(ReadFile(config), "tokenizer_config.json");
  int64_t next = model::Tokenizer::ByteLevel().vocab_size();
  for (const auto& [left, right] : edits.merges) {
    const std::string a = model::BytesToAlphabet(left), b = model::BytesToAlphabet(right);
    json["model"]["merges"].push_back({a, b});
    json["model"]["vocab"][a + b] = next++;
  }
  for (const std::string& content : edits.added) {
    Json token = json["added_tokens"][0];
    token["id"] = next++;
    token["content"] = content;
    json["added_tokens"].push_back(token);
  }
  if (!edits.bos.empty()) {
    names["bos_token"] = edits.bos;
    const int64_t id = next - 1;  // the last one added
    json["post_processor"] = {
        {"type", "TemplateProcessing"},
        {"single",
         {{{"SpecialToken", {{"id", edits.bos}, {"type_id", 0}}}},
          {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
        {"pair",
         {{{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
          {{"Sequence", {{"id", "B"}, {"type_id", 1}}}}}},
        {"special_tokens",
         {{edits.bos, {{"id", edits.bos}, {"ids", {id}}, {"tokens", {edits.bos}}}}}}};
  }
  if (edits.without_eos) names.erase("eos_token");
  WriteFileAtomic(file, json.dump());
  WriteFileAtomic(config, names.dump());
  std::filesystem::remove(folder.path() / "special_tokens_map.json");
  return model::Tokenizer::Load(folder.path());
}

}  // namespace retort::distill
