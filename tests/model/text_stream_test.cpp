// Text that comes token by token is the text of all tokens.

#include "model/text_stream.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/file.h"
#include "base/random.h"
#include "base/strings.h"
#include "tests/model/testing.h"

namespace retort::model::text_stream_test {
namespace {

// Joined; each part must be well-formed.
std::string Streamed(const Tokenizer& tokenizer, const std::vector<int32_t>& ids,
                     SpecialTokens special) {
  TextStream stream(tokenizer, special);
  std::string text;
  for (const int32_t id : ids) {
    const std::string part = stream.Add(id);
    EXPECT_TRUE(IsUtf8(part));
    text += part;
  }
  const std::string rest = stream.Finish();
  EXPECT_TRUE(IsUtf8(rest));
  EXPECT_EQ(stream.Finish(), "");
  return text + rest;
}

void ExpectSame(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  for (const SpecialTokens special : {SpecialTokens::kKeep, SpecialTokens::kSkip}) {
    EXPECT_EQ(Streamed(tokenizer, ids, special), ToValidUtf8(tokenizer.Decode(ids, special)));
  }
}

TEST(TextStream, ACharacterWaitsForItsLastByte) {
  TextStream stream(Tokenizer::ByteLevel());
  std::vector<std::string> parts;
  for (const char c : std::string("aä€😀\xE2\x82z\xFF")) {
    parts.push_back(stream.Add(static_cast<uint8_t>(c)));
  }
  const std::string bad = "\uFFFD";
  EXPECT_EQ(parts, (std::vector<std::string>{"a", "", "ä", "", "", "€", "", "", "", "😀", "", "",
                                             bad + bad + "z", bad}));
  EXPECT_EQ(stream.Add(0xF0), "");
  EXPECT_EQ(stream.Add(0x9F), "");
  EXPECT_EQ(stream.Finish(), bad + bad);
  EXPECT_EQ(stream.Add('x'), "x");
}

TEST(TextStream, SpecialTokensAreSkippedOrKept) {
  const Tokenizer tokenizer = Tokenizer::ByteLevel();
  const std::vector<int32_t> ids =
      tokenizer.Encode("<think>a</think>b<|end|>", AddedTokens::kMatch);
  EXPECT_EQ(Streamed(tokenizer, ids, SpecialTokens::kKeep), "<think>a</think>b<|end|>");
  EXPECT_EQ(Streamed(tokenizer, ids, SpecialTokens::kSkip), "<think>a</think>b");
}

TEST(TextStream, AnyIdsGiveTheTextOfDecode) {
  RandomStream random({.seed = 1, .purpose = "ids"});
  const auto expect_same = [&](const Tokenizer& tokenizer) {
    for (int i = 0; i < 300; ++i) {
      std::vector<int32_t> ids(random.NextU64() % 12);
      for (int32_t& id : ids) {  // and some that a padded model has beyond
        id = static_cast<int32_t>(random.NextU64() %
                                  static_cast<uint64_t>(tokenizer.vocab_size() + 2));
      }
      ExpectSame(tokenizer, ids);
    }
  };
  expect_same(Tokenizer::ByteLevel());
  // Those of the table, some of which take spaces off the beginning.
  std::istringstream lines(
      ReadFile(std::filesystem::path(RETORT_SOURCE_DIR) / "tests/model/tokenizers.jsonl"));
  int rows = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json row = ParseJson(line, "tokenizers.jsonl");
    if (row["kind"] != "tokenizer") continue;
    SCOPED_TRACE(row["name"].get<std::string>());
    WritePlain(TestFolder() / "tokenizer.json", row["described"].dump());
    const Tokenizer tokenizer = Tokenizer::Load(TestFolder());
    expect_same(tokenizer);
    for (const char* text : {"  two  spaces", " one", "   ", "none ä 😀 €"}) {
      ExpectSame(tokenizer, tokenizer.Encode(text, AddedTokens::kMatch));
    }
    ++rows;
  }
  EXPECT_GT(rows, 5);
}

}  // namespace
}  // namespace retort::model::text_stream_test
