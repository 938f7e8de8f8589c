// Texts on the command line: retort eval --perplexity, retort recipe batches.

#include <cmath>
#include <set>

#include "base/strings.h"
#include "tests/cli/cli_fixture.h"
#include "tests/cli/tiny_model.h"

namespace retort::cli::texts_test {
namespace {

class TextsTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    SaveTinyDense(folder_ / "model");
  }
  Outcome Perplexity(std::vector<std::string> words) const {
    words.insert(words.begin(), {"eval", folder_ / "model", "--perplexity"});
    return Retort(words);
  }
};

TEST_F(TextsTest, PerplexityOfTextsAndRows) {
  const std::string text = Write("a.txt", "One byte, one token.");
  const std::string rows = Write("b.jsonl",
                                 "{\"prompt\": \"1+1=\", \"completion\": \"2\"}\n{\n"
                                 "{\"text\": \"abc\", \"story\": \"abcdef\"}\n");
  const Outcome outcome = Perplexity({text, rows, "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json files = outcome.json()["files"];
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0]["tokens"], 20);
  EXPECT_EQ(files[0]["bytes"], 20);
  const double loss = files[0]["loss"];
  EXPECT_NEAR(loss, std::log(264), 0.5);  // random weights
  EXPECT_DOUBLE_EQ(files[0]["perplexity"], std::exp(loss));
  EXPECT_NEAR(files[0]["bits_per_byte"], loss / std::log(2), 1e-9);
  EXPECT_EQ(files[1]["tokens"], 2 + 3);
  EXPECT_EQ(files[1]["bad"], 1);
  ExpectContains(outcome.err, "1 of 3 rows are bad and left out");

  EXPECT_EQ(Perplexity({rows, "--no-completion-only-loss", "--json"}).json()["files"][0]["tokens"],
            5 + 3);
  EXPECT_EQ(
      Perplexity({rows, "--dataset-text-field", "story", "--json"}).json()["files"][0]["tokens"],
      2 + 6);
  EXPECT_NE(Perplexity({text, "--max-length", "5", "--json"}).json()["files"][0]["loss"], loss);
  EXPECT_EQ(Perplexity({text, "--threads", "3", "--json"}).json()["files"][0]["loss"], loss);
  const Outcome table = Perplexity({text});
  ExpectContains(table.out, "bits per byte");
  ExpectContains(table.out, "a.txt");
}

TEST_F(TextsTest, PerplexityGoesWithoutProblems) {
  const std::string text = Write("a.txt", "text");
  EXPECT_EQ(Perplexity({text, "--samples", "3"}).code, 2);
  EXPECT_EQ(Perplexity({text, "--out", "x.jsonl"}).code, 2);
  EXPECT_EQ(Retort({"eval", folder_ / "model", "--max-length", "5"}).code, 2);
  EXPECT_EQ(Retort({"eval", folder_ / "model", "--no-assistant-only-loss"}).code, 2);
  const Outcome missing = Perplexity({"/nowhere.txt"});
  EXPECT_EQ(missing.code, 1);
  ExpectContains(missing.err, "/nowhere.txt");
  ExpectContains(Perplexity({text, "--max-length", "5000"}).err, "max_position_embeddings");
}

TEST_F(TextsTest, BatchesOfAStage) {
  Write("rows.jsonl",
        "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"c\", \"completion\": \"d\"}\n");
  const std::string recipe = Write("recipe.json", R"({
    "name": "texts", "models": {"m": {"model_type": "llama", "hidden_size": 16}},
    "stages": [{"name": "learn", "type": "sft", "train_files": ["rows.jsonl"], "batch_size": 2}]})");
  const auto batches = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"recipe", "batches", recipe});
    return Retort(flags);
  };
  const Outcome two = batches({"--stage", "learn", "--steps", "2"});
  ASSERT_EQ(two.code, 0) << two.err;
  std::vector<Json> lines;
  for (const std::string& line : Split(Trim(two.out), '\n'))
    lines.push_back(ParseJson(line, "line"));
  ASSERT_EQ(lines.size(), 4u);
  std::set<std::string> first;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(lines[i]["step"], i / 2);
    EXPECT_EQ(lines[i]["learned"], (Json{0, 1, 1}));
    if (i < 2) first.insert(lines[i]["ids"].dump());
  }
  EXPECT_EQ(first, (std::set<std::string>{"[97,98,256]", "[99,100,256]"}));
  const Outcome second = batches({"--stage", "learn", "--first-step", "1"});
  EXPECT_TRUE(two.out.ends_with(second.out)) << second.out;
  EXPECT_EQ(batches({}).code, 2);
  ExpectContains(batches({"--stage", "lern"}).err, "Did you mean 'learn'?");
}

}  // namespace
}  // namespace retort::cli::texts_test
