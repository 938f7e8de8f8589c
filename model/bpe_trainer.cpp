#include "model/bpe_trainer.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/pipeline.h"
#include "base/strings.h"
#include "model/internal/bpe_learner.h"
#include "model/internal/normalizer.h"
#include "model/internal/pre_tokenizer.h"

namespace retort::model {
namespace {

constexpr const char* kWhere = "tokenizer train";
constexpr size_t kBatchBytes = 1 << 20;  // distinct words are a small part of so many
constexpr int64_t kBatches = 8;

// Texts that one thread counts.
struct Batch {
  std::vector<std::string> texts;
  int64_t bytes = 0;
  WordCounts words;
};

// <0x00> to <0xFF>
std::string ByteToken(int byte) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  return StrCat("<0x", kDigits[byte / 16], kDigits[byte % 16], ">");
}

// A template of the post-processor has ids, which are others now.
void GiveIds(Json& post_processor, const Json& vocabulary) {
  if (!post_processor.is_object()) return;
  if (post_processor.contains("processors")) {
    for (Json& member : post_processor["processors"]) GiveIds(member, vocabulary);
  }
  if (!post_processor.contains("special_tokens")) return;
  for (const auto& [name, token] : post_processor["special_tokens"].items()) {
    const Json contents = token.value("tokens", Json::array({name}));
    Json ids = Json::array();
    for (const Json& content : contents) {
      RETORT_CHECK(content.is_string() && vocabulary.contains(content.get<std::string>()), kWhere,
                   ": the post_processor puts ", ToJsonLine(content),
                   " around a text, expected an added token");
      ids.push_back(vocabulary[content.get<std::string>()]);
    }
    token["ids"] = std::move(ids);
  }
}

}  // namespace

struct BpeTrainer::Parts {
  Json like;  // Tokenizer::Describe()
  BpeTrainerOptions options;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::vector<std::string> reserved;  // pieces in front of the alphabet
  WordCounts words;
  Corpus corpus;

  void CountText(std::string_view text, WordCounts& counts) const {
    const std::string normalized = normalizer.Changes() ? normalizer(text) : "";
    Pieces pieces{
        .texts = {normalizer.Changes() ? normalized : text}, .changed = {}, .at_start = true};
    pre_tokenizer.Cut(pieces);
    for (const std::string_view word : pieces.texts) counts.Add(word);
  }
};

BpeTrainer::BpeTrainer(const Tokenizer& like, BpeTrainerOptions options)
    : parts_(std::make_unique<Parts>()) {
  Json described = like.Describe();
  auto& added = described["added_tokens"].get_ref<Json::array_t&>();
  std::ranges::sort(added, {}, [](const Json& token) { return token["id"].get<int32_t>(); });
  std::set<std::string> known;
  for (const Json& token : added) known.insert(token["content"].get<std::string>());
  for (const std::string& content : options.special) {
    RETORT_CHECK(!content.empty() && IsUtf8(content), "special: got '", content,
                 "', expected a text of UTF-8");
    RETORT_CHECK(known.insert(content).second, "special: the token '", content,
                 "' is there already, expected others than ",
                 ListNames({known.begin(), known.end()}));
    added.push_back({{"content", content}, {"special", true}});
  }
  for (const Json& token : added) parts_->reserved.push_back(token["content"].get<std::string>());
  if (described["unk_token"].is_string()) {
    const auto unknown = described["unk_token"].get<std::string>();
    if (!known.contains(unknown)) parts_->reserved.push_back(unknown);
  }
  if (described["byte_fallback"] == true) {
    for (int byte = 0; byte < 256; ++byte) parts_->reserved.push_back(ByteToken(byte));
  }
  parts_->normalizer = Normalizer(described["normalizer"], kWhere);
  parts_->pre_tokenizer = PreTokenizer(described["pre_tokenizer"], kWhere);
  parts_->like = std::move(described);
  parts_->options = std::move(options);
}

BpeTrainer::~BpeTrainer() = default;

void BpeTrainer::Count(const std::function<bool(std::string& text)>& next, int threads) {
  Parts& parts = *parts_;
  RunPipeline<Batch>(
      threads, kBatches,
      [&](Batch& batch) {
        std::string text;
        while (static_cast<size_t>(batch.bytes) < kBatchBytes && next(text)) {
          batch.bytes += std::ssize(text);
          batch.texts.push_back(text);
        }
        return !batch.texts.empty();
      },
      [&](Batch& batch) {
        for (const std::string& text : batch.texts) parts.CountText(text, batch.words);
      },
      [&](Batch& batch) {
        parts.words.Add(batch.words);
        parts.corpus.texts += std::ssize(batch.texts);
        parts.corpus.bytes += batch.bytes;
      });
}

BpeTrainer::Corpus BpeTrainer::corpus() const {
  Corpus corpus = parts_->corpus;
  corpus.words = parts_->words.total();
  corpus.distinct_words = std::ssize(parts_->words);
  return corpus;
}

Tokenizer BpeTrainer::Train(const std::function<void(int64_t tokens)>& progress) const {
  const LearnedBpe learned = LearnBpe(parts_->words, parts_->pre_tokenizer.byte_level(),
                                      parts_->reserved, parts_->options, progress);
  Json vocabulary = Json::object(), merges = Json::array();
  for (size_t id = 0; id < learned.pieces.size(); ++id) vocabulary[learned.pieces[id]] = id;
  for (const Merge& merge : learned.merges) {
    merges.push_back({learned.pieces[static_cast<size_t>(merge.left)],
                      learned.pieces[static_cast<size_t>(merge.right)]});
  }
  const Json& like = parts_->like;
  Json added = like["added_tokens"], post_processor = like["post_processor"];
  for (Json& token : added) token["id"] = vocabulary[token["content"].get<std::string>()];
  GiveIds(post_processor, vocabulary);
  Json model = {{"type", "BPE"}};
  for (const char* key : {"unk_token", "fuse_unk", "byte_fallback", "ignore_merges"}) {
    model[key] = like[key];
  }
  model["vocab"] = std::move(vocabulary);
  model["merges"] = std::move(merges);
  const Json file = {{"added_tokens", std::move(added)},
                     {"normalizer", like["normalizer"]},
                     {"pre_tokenizer", like["pre_tokenizer"]},
                     {"post_processor", std::move(post_processor)},
                     {"decoder", like["decoder"]},
                     {"model", std::move(model)}};
  Json config = Json::object();
  for (const char* key : {"bos_token", "eos_token", "pad_token"}) config[key] = like[key];
  return Tokenizer::Parse(file.dump(), config.dump(), kWhere);
}

}  // namespace retort::model
