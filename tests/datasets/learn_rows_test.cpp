// Rows to learn from: their forms, the files they stand in, and what is wrong with some.

#include "datasets/learn_rows.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "base/file.h"
#include "base/folder.h"
#include "tests/support/error_of.h"

namespace retort::datasets::learn_rows_test {
namespace {

using Form = LearnRow::Form;

LearnRow Row(const Json& json, const std::string& column = "text") {
  return LearnRowFrom(json, column, "here");
}
Json Say(const std::string& role, const Json& content) {
  return {{"role", role}, {"content", content}};
}
void ExpectError(const Json& json, const std::string& part) {
  const std::string what = ErrorOf([&] { Row(json); });
  EXPECT_EQ(what.find("here: "), 0u) << what;
  EXPECT_NE(what.find(part), std::string::npos) << "'" << part << "' is not in: " << what;
}

TEST(LearnRow, ColumnsSayTheForm) {
  EXPECT_EQ(Row({{"text", "a"}}).text, "a");
  EXPECT_EQ(Row({{"text", "a"}, {"story", "b"}}, "story").text, "b");
  EXPECT_EQ(Row({{"text", "a"}, {"messages", nullptr}, {"prompt", "p"}}).form, Form::kText);
  const LearnRow pair = Row({{"prompt", "p"}, {"completion", "c"}, {"text", "a"}});
  EXPECT_EQ(pair.form, Form::kCompletion);
  EXPECT_EQ(pair.prompt + "|" + pair.text, "p|c");
  const Json talk = {Say("user", "q"), Say("assistant", "a")};
  const LearnRow messages = Row({{"messages", talk}, {"prompt", "p"}, {"completion", "c"}});
  EXPECT_EQ(messages.form, Form::kMessages);
  EXPECT_EQ(messages.conversation, (Json{{"messages", talk}}));
  EXPECT_EQ(messages.given, 0u);
  const LearnRow lists = Row({{"prompt", {talk[0]}}, {"completion", {talk[1]}}});
  EXPECT_EQ(lists.form, Form::kMessages);
  EXPECT_EQ(lists.conversation, (Json{{"messages", talk}}));
  EXPECT_EQ(lists.given, 1u);
}

TEST(LearnRow, PassesToolsAndVariablesOn) {
  const Json talk = {Say("user", "q"), {{"role", "assistant"}, {"content", nullptr}}};
  const Json tools = {{{"type", "function"}}};
  for (const Json& written : {tools, Json(tools.dump())}) {
    EXPECT_EQ(Row({{"messages", talk}, {"tools", written}}).conversation["tools"], tools);
  }
  EXPECT_FALSE(Row({{"messages", talk}, {"tools", nullptr}}).conversation.contains("tools"));
  EXPECT_FALSE(Row({{"messages", talk}, {"tools", Json::array()}}).conversation.contains("tools"));
  const Json row = {{"messages", talk}, {"chat_template_kwargs", {{"enable_thinking", false}}}};
  EXPECT_EQ(Row(row).conversation["enable_thinking"], false);
}

TEST(LearnRow, SaysWhatIsWrong) {
  ExpectError({{"x", 1}, {"y", 2}}, "found x, y");
  ExpectError(Json::object(), "found none");
  ExpectError({{"text", 5}}, "'text' is of type number");
  ExpectError({{"prompt", "p"}}, "prompt and completion");
  ExpectError({{"prompt", "p"}, {"completion", Json::array()}}, "two texts or two lists");
  ExpectError({{"prompt", 1}, {"completion", "c"}}, "'prompt' is of type number");
  ExpectError({{"prompt", {Say("user", "q")}}, {"completion", Json::array()}}, "an empty one");
  ExpectError({{"messages", Json::array()}}, "an empty one");
  ExpectError({{"messages", "[]"}}, "got string");
  ExpectError({{"messages", {"hi"}}}, "messages[0]: expected a message");
  ExpectError({{"messages", {Say("user", "q"), {{"role", 3}}}}}, "messages[1]: expected a message");
  ExpectError({{"messages", {Say("user", 3)}}}, "messages[0].content: is of type number");
  ExpectError({{"messages", {Say("user", nullptr)}}}, "messages[0]: has no content");
  ExpectError({{"messages", {Say("user", "q")}}, {"tools", 3}}, "'tools' is of type number");
  ExpectError({{"messages", {Say("user", "q")}}, {"tools", "[{"}}, "column 'tools'");
  ExpectError({{"messages", {Say("user", "q")}}, {"chat_template_kwargs", 3}},
              "expected an object");
  const Json many = std::vector<Json>(1001, Say("user", "q"));
  ExpectError({{"messages", many}}, "1001 messages, expected at most 1000");
  const Json half = std::vector<Json>(501, Say("user", "q"));
  ExpectError({{"prompt", half}, {"completion", half}}, "1002 messages");
}

class LearnRowReaderTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& bytes) const {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  /// "number:text" or "number:!error" without the path, a line each.
  std::string Rows(const std::string& path) const {
    LearnRowReader reader(path);
    std::string rows;
    for (LearnLine line; reader.Next(line);) {
      EXPECT_NE(line.row.has_value(), !line.error.empty());
      const std::string where = reader.Where(line);
      EXPECT_TRUE(line.row || line.error.starts_with(where + ": ")) << line.error;
      rows += StrCat(line.number, ":",
                     line.row ? line.row->text : "!" + line.error.substr(where.size() + 2), "\n");
    }
    return rows;
  }

  const TemporaryFolder folder_;
};

TEST_F(LearnRowReaderTest, NamesSayWhatIsInAFile) {
  const std::string rows = "{\"text\": \"a\"}\n\n{\"text\": \"b\"}\n";
  for (const char* name : {"a.jsonl", "a.json", "a.ndjson", "A.JSONL"}) {
    EXPECT_EQ(Rows(File(name, rows)), "1:a\n3:b\n") << name;
  }
  EXPECT_EQ(Rows(File("a.csv", "text,n\n\"a\nb\",1\nc,2\n")), "2:a\nb\n4:c\n");
  for (const char* name : {"a.txt", "README", "a.md", "a.jsonl.txt"}) {
    EXPECT_EQ(Rows(File(name, "one\n\ntwo")), "1:one\n\ntwo\n") << name;
  }
  EXPECT_EQ(Rows(File("mark.txt", "\xEF\xBB\xBFone")), "1:one\n");
  EXPECT_EQ(Rows(File("empty.txt", "")), "1:\n");
  EXPECT_EQ(Rows(File("empty.jsonl", "")), "");
}

TEST_F(LearnRowReaderTest, DecompressesDocuments) {
  const std::string path = (folder_.path() / "a.txt.gz").string();
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, "packed", 6);
  gzclose(file);
  EXPECT_EQ(Rows(path), "1:packed\n");
  const std::string bytes = ReadFile(path);
  const std::string cut = File("cut.txt.gz", bytes.substr(0, bytes.size() - 6));
  EXPECT_NE(ErrorOf([&] { Rows(cut); }), "(no error)");  // the rest of it is not there
}

TEST_F(LearnRowReaderTest, ABadRowDoesNotEndTheReading) {
  EXPECT_EQ(Rows(File("a.jsonl", "{\"text\": \"a\"}\n{\n[]\n{\"x\": 1}\n{\"text\": \"b\"}\n")),
            "1:a\n2:!not valid JSON: at column 2: syntax error while parsing object key - "
            "unexpected end of input; expected string literal\n"
            "3:!got a JSON array, expected an object of columns {\"prompt\": …, \"answer\": …}\n"
            "4:!nothing to learn: expected the column messages, the columns prompt and "
            "completion, or 'text'; found x. Name the column of a document with "
            "dataset_text_field\n5:b\n");
}

TEST_F(LearnRowReaderTest, DocumentsThatAreNone) {
  EXPECT_EQ(Rows(File("latin.txt", "caf\xE9")), "1:!is not UTF-8; convert the file\n");
  EXPECT_NE(Rows(File("rows.data", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n"))
                .find("looks like JSON Lines"),
            std::string::npos);
  EXPECT_EQ(Rows(File("code.txt", "{ return; }\n")), "1:{ return; }\n\n");
  EXPECT_NE(ErrorOf([&] { Rows("/nowhere/a.txt"); }).find("/nowhere/a.txt"), std::string::npos);
}

}  // namespace
}  // namespace retort::datasets::learn_rows_test
