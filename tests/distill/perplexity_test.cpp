// Loss, perplexity and bits per byte against the log-probabilities that they are made of.

#include "distill/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/folder.h"
#include "tests/distill/tokenizers.h"
#include "tests/support/error_of.h"
#include "tests/support/stage_run.h"

namespace retort::distill::perplexity_test {
namespace {

class PerplexityTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& text) const {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  TextScore Score(const std::string& file, const Json& changes = {},
                  int64_t micro_batch_tokens = 50) {
    TextOptions options;
    if (!changes.is_null()) ReadOptions(changes, "options", options);
    const EvalText text(file, options, place_);
    return text.Score(*model_->Packed(compute_), workspace_, micro_batch_tokens);
  }
  /// -log p of `ids` from the `from`-th on.
  double Nats(const std::vector<int32_t>& ids, size_t from) {
    train::LearnGroup group{{ids[0]}, {{ids.begin() + 1, ids.end()}}};
    train::MicroBatch batch;
    batch.Add(group);
    const train::Scores scores = train::ScoreWith(*model_->Packed(compute_), workspace_, batch);
    double nats = 0;
    for (size_t i = from; i < ids.size(); ++i) nats -= scores.logprob[i - 1];
    return nats;
  }
  std::vector<int32_t> Ids(const std::string& text) const {
    std::vector<int32_t> ids = place_.tokenizer.Encode(text, model::AddedTokens::kMatch);
    ids.insert(ids.begin(), *place_.tokenizer.eos_id());
    return ids;
  }

  const TemporaryFolder folder_;
  const Executor executor_{1};
  nn::Compute compute_{executor_};
  const std::unique_ptr<model::LanguageModel> model_ =
      testing::TinyModel(testing::StageStudentConfig());
  model::Workspace workspace_{compute_};
  train::RowsPlace place_{
      .tokenizer = model::Tokenizer::ByteLevel(), .positions = 64, .threads = 1};
};

TEST_F(PerplexityTest, EveryTokenOfATextIsPredictedOnce) {
  const std::string text = "The first of nineteen, é";
  const TextScore score = Score(File("a.txt", text));
  EXPECT_EQ(score.tokens, static_cast<int64_t>(text.size()));  // bytes are tokens
  EXPECT_EQ(score.bytes, static_cast<int64_t>(text.size()));
  const double nats = Nats(Ids(text), 1);
  EXPECT_NEAR(score.nats, nats, 1e-5);
  EXPECT_DOUBLE_EQ(score.loss(), score.nats / static_cast<double>(score.tokens));
  EXPECT_DOUBLE_EQ(score.perplexity(), std::exp(score.loss()));
  EXPECT_DOUBLE_EQ(score.bits_per_byte(),
                   score.nats / std::log(2.0) / static_cast<double>(score.bytes));
}

TEST_F(PerplexityTest, ALongTextIsReadInWindows) {
  const std::string text = "abcdefghijklmnopqrstuvwxyz";  // 10 + 10 + 6
  const std::vector<int32_t> ids = Ids(text);
  const TextScore score = Score(File("a.txt", text), {{"max_length", 10}});
  EXPECT_EQ(score.tokens, 26);
  const auto part = [&](int begin, int end) {
    return std::vector<int32_t>(ids.begin() + begin, ids.begin() + end);
  };
  // The last window sees as much as any.
  EXPECT_NEAR(score.nats, Nats(part(0, 11), 1) + Nats(part(10, 21), 1) + Nats(part(16, 27), 5),
              1e-5);
  EXPECT_GT(std::abs(Score(File("a.txt", text)).nats - score.nats), 1e-4);
}

TEST_F(PerplexityTest, ABeginTokenStandsBeforeATextWhereThereIsOne) {
  const std::string file = File("a.txt", "abc");
  const double with_end = Score(file).nats;
  place_.tokenizer = Edited({.added = {"<s>"}, .bos = "<s>"});
  model::LlamaConfig config = testing::StageStudentConfig();
  config.vocab_size = 265;
  const auto wider = testing::TinyModel(config);
  const EvalText text(file, {}, place_);
  const TextScore score = text.Score(*wider->Packed(compute_), workspace_, 50);
  EXPECT_EQ(score.tokens, 3);
  EXPECT_NE(score.nats, with_end);
  place_.tokenizer = Edited({.without_eos = true});
  EXPECT_EQ(Score(file).tokens, 2);  // nothing to predict the first one from
  EXPECT_EQ(Score(file).bytes, 2);
}

TEST_F(PerplexityTest, OfRowsWhatIsLearnedIsMeasured) {
  const std::string file = File("a.jsonl", "{\"prompt\": \"ab\", \"completion\": \"cde\"}\n");
  std::vector<int32_t> ids = place_.tokenizer.Encode("abcde<|end|>", model::AddedTokens::kMatch);
  const TextScore score = Score(file);
  EXPECT_EQ(score.tokens, 4);
  EXPECT_EQ(score.bytes, 3);  // the end token is none of the text
  EXPECT_NEAR(score.nats, Nats(ids, 2), 1e-5);
  EXPECT_EQ(Score(file, {{"completion_only_loss", false}}).tokens, 5);
  EXPECT_EQ(Score(file, {{"max_length", 4}}).tokens, 2);
  const std::string talk = File(
      "b.jsonl",
      R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ab"}]})"
      "\n");
  EXPECT_EQ(Score(talk).bytes, 2);
  EXPECT_GT(Score(talk, {{"assistant_only_loss", false}}).bytes, 2);
}

TEST_F(PerplexityTest, HowItIsComputedDoesNotMatter) {
  std::string rows;
  for (int i = 0; i < 20; ++i) rows += StrCat("{\"text\": \"row ", i * i * i, "\"}\n");
  const std::string file = File("a.jsonl", rows);
  const double nats = Score(file).nats;
  EXPECT_NEAR(Score(file, {}, 7).nats, nats, 1e-4);
  const Executor three(3);
  nn::Compute compute(three);
  model::Workspace workspace(compute);
  train::RowsPlace place = place_;
  place.threads = 3;
  EXPECT_EQ(EvalText(file, {}, place).Score(*model_->Packed(compute), workspace, 50).nats, nats);
}

TEST_F(PerplexityTest, ReportsProgressAndStops) {
  const EvalText text(File("a.txt", std::string(300, 'a')), {}, place_);
  std::vector<double> shares;
  const auto weights = model_->Packed(compute_);
  text.Score(*weights, workspace_, 64, [&](double share) { shares.push_back(share); });
  ASSERT_GE(shares.size(), 4u);
  EXPECT_EQ(shares.back(), 1);
  EXPECT_TRUE(std::ranges::is_sorted(shares));
  EXPECT_THROW(text.Score(*weights, workspace_, 64, {}, [] { return true; }), datasets::Stopped);
  EXPECT_NE(ErrorOf([&] { Score(File("b.txt", "")); }).find("nothing to learn"), std::string::npos);
}

}  // namespace
}  // namespace retort::distill::perplexity_test
