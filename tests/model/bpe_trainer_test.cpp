// Vocabularies that are trained: those that Hugging Face's tokenizers gives (tokenizers.jsonl),
// those of a twin that counts everything anew for each merge, and what each option does.

#include "model/bpe_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/random.h"
#include "model/internal/bpe_learner.h"
#include "model/tokenizer_kinds.h"
#include "tests/model/testing.h"

namespace retort::model::bpe_trainer_test {
namespace {

using Texts = std::vector<std::string>;

void Count(BpeTrainer& trainer, const Texts& texts, int threads = 1) {
  auto at = texts.begin();
  trainer.Count([&](std::string& text) { return at != texts.end() && (text = *at++, true); },
                threads);
}

Tokenizer Trained(const Tokenizer& like, const BpeTrainerOptions& options, const Texts& texts,
                  int threads = 1) {
  BpeTrainer trainer(like, options);
  Count(trainer, texts, threads);
  return trainer.Train();
}

// The model section of its tokenizer.json.
Json ModelOf(const Tokenizer& tokenizer) {
  tokenizer.Save(TestFolder());
  return ParseJson(ReadFile(TestFolder() / "tokenizer.json"), "saved")["model"];
}

Texts MergesOf(const Tokenizer& tokenizer) {
  Texts merges;
  const Json model = ModelOf(tokenizer);
  for (const Json& merge : model["merges"]) {
    merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  }
  return merges;
}

// Words between spaces, of characters.
Tokenizer Words() {
  return Tokenizer::Parse(R"({"model": {"type": "BPE", "vocab": {}},
      "pre_tokenizer": {"type": "WhitespaceSplit"},
      "decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}]}})",
                          "{}", "words");
}

TEST(BpeTrainer, GivesTheVocabulariesOfTokenizers) {
  std::istringstream lines(
      ReadFile(std::filesystem::path(RETORT_SOURCE_DIR) / "tests/model/tokenizers.jsonl"));
  int rows = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json row = ParseJson(line, "tokenizers.jsonl");
    if (row["kind"] != "training") continue;
    ++rows;
    BpeTrainerOptions options;
    ReadOptions(row["options"], "options", options);
    const Tokenizer like = Tokenizer::Parse(row["like"].dump(), "{}", "table");
    const Json model = ModelOf(Trained(like, options, row["texts"].get<Texts>()));
    EXPECT_EQ(model["vocab"], row["vocab"]) << row["name"];
    EXPECT_EQ(model["merges"], row["merges"]) << row["name"];
  }
  EXPECT_GT(rows, 8);
}

// The same merges as in the header's sentence, by counting all pairs of all words for each.
class Twin {
 public:
  Twin(const Texts& words, const BpeTrainerOptions& options) {
    std::set<std::string> alphabet;
    for (const std::string& word : words) {
      words_.emplace_back();
      for (const char c : word) words_.back().emplace_back(1, c);
      alphabet.insert(words_.back().begin(), words_.back().end());
    }
    pieces.assign(alphabet.begin(), alphabet.end());
    while (std::ssize(pieces) < options.vocab_size && Join(options)) {
    }
  }

  Texts pieces;
  std::vector<Merge> merges;

 private:
  int32_t Id(const std::string& piece) const {
    return static_cast<int32_t>(std::ranges::find(pieces, piece) - pieces.begin());
  }
  bool Join(const BpeTrainerOptions& options) {
    std::map<std::pair<int32_t, int32_t>, int64_t> counts;
    for (const Texts& word : words_) {
      for (size_t i = 0; i + 1 < word.size(); ++i) {
        const size_t length = word[i].size() + word[i + 1].size();
        const bool may = length == 2 || !options.max_token_length ||
                         static_cast<int64_t>(length) < *options.max_token_length;
        if (may) ++counts[{Id(word[i]), Id(word[i + 1])}];
      }
    }
    const auto best = std::ranges::max_element(
        counts, [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == counts.end() || best->second < options.min_frequency) return false;
    const auto [left_id, right_id] = best->first;
    const std::string left = pieces[static_cast<size_t>(left_id)];
    const std::string right = pieces[static_cast<size_t>(right_id)];
    pieces.push_back(left + right);
    merges.push_back({left_id, right_id, Id(left + right)});
    for (Texts& word : words_) {
      for (size_t i = 0; i + 1 < word.size(); ++i) {
        if (word[i] != left || word[i + 1] != right) continue;
        word[i] += right;
        word.erase(word.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
    return true;
  }
  std::vector<Texts> words_;
};

TEST(BpeTrainer, TheMergesAreTheGreedyOnes) {
  RandomStream random({.seed = 1, .purpose = "bpe-trainer"});
  for (int round = 0; round < 500; ++round) {
    const uint64_t letters = random.Below(4) + 1;
    const int64_t longest = random.Between(2, 30);
    Texts words;
    WordCounts counts;
    for (int64_t n = random.Between(1, 30); n > 0; --n) {
      std::string word;
      for (int64_t size = random.Between(1, longest); size > 0; --size) {
        word += static_cast<char>('a' + random.Below(letters));
      }
      for (int64_t times = random.Between(1, 3); times > 0; --times) {
        words.push_back(word);
        counts.Add(word);
      }
    }
    BpeTrainerOptions options{.vocab_size = random.Between(4, 80),
                              .min_frequency = random.Between(0, 3)};
    if (random.Below(3) == 0) options.max_token_length = random.Between(1, 9);
    const Twin twin(words, options);
    const LearnedBpe learned = LearnBpe(counts, false, {}, options, {});
    ASSERT_EQ(learned.pieces, twin.pieces) << Json(words);
    ASSERT_EQ(learned.merges, twin.merges) << Json(words);
  }
}

std::string Prose(RandomStream& random, int words) {
  const Texts parts = {"the ", "then ", "cat's ", "1234 ",  "\u4f60\u597d", "na\u00efve ",
                       "\n",   "  ",    "\xff",   "x=y+1 ", "don't "};
  std::string text;
  for (int i = 0; i < words; ++i) text += random.Pick(parts);
  return text;
}

TEST(BpeTrainer, WhatIsEncodedIsDecoded) {
  RandomStream random({.seed = 2, .purpose = "bpe-trainer"});
  Texts texts;
  for (int i = 0; i < 50; ++i) texts.push_back(Prose(random, 40));
  for (const std::string& kind : TokenizerKinds()) {
    const Tokenizer tokenizer =
        Trained(TokenizerOfKind(kind), {.vocab_size = 420, .min_frequency = 2}, texts);
    EXPECT_GT(tokenizer.vocab_size(), 290) << kind;
    for (const std::string& text :
         {texts[0], texts[1], std::string("none of \u00e9 \u20ac before")}) {
      const auto ids = tokenizer.Encode(text, AddedTokens::kMatch);
      EXPECT_EQ(tokenizer.Decode(ids), text) << kind;
    }
    EXPECT_TRUE(Trained(tokenizer, {.vocab_size = 420, .min_frequency = 2}, texts) == tokenizer)
        << kind;
  }
}

TEST(BpeTrainer, ThreadsAndTheOrderOfTextsChangeNothing) {
  RandomStream random({.seed = 3, .purpose = "bpe-trainer"});
  Texts texts;
  for (int i = 0; i < 600; ++i) texts.push_back(Prose(random, 900));  // several batches
  const Tokenizer one = Trained(TokenizerOfKind("gpt2"), {.vocab_size = 400}, texts);
  std::ranges::reverse(texts);
  for (const int threads : {2, 5}) {
    EXPECT_TRUE(Trained(TokenizerOfKind("gpt2"), {.vocab_size = 400}, texts, threads) == one);
  }
}

TEST(BpeTrainer, TellsWhatItCounted) {
  BpeTrainer trainer(Words(), {.vocab_size = 9});
  Count(trainer, {"ab ab", "", "c"});
  Count(trainer, {"ab"});
  const BpeTrainer::Corpus corpus = trainer.corpus();
  EXPECT_EQ(corpus.texts, 4);
  EXPECT_EQ(corpus.bytes, 8);
  EXPECT_EQ(corpus.words, 4);
  EXPECT_EQ(corpus.distinct_words, 2);
  int64_t heard = 0;
  trainer.Train([&](int64_t tokens) { heard = tokens; });
  EXPECT_EQ(heard, 4);
}

TEST(BpeTrainer, EachOptionCounts) {
  const Texts texts = {"abcd abcd abcd xy xy \u00e9"};
  const auto trained = [&](const BpeTrainerOptions& options) {
    return Trained(Words(), options, texts);
  };
  EXPECT_EQ(MergesOf(trained({.vocab_size = 100})), (Texts{"a b", "c d", "ab cd", "x y"}));
  EXPECT_EQ(MergesOf(trained({.vocab_size = 9})), (Texts{"a b", "c d"}));
  EXPECT_EQ(MergesOf(trained({.vocab_size = 100, .min_frequency = 3})),
            (Texts{"a b", "c d", "ab cd"}));
  EXPECT_EQ(MergesOf(trained({.vocab_size = 100, .max_token_length = 4})),
            (Texts{"a b", "c d", "x y"}));
  const Json limited = ModelOf(trained({.vocab_size = 100, .limit_alphabet = 5}));
  EXPECT_EQ(limited["vocab"].items().begin().key(), "a");
  EXPECT_FALSE(limited["vocab"].contains("y"));  // as frequent as x, but larger
  EXPECT_EQ(limited["vocab"]["x"], 4);
  const auto kept = MergesOf(trained({.vocab_size = 100, .limit_alphabet = 5, .special = {"y"}}));
  EXPECT_EQ(kept, MergesOf(trained({.vocab_size = 100, .special = {"y"}})));  // it is a token
  EXPECT_EQ(ModelOf(trained({.vocab_size = 100, .initial_alphabet = "zA"}))["vocab"]["A"], 0);
  const Tokenizer special = trained({.vocab_size = 100, .special = {"<s>", "ab"}});
  EXPECT_EQ(special.IdOf("<s>"), 0);
  EXPECT_EQ(special.IdOf("ab"), 1);
  EXPECT_TRUE(special.added_tokens()[0].special);
  EXPECT_EQ(special.vocab_size(), 12);  // the merge to "ab" gives its id
  EXPECT_EQ(MergesOf(special), (Texts{"a b", "ab c", "abc d", "x y"}));  // a smaller id than c's
}

// A special token that the merges make as well is none in what a user says.
TEST(BpeTrainer, WhatAUserSaysIsNoSpecialTokenEither) {
  const std::string tag = "<think>";
  const Tokenizer tokenizer = Trained(TokenizerOfKind("llama2"),
                                      {.vocab_size = 300, .special = {tag, "<thi"}}, {tag + tag});
  ASSERT_TRUE(std::ranges::count(MergesOf(tokenizer), "<thi nk>"));
  const auto tokens_of = [&](AddedTokens added) { return tokenizer.Encode("a" + tag, added); };
  EXPECT_EQ(tokens_of(AddedTokens::kMatch).back(), tokenizer.IdOf(tag));
  const auto said = tokens_of(AddedTokens::kAsText);
  for (const AddedToken& token : tokenizer.added_tokens()) {
    EXPECT_FALSE(std::ranges::count(said, token.id)) << token.content;
  }
  EXPECT_EQ(tokenizer.Decode(said), "a" + tag);
}

TEST(BpeTrainer, AllBytesAreThereWithoutBeingSeen) {
  const Json gpt2 = ModelOf(Trained(TokenizerOfKind("gpt2"), {.vocab_size = 258}, {"aaaa"}));
  EXPECT_EQ(gpt2["vocab"].size(), 258);
  EXPECT_EQ(gpt2["vocab"]["<|endoftext|>"], 0);
  EXPECT_EQ(gpt2["vocab"]["!"], 1);
  EXPECT_EQ(gpt2["vocab"]["\u0143"], 256);
  const Tokenizer llama2 = Trained(TokenizerOfKind("llama2"), {.vocab_size = 263}, {"aaaa"});
  const Json model = ModelOf(llama2);
  EXPECT_EQ(model["vocab"]["<0x00>"], 3);
  EXPECT_EQ(model["vocab"]["<0xFF>"], 258);
  EXPECT_EQ(model["byte_fallback"], true);
  EXPECT_EQ(llama2.added_tokens().size(), 3u);
}

// The rest of a tokenizer stays, with the ids that its tokens have now.
TEST(BpeTrainer, KeepsWhatItIsLike) {
  const Tokenizer like = Tokenizer::Parse(
      R"({"added_tokens": [{"id": 9, "content": "<think>", "special": false, "lstrip": true},
                           {"id": 7, "content": "<s>", "special": true}],
          "normalizer": {"type": "Lowercase"},
          "pre_tokenizer": {"type": "Metaspace", "replacement": "_", "prepend_scheme": "never"},
          "post_processor": {"type": "Sequence", "processors": [
            {"type": "ByteLevel"},
            {"type": "TemplateProcessing",
             "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
             "special_tokens": {"<s>": {"ids": [7], "tokens": ["<s>"]}}}]},
          "decoder": {"type": "Metaspace", "replacement": "_", "prepend_scheme": "never"},
          "model": {"type": "BPE", "unk_token": "?", "fuse_unk": true, "ignore_merges": true,
                    "vocab": {"?": 0, "<s>": 7, "<think>": 9}}})",
      R"({"bos_token": "<s>", "eos_token": {"content": "<think>"}})", "like");
  const Tokenizer trained = Trained(like, {.vocab_size = 20}, {"Ab AB"});
  EXPECT_EQ(ModelOf(trained)["vocab"],
            ParseJson(R"({"<s>": 0, "<think>": 1, "?": 2, "_": 3, "a": 4, "b": 5, "ab": 6,
                          "_ab": 7})",
                      "vocab"));
  EXPECT_EQ(trained.bos_id(), 0);
  EXPECT_EQ(trained.eos_id(), 1);
  EXPECT_EQ(trained.pad_id(), std::nullopt);
  EXPECT_TRUE(trained.added_tokens()[1].lstrip);
  using Ids = std::vector<int32_t>;
  EXPECT_EQ(trained.WithSpecialTokens(trained.Encode("ab <think> AB!!", AddedTokens::kMatch)),
            (Ids{0, 6, 1, 7, 2}));
  const Json was = like.Describe(), is = trained.Describe();
  for (const char* key : {"normalizer", "pre_tokenizer", "decoder", "unk_token", "fuse_unk",
                          "ignore_merges", "byte_fallback"}) {
    EXPECT_EQ(is[key], was[key]) << key;
  }
}

TEST(BpeTrainer, SaysWhatIsWrong) {
  const auto error = [](const Tokenizer& like, const BpeTrainerOptions& options,
                        const Texts& texts) {
    return ErrorOf([&] { Trained(like, options, texts); });
  };
  const Tokenizer words = Words(), gpt2 = TokenizerOfKind("gpt2");
  EXPECT_PRED2(Contains, error(words, {}, {}), "the texts hold no word");
  EXPECT_PRED2(Contains, error(words, {}, {" \n "}), "the texts hold no word");
  EXPECT_PRED2(Contains, error(gpt2, {.vocab_size = 256}, {"a"}),
               "vocab_size: got 256, expected at least 257: 256 characters and 1 token that");
  EXPECT_PRED2(Contains, error(gpt2, {.limit_alphabet = 255}, {"a"}),
               "limit_alphabet: got 255, expected at least 256, the bytes");
  EXPECT_PRED2(Contains, error(words, {.limit_alphabet = 1, .initial_alphabet = "xy"}, {"a"}),
               "limit_alphabet: got 1, expected at least 2, the characters of initial_alphabet");
  EXPECT_PRED2(Contains, error(words, {.initial_alphabet = "\xff"}, {"a"}), "initial_alphabet");
  EXPECT_PRED2(Contains, error(gpt2, {.special = {"<|endoftext|>"}}, {"a"}),
               "special: the token '<|endoftext|>' is there already");
  EXPECT_PRED2(Contains, error(gpt2, {.special = {""}}, {"a"}), "special: got ''");
  EXPECT_PRED2(Contains, error(gpt2, {.special = {"\xff"}}, {"a"}), "special: got");
  EXPECT_PRED2(Contains, ErrorOf([] { TokenizerOfKind("gpt4"); }), "expected one of gpt2, llama3");
  EXPECT_PRED2(Contains, ErrorOf([] {
                 BpeTrainerOptions options;
                 ReadOptions({{"vocab_size", 0}}, "options", options);
               }),
               "options.vocab_size");
}

}  // namespace
}  // namespace retort::model::bpe_trainer_test
