// Writes the files that tests/parity/formats_parity.py opens with Hugging Face's libraries,
// together with what Retort itself makes of them. Opt-in: does nothing unless RETORT_PARITY_OUT
// names a folder.

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/file.h"
#include "base/random.h"
#include "base/strings.h"
#include "model/byte_alphabet.h"
#include "model/config.h"
#include "model/generation_config.h"
#include "model/safetensors.h"
#include "model/template.h"

namespace retort::model::parity_files_test {
namespace {

const std::vector<std::string>& Parts() {
  static const std::vector<std::string> parts = {
      "User: ", "User:",   "\nAssistant: ", "<think>", "</think>", "<answer>", "</answer>", "<thi",
      "k>",     "<|end|>", "<|pad|>",       "<|",      " ",        "  ",       "\n",        "\r\n",
      "\t",     "é",       "e\u0301",       "語",      "😀",        "\u00a0",   "\u200d",    "abc",
      "ABBA",   "7*6=42;", "\\boxed{",      "it's"};
  return parts;
}

std::vector<std::string> Corpus() {
  std::vector<std::string> corpus = {"", " ", "\n", "\t \n",
                                     "User: 1+1\nAssistant: <think></think>"};
  for (const std::string& part : Parts()) corpus.push_back(part);
  RandomStream random({.seed = 1, .purpose = "parity"});
  while (corpus.size() < 1000) {
    std::string text;
    for (uint64_t n = 1 + random.Below(15); n > 0; --n) text += random.Pick(Parts());
    corpus.push_back(text);
  }
  return corpus;
}

void WriteTokenizerCase(const Tokenizer& tokenizer, const std::filesystem::path& folder) {
  Json rows = Json::array();
  for (const std::string& text : Corpus()) {
    const std::vector<int32_t> ids = tokenizer.Encode(text, AddedTokens::kMatch);
    rows.push_back(
        {{"text", text}, {"ids", ids}, {"skipped", tokenizer.Decode(ids, SpecialTokens::kSkip)}});
  }
  const std::vector<int32_t> prompt = RenderPrompt(tokenizer, PromptTemplate::kR1Zero, "1+1?");
  const Json expected = {{"rows", rows}, {"prompt", prompt}, {"eos", *tokenizer.eos_id()}};
  WriteFileAtomic(folder / "expected.json", expected.dump());
}

// The byte-level vocabulary with random merges among the pieces of the corpus.
void AddMerges(const std::filesystem::path& folder) {
  Json json = ParseJson(ReadFile(folder / "tokenizer.json"), "tokenizer.json");
  // Hugging Face renumbers an added token whose id lies below the vocabulary's end unless it is
  // listed.
  for (const Json& token : json["added_tokens"]) {
    json["model"]["vocab"][token["content"].get<std::string>()] = token["id"];
  }
  RandomStream random({.seed = 2, .purpose = "parity"});
  std::vector<std::string> pieces;
  for (const char c : std::string(" abcABthink>é語\n7*6=")) pieces.push_back(std::string(1, c));
  std::set<std::string> known(pieces.begin(), pieces.end());
  std::vector<std::pair<std::string, std::string>> merges;
  for (int64_t id = 264; merges.size() < 200;) {
    const std::string left = random.Pick(pieces), right = random.Pick(pieces);
    if (left.size() + right.size() > 6 || !known.insert(left + right).second) continue;
    pieces.push_back(left + right);
    merges.emplace_back(BytesToAlphabet(left), BytesToAlphabet(right));
    json["model"]["vocab"][BytesToAlphabet(left + right)] = id++;
  }
  random.Shuffle(merges);
  for (const auto& [left, right] : merges) {
    json["model"]["merges"].push_back(Json::array({left, right}));
  }
  WriteFileAtomic(folder / "tokenizer.json", json.dump());
}

TEST(Parity, WriteFiles) {
  const char* out = std::getenv("RETORT_PARITY_OUT");
  if (!out) return;
  const std::filesystem::path root = out;
  const std::string chat_template = ChatTemplate(Tokenizer::ByteLevel(), PromptTemplate::kR1Zero);
  for (const char* name : {"bytes", "merges"}) {
    const std::filesystem::path folder = root / "tokenizer" / name;
    std::filesystem::create_directories(folder);
    Tokenizer::ByteLevel().Save(folder, chat_template);
    if (std::string(name) == "merges") AddMerges(folder);
    const Tokenizer tokenizer = Tokenizer::Load(folder);
    tokenizer.Save(folder, chat_template);
    WriteTokenizerCase(tokenizer, folder);
  }

  DeepseekConfig v2;
  v2.topk_method = TopkMethod::kGreedy;
  v2.scoring_func = ScoringFunc::kSoftmax;
  v2.norm_topk_prob = false;
  DeepseekConfig v3;
  v3.q_lora_rank = 24;
  v3.rope_theta = 50000;
  std::vector<ModelConfig> configs = {v3, v2};
  for (const DenseType type : {DenseType::kLlama, DenseType::kQwen2, DenseType::kQwen3}) {
    LlamaConfig dense;
    dense.model_type = type;
    dense.head_dim = 16;
    dense.tie_word_embeddings = type == DenseType::kQwen3;
    configs.emplace_back(dense);
  }
  GenerationConfig generation;
  for (const int32_t id : StopIds(Tokenizer::ByteLevel())) generation.eos_token_id.push_back(id);
  generation.temperature = 0.6;
  for (const ModelConfig& config : configs) {
    const std::filesystem::path folder = root / "config" / ModelType(config);
    std::filesystem::create_directories(folder);
    WriteModelConfig(config, folder);
    WriteGenerationConfig(generation, folder);
  }

  const std::vector<float> values = {0.5f, -1, 2, 3, 4, 5};
  const std::vector<uint16_t> half = {0x3c00, 0x0001};
  WriteSafetensors(root / "model.safetensors",
                   {FloatTensor("w", {2, 3}, values),
                    FloatTensor("empty", {0, 3}, {}),
                    {"h", StoredType::kF16, {2}, std::as_bytes(std::span(half))}});
}

}  // namespace
}  // namespace retort::model::parity_files_test
