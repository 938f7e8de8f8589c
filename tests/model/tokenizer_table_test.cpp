// What Hugging Face's tokenizers makes of the same descriptions and texts: tokenizers.jsonl,
// written by tests/parity/tokenizer_table.py.

#include <gtest/gtest.h>

#include <sstream>

#include "base/file.h"
#include "model/internal/normalizer.h"
#include "model/internal/pre_tokenizer.h"
#include "model/tokenizer.h"
#include "tests/model/testing.h"

namespace retort::model::tokenizer_table_test {
namespace {

// body(row) for the rows of a kind.
template <class Body>
void ForRows(const std::string& kind, const Body& body) {
  std::istringstream lines(
      ReadFile(std::filesystem::path(RETORT_SOURCE_DIR) / "tests/model/tokenizers.jsonl"));
  int rows = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json row = ParseJson(line, "tokenizers.jsonl");
    if (row["kind"] != kind) continue;
    ++rows;
    body(row);
  }
  EXPECT_GT(rows, 5) << kind;
}

TEST(TokenizerTable, PreTokenizersCutTheSamePieces) {
  ForRows("pre_tokenizer", [](const Json& row) {
    const PreTokenizer cut(row["described"], "table");
    EXPECT_EQ(cut.Describe(), row["described"]);
    for (const Json& one : row["cases"]) {
      const std::string text = one["text"];
      Pieces pieces{.texts = {text}, .changed = {}, .at_start = true};
      cut.Cut(pieces);
      EXPECT_EQ(Json(pieces.texts), one["pieces"]) << row["name"] << ": " << text;
    }
  });
}

TEST(TokenizerTable, NormalizersMakeTheSameText) {
  ForRows("normalizer", [](const Json& row) {
    const Normalizer normalize(row["described"], "table");
    EXPECT_EQ(normalize.Describe(), row["described"]);
    for (const Json& one : row["cases"]) {
      const std::string text = one["text"];
      EXPECT_EQ(Json({normalize(text)}), one["pieces"]) << row["name"] << ": " << text;
    }
  });
}

TEST(TokenizerTable, TokenizersGiveTheSameIdsAndTexts) {
  ForRows("tokenizer", [](const Json& row) {
    const auto folder = TestFolder() / row["name"].get<std::string>();
    std::filesystem::create_directories(folder / "again");
    WritePlain(folder / "tokenizer.json", row["described"].dump());
    const Tokenizer loaded = Tokenizer::Load(folder);
    loaded.Save(folder / "again");
    const Tokenizer again = Tokenizer::Load(folder / "again");
    EXPECT_TRUE(again == loaded) << row["name"];
    for (const Tokenizer& tokenizer : {loaded, again}) {
      for (const Json& one : row["cases"]) {
        const std::string text = one["text"];
        const std::vector<int32_t> ids = tokenizer.Encode(text, AddedTokens::kMatch);
        EXPECT_EQ(Json(ids), one["ids"]) << row["name"] << ": " << text;
        EXPECT_EQ(Json(tokenizer.WithSpecialTokens(ids)), one["framed"]) << row["name"];
        EXPECT_EQ(tokenizer.Decode(ids), one["decoded"]) << row["name"] << ": " << text;
        EXPECT_EQ(tokenizer.Decode(ids, SpecialTokens::kSkip), one["skipped"]) << row["name"];
      }
    }
  });
}

// What a user types is no tag, in any family.
TEST(TokenizerTable, AddedTokensCanBePlainText) {
  ForRows("tokenizer", [](const Json& row) {
    const auto folder = TestFolder() / row["name"].get<std::string>();
    std::filesystem::create_directories(folder);
    WritePlain(folder / "tokenizer.json", row["described"].dump());
    const Tokenizer tokenizer = Tokenizer::Load(folder);
    for (const AddedToken& token : tokenizer.added_tokens()) {
      if (token.content == "<unk>") continue;  // is what an unknown character becomes
      for (const int32_t id : tokenizer.Encode("a " + token.content, AddedTokens::kAsText)) {
        EXPECT_NE(id, token.id) << row["name"] << ": " << token.content;
      }
    }
  });
}

TEST(TokenizerTable, BytesThatAreNoTextKeepTheirIds) {
  ForRows("tokenizer", [](const Json& row) {
    if (row["name"] == "whitespace") return;  // without bytes
    const auto folder = TestFolder() / row["name"].get<std::string>();
    std::filesystem::create_directories(folder);
    WritePlain(folder / "tokenizer.json", row["described"].dump());
    const Tokenizer tokenizer = Tokenizer::Load(folder);
    const std::string text = "a\xff\x80 \xe4\xbd b\xc3";
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text, AddedTokens::kMatch)), text) << row["name"];
  });
}

}  // namespace
}  // namespace retort::model::tokenizer_table_test
