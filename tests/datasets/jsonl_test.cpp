#include "datasets/jsonl.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/folder.h"
#include "tests/support/error_of.h"

namespace retort::datasets::jsonl_test {
namespace {

class JsonlTest : public testing::Test {
 protected:
  const std::string& File(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    return path_;
  }
  Problem One(const std::string& row, const JsonlOptions& options = {}) {
    return LoadProblems(File(row + "\n"), options).at(0);
  }
  std::string ErrorOf(const std::string& content, const JsonlOptions& options = {}) {
    try {
      LoadProblems(File(content), options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  void ExpectError(const std::string& content, int line, const std::string& part,
                   const JsonlOptions& options = {}) {
    const std::string what = ErrorOf(content, options);
    EXPECT_EQ(what.find(StrCat(path_, ":", line, ": ")), 0u) << what;
    EXPECT_NE(what.find(part), std::string::npos) << what;
  }

  const TemporaryFolder temporary_;
  const std::string path_ = temporary_.path() / "rows.jsonl";
};

JsonlOptions Columns(const char* json) {
  JsonlOptions options;
  ReadOptions(ParseJson(json, "options"), "options", options);
  return options;
}

TEST_F(JsonlTest, EveryConventionalColumnIsUnderstood) {
  for (const char* prompt : {"prompt", "question", "problem", "input"}) {
    for (const char* answer : {"answer", "solution", "ground_truth", "label"}) {
      const Json row = {{"level", 3}, {prompt, "1+1?"}, {answer, "2"}};
      const Problem p = One(ToJsonLine(row));
      EXPECT_EQ(p.prompt, "1+1?");
      EXPECT_EQ(p.answer, "2");
      EXPECT_EQ(p.solution, "");
      EXPECT_EQ(p.canonical, "1+1?");
      EXPECT_EQ(p.extra, (Json{{"level", 3}}));
    }
  }
}

TEST_F(JsonlTest, TheFirstConventionWins) {
  const Problem p = One(R"({"solution": "1+1=2", "question": "q", "prompt": "p", "answer": 2})");
  EXPECT_EQ(p.prompt, "p");
  EXPECT_EQ(p.answer, "2");
  EXPECT_EQ(p.solution, "1+1=2");
  EXPECT_EQ(p.extra, (Json{{"question", "q"}}));
  EXPECT_EQ(One(R"({"prompt": null, "question": "q", "answer": 0.5})").prompt, "q");
}

TEST_F(JsonlTest, NamedColumnsOverrideTheConventions) {
  const std::string row = R"({"prompt":"p","answer":"a","q":"Q","gold":"G","why":"W","key":"K"})";
  EXPECT_EQ(One(row, Columns(R"({"prompt_column": "q"})")).prompt, "Q");
  EXPECT_EQ(One(row, Columns(R"({"answer_column": "gold"})")).answer, "G");
  EXPECT_EQ(One(row, Columns(R"({"solution_column": "why"})")).solution, "W");
  EXPECT_EQ(One(row, Columns(R"({"id_column": "key"})")).id, "K");
  EXPECT_EQ(One(row, Columns(R"({"prompt_column": "q"})")).extra["prompt"], "p");
  for (const char* name : {"prompt", "answer", "solution", "id"}) {
    const std::string options = StrCat("{\"", name, "_column\": \"absent\"}");
    ExpectError(row, 1, "expected 'absent', found the columns prompt, answer, q, gold, why, key",
                Columns(options.c_str()));
  }
}

TEST_F(JsonlTest, IdsNameFileAndLine) {
  const std::vector<Problem> all = LoadProblems(
      File("{\"prompt\":\"a\",\"answer\":\"b\"}\r\n{\"prompt\":\"c\",\"answer\":\"d\"}"), {});
  ASSERT_EQ(all.size(), 2u);
  const std::filesystem::path path = path_;
  EXPECT_EQ(all[1].id, path.filename().string() + ":2");
  EXPECT_EQ(all[1].family, path.stem().string());
  EXPECT_EQ(LoadProblems(path_, Columns(R"({"limit": 1})")).size(), 1u);
}

TEST_F(JsonlTest, MessagesUseEveryTurnOrSayThatTheyCannot) {
  const std::string chat =
      R"({"messages":[{"role":"user","content":"one"},{"role":"assistant","content":"x"},)"
      R"({"role":"user","content":"two"},{"role":"assistant","content":"y"}],"label":2})";
  ExpectError(chat + "\n", 1, "holds 4 messages");
  ExpectError(chat + "\n", 1, "turns");
  EXPECT_EQ(One(chat, Columns(R"({"turns": "last"})")).prompt, "two");
  EXPECT_EQ(One(chat, Columns(R"({"turns": "join"})")).prompt, "one\n\nx\n\ntwo");
  const std::string system = R"({"messages":[{"role":"system","content":"Be brief."},)"
                             R"({"role":"user","content":"one"}],"label":2})";
  ExpectError(system + "\n", 1, "columns.turns");
  EXPECT_EQ(One(system, Columns(R"({"turns": "join"})")).prompt, "Be brief.\n\none");
  EXPECT_EQ(One(R"({"messages":[{"role":"user","content":"one"}],"label":2})").prompt, "one");
  EXPECT_EQ(
      One(R"({"prompt":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"label":true})")
          .prompt,
      "hi");
  ExpectError(R"({"messages":[{"role":"system","content":"x"}],"answer":"1"})", 1, "role 'user'");
  ExpectError(R"({"messages":["x"],"answer":"1"})", 1, "chat messages");
}

TEST_F(JsonlTest, Gsm8kMarksTheAnswer) {
  const Problem p = One(R"({"question":"q","answer":"48/2 = <<48/2=24>>24.\n48+24=72\n#### 72"})");
  EXPECT_EQ(p.answer, "72");
  EXPECT_EQ(p.solution, "48/2 = <<48/2=24>>24.\n48+24=72");
  EXPECT_EQ(One(R"({"question":"q","answer":"1\n#### 1,080\n"})").answer, "1,080");
  EXPECT_EQ(One(R"({"question":"q","answer":"#### Step 1\n5"})").answer, "#### Step 1\n5");
}

TEST_F(JsonlTest, MathSolutionsHoldTheirAnswerInABox) {
  const auto solution = [&](const std::string& text) {
    return One(ToJsonLine(Json{{"problem", "p"}, {"solution", text}}));
  };
  Problem p = solution("So $\\boxed{1}$, no: $x = \\boxed{\\frac{1}{2}}$ it is.");
  EXPECT_EQ(p.answer, "\\frac{1}{2}");
  EXPECT_EQ(p.solution, "So $\\boxed{1}$, no: $x = \\frac{1}{2}$ it is.");
  EXPECT_EQ(solution("thus \\boxed{\\{1,2\\}}").answer, "\\{1,2\\}");
  EXPECT_EQ(solution("thus $\\boxed 5$.").answer, "5");
  EXPECT_EQ(solution("thus \\fbox{B}").answer, "B");
  EXPECT_EQ(solution("cut \\boxed{1").answer, "cut \\boxed{1");
  EXPECT_EQ(solution("plain").answer, "plain");
  p = One(R"({"problem":"p","solution":"so \\boxed{7}","answer":"7.0"})");
  EXPECT_EQ(p.answer, "7.0");
  EXPECT_EQ(p.solution, "so \\boxed{7}");
}

TEST_F(JsonlTest, CodeTasksNeedNoAnswer) {
  const Problem p = One(R"({"prompt":"p","tests":[{"stdin":"1","stdout":"2"}]})");
  EXPECT_EQ(p.answer, "");
  EXPECT_EQ(p.extra["tests"][0]["stdout"], "2");
  for (const char* column : {"test", "test_list", "input_output"}) {
    EXPECT_EQ(One(StrCat("{\"prompt\":\"p\",\"", column, "\":\"x\"}")).extra[column], "x");
  }
}

TEST_F(JsonlTest, BadLinesNameFileAndLine) {
  const std::string good = "{\"prompt\":\"a\",\"answer\":\"b\"}\n";
  ExpectError(good + good + "{\"prompt\": \"a\", \n", 3, "not valid JSON");
  ExpectError(good + "[1,2]\n", 2, "got a JSON array, expected an object");
  ExpectError(good + "{\"prompt\":\"\xff\",\"answer\":\"b\"}\n", 2, "UTF-8");
  ExpectError(good + "{\"promt\":\"a\",\"answer\":\"b\"}\n", 2,
              "no prompt column: expected one of prompt, question, problem, messages, input, found "
              "the columns promt, answer");
  ExpectError("{\"prompt\":\"a\"}\n", 1, "no answer column");
  ExpectError("{}\n", 1, "found the columns none");
  ExpectError("{\"prompt\":{\"a\":1},\"answer\":\"b\"}\n", 1, "'prompt' is of type object");
  ExpectError("{\"prompt\":\"a\",\"answer\":[1]}\n", 1, "'answer' is of type array");
  EXPECT_EQ(ErrorOf(good + "{\"prompt\": 1 2}\n").find("line 1,"), std::string::npos);
  EXPECT_NE(ErrorOf("").find("holds no rows"), std::string::npos);
  EXPECT_NE(ErrorOf("\n\n").find("holds no rows"), std::string::npos);
}

TEST_F(JsonlTest, BlankLinesAndAByteOrderMarkAreSkipped) {
  const std::string good = "{\"prompt\":\"a\",\"answer\":\"b\"}";
  for (const char* end : {"", "\n", "\r\n", "\n\n \n"}) {
    EXPECT_EQ(LoadProblems(File("\xEF\xBB\xBF" + good + end), {}).size(), 1u);
  }
  const std::vector<Problem> problems =
      LoadProblems(File("\n \n" + good + "\n\n\r\n" + good + "\n"), {});
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_TRUE(problems[0].id.ends_with(":3")) << problems[0].id;
  EXPECT_TRUE(problems[1].id.ends_with(":6")) << problems[1].id;
}

TEST_F(JsonlTest, RowsOfHostileDepthOrWithAKeyTwiceAreBadLines) {
  const std::string good = "{\"prompt\":\"a\",\"answer\":\"b\"}\n";
  ExpectError(good + std::string(120000, '[') + "\n", 2, "column 513: nested deeper than 512");
  ExpectError(good + "{\"prompt\":\"a\",\"answer\":" + std::string(120000, '[') +
                  std::string(120000, ']') + "}\n",
              2, "nested deeper");
  ExpectError("{\"prompt\":\"a\",\"answer\":\"b\",\"answer\":\"c\"}\n", 1,
              "the key \"answer\" occurs twice");
}

TEST_F(JsonlTest, AColumnNameOfCsvHasALimit) {
  const auto read = [&](const std::string& text) {
    JsonlReader reader(File(text), RowFormat::kCsv);
    JsonlLine line;
    return retort::ErrorOf([&] { reader.Next(line); });
  };
  EXPECT_EQ(read(std::string(1000, 'x') + ",b\n1,2\n"), "(no error)");
  EXPECT_NE(read("b," + std::string(1001, 'x') + "\n1,2\n").find("by 1001 bytes"),
            std::string::npos);
}

TEST_F(JsonlTest, TheReaderGoesOnAfterABadLine) {
  JsonlReader reader(File("{\"a\":1}\n{broken\n\n\n7\n{\"a\":2}\n"));
  std::vector<int64_t> good, bad;
  for (JsonlLine line; reader.Next(line);) {
    EXPECT_NE(line.row.has_value(), !line.error.empty());
    (line.row ? good : bad).push_back(line.number);
  }
  EXPECT_EQ(good, (std::vector<int64_t>{1, 6}));
  EXPECT_EQ(bad, (std::vector<int64_t>{2, 5}));
}

TEST_F(JsonlTest, AFileThatCannotBeReadIsNamed) {
  const auto error = [](const std::string& path) -> std::string {
    try {
      JsonlReader reader(path);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_NE(error(path_).find(path_ + ": no such file"), std::string::npos);
  EXPECT_NE(error("/tmp").find("is a folder"), std::string::npos);
}

}  // namespace
}  // namespace retort::datasets::jsonl_test
