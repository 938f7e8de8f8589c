// retort score, as a process.

#include <sys/stat.h>

#include <csignal>

#include "base/strings.h"
#include "tests/cli/cli_fixture.h"

namespace retort::cli::score_test {
namespace {

using ScoreTest = CliTest;

std::string Row(const std::string& answer, const std::string& response, bool label = true) {
  return ToJsonLine({{"answer", answer}, {"response", response}, {"label", label}}) + "\n";
}

std::vector<Json> Rows(const std::filesystem::path& path) {
  std::vector<Json> rows;
  for (const std::string& line : Split(ReadFile(path), '\n')) {
    if (!line.empty()) rows.push_back(ParseJson(line, path.string()));
  }
  return rows;
}

TEST_F(ScoreTest, CountsVerdictsAndAgreement) {
  const std::string file =
      Write("a.jsonl", Row("3", "\\boxed{3}") + Row("3", "\\boxed{4}", false) +
                           Row("3", "\\boxed{3}", false) + Row("3", "no number", false));
  const Outcome outcome = Retort({"score", file, "--label", "label", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const Json summary = outcome.json();
  EXPECT_EQ(summary["rows"], 4);
  EXPECT_EQ(summary["right"], 2);
  EXPECT_EQ(summary["wrong"].get<int>() + summary["unjudged"].get<int>(), 2);
  EXPECT_EQ(summary["agreement"], 0.75);
  EXPECT_EQ(summary["bad_lines"], 0);
  EXPECT_GE(summary["slowest"]["row"].get<int>(), 1);
  EXPECT_GT(summary["slowest"]["seconds"].get<double>(), 0);
  EXPECT_LT(summary["slowest"]["seconds"].get<double>(), summary["seconds"].get<double>());

  const Outcome table = Retort({"score", file});
  EXPECT_EQ(table.code, 0);
  ExpectContains(table.out, "agreement");
  ExpectContains(table.out, "slowest");
  EXPECT_TRUE(Retort({"score", file, "--json"}).json()["agreement"].is_null());
}

TEST_F(ScoreTest, MemoryGrowsWithTheLongestRow) {
  constexpr int64_t kSize = 16 << 20;
  const auto peak = [&](int64_t size) {
    const std::string file =
        Write("a.jsonl", Row("3", std::string(static_cast<size_t>(size), 'x')));
    return Retort({"score", file, "--json"}).json()["peak_bytes"].get<int64_t>();
  };
  const int64_t small = peak(1), large = peak(kSize);
  EXPECT_GE(small, 0);
  EXPECT_GE(large - small, kSize);
}

TEST_F(ScoreTest, ProgramsNeedNoAnswer) {
  const Json tests{{{"stdin", "2"}, {"stdout", "2"}}};
  const std::string file =
      Write("a.jsonl", ToJsonLine({{"program", "print(input())"}, {"tests", tests}}) + "\n" +
                           ToJsonLine({{"response", "print(3)"}, {"tests", tests}}) + "\n" +
                           ToJsonLine({{"response", "x"}, {"tests", {{{"stdin", "2"}}}}}) + "\n");
  const std::string out = folder_ / "out";
  const Outcome outcome = Retort({"score", file, "--verifier", "code", "--out", out, "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::vector<Json> rows = Rows(out);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2]["verdict"], "unjudged");
  ExpectContains(rows[2]["reason"], "bad-tests: tests[0]: 'stdout' is missing");
  if (rows[0]["verdict"] == "unjudged") GTEST_SKIP() << rows[0]["reason"];
  EXPECT_EQ(rows[0]["reason"], "accepted");
  EXPECT_EQ(rows[0]["score"], 1);
  EXPECT_EQ(rows[1]["reason"], "wrong-answer/0");
  EXPECT_EQ(rows[1]["extracted"], "print(3)");
}

TEST_F(ScoreTest, RowsComeOutInOrderWhateverTheThreads) {
  std::string text;
  for (int i = 0; i < 1500; ++i) text += Row(StrCat(i), StrCat("\\boxed{", i % 3 ? i : -1, "}"));
  const std::string file = Write("a.jsonl", text);
  std::string first;
  for (const char* threads : {"1", "8"}) {
    const std::string out = folder_ / (std::string("out") + threads);
    ASSERT_EQ(Retort({"score", file, "--threads", threads, "--out", out}).code, 0);
    const std::vector<Json> rows = Rows(out);
    ASSERT_EQ(rows.size(), 1500u);
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(rows[i]["row"], i + 1);
      ASSERT_EQ(rows[i]["verdict"], i % 3 ? "right" : "wrong");
    }
    if (first.empty()) first = ReadFile(out);
    EXPECT_EQ(ReadFile(out), first);
  }
  EXPECT_EQ(Retort({"score", file, "--limit", "7", "--json"}).json()["rows"], 7);
}

TEST_F(ScoreTest, EveryKeyOfARow) {
  const std::string file = Write("a.jsonl", Row("72", "so #### 72"));
  const std::string out = folder_ / "out";
  ASSERT_EQ(Retort({"score", file, "--out", out}).code, 0);
  const Json row = Rows(out).at(0);
  std::vector<std::string> keys;
  for (const auto& item : row.items()) keys.push_back(item.key());
  EXPECT_EQ(keys, (std::vector<std::string>{"row", "verdict", "score", "reason", "extracted",
                                            "normal_form", "gold_normal_form"}));
  EXPECT_EQ(row["extracted"], "72");
  EXPECT_EQ(row["score"], 1);
  EXPECT_EQ(row["normal_form"], "72");
  EXPECT_EQ(row["gold_normal_form"], "72");
}

TEST_F(ScoreTest, SeveralResponsesWithNestedColumns) {
  const std::string file = Write(
      "a.jsonl",
      R"({"gold": 5, "a": {"text": "#### 5", "ok": true}, "b": {"text": "#### 6", "ok": true}})");
  const std::string out = folder_ / "out";
  const Outcome outcome = Retort({"score", file, "--answer", "gold", "--response", "a.text,b.text",
                                  "--label", "a.ok,b.ok", "--json", "--out", out});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["rows"], 1);
  EXPECT_EQ(outcome.json()["responses"], 2);
  EXPECT_EQ(outcome.json()["agreement"], 0.5);
  EXPECT_EQ(Rows(out).at(1)["response"], 1);
}

TEST_F(ScoreTest, ABadLineIsReportedAndDoesNotStopTheRest) {
  const std::string file = Write("a.jsonl", Row("1", "#### 1") + "{broken\n" + "\n" + "[1]\n" +
                                                "{\"answer\": \"1\"}\n" + Row("2", "#### 2"));
  const std::string out = folder_ / "out";
  const Outcome outcome = Retort({"score", file, "--json", "--out", out});
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  for (const char* place : {"a.jsonl:2", "a.jsonl:4", "a.jsonl:5"}) {
    ExpectContains(outcome.err, place);
  }
  EXPECT_EQ(outcome.json()["rows"], 2);
  EXPECT_EQ(outcome.json()["bad_lines"], 3);
  EXPECT_EQ(outcome.json()["first_bad_lines"], Json({2, 4, 5}));
  const std::vector<Json> rows = Rows(out);
  ASSERT_EQ(rows.size(), 5u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i]["row"], i < 2 ? i + 1 : i + 2);  // the line's number; 3 is blank
    EXPECT_EQ(rows[i].contains("error"), i > 0 && i < 4);
  }
  ExpectContains(rows[1]["error"].get<std::string>(), "a.jsonl:2");
}

TEST_F(ScoreTest, NothingButBadLinesIsAFailureThatLeavesNoFile) {
  const std::string file = Write("a.jsonl", "{\"gold\": \"1\", \"response\": \"1\"}\n");
  const std::string out = folder_ / "out";
  const Outcome outcome = Retort({"score", file, "--out", out});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  ExpectContains(outcome.err, "no column 'answer'");
  ExpectContains(outcome.err, "--answer");
  EXPECT_EQ(outcome.err.find("--resume"), std::string::npos) << outcome.err;
  for (const char* suffix : {"", ".partial", ".partial.rows"}) {
    EXPECT_FALSE(std::filesystem::exists(out + suffix)) << suffix;
  }
  EXPECT_EQ(Retort({"score", Write("empty.jsonl", "")}).code, 1);
}

TEST_F(ScoreTest, ManyBadLinesDoNotFloodTheTerminal) {
  std::string text = Row("1", "#### 1");
  for (int i = 0; i < 500; ++i) text += "{\n";
  const Outcome outcome = Retort({"score", Write("a.jsonl", text), "--json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.json()["bad_lines"], 500);
  EXPECT_EQ(outcome.json()["first_bad_lines"].size(), 20u);
  EXPECT_LT(Split(outcome.err, '\n').size(), 30u);
  ExpectContains(outcome.err, "480 more bad lines");
}

TEST_F(ScoreTest, StandardInput) {
  const Outcome outcome =
      Retort({"score", "-", "--json"}, Row("1", "#### 1") + "{\n" + Row("2", "#### 3"));
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_EQ(outcome.json()["right"], 1);
  ExpectContains(outcome.err, "standard input:2");
}

TEST_F(ScoreTest, AnswersForWhatIsMissing) {
  const Outcome missing = Retort({"score", folder_ / "none.jsonl"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_TRUE(missing.err.starts_with("retort: error: ")) << missing.err;
  ExpectContains(missing.err, "none.jsonl");
  ExpectContains(missing.err, "check the path");
  const std::string file = Write("a.jsonl", Row("1", "#### 1"));
  const Outcome verifier = Retort({"score", file, "--verifier", "maths"});
  EXPECT_EQ(verifier.code, 1);
  ExpectContains(verifier.err, "Did you mean 'math'?");
  const Outcome labels = Retort({"score", file, "--label", "a,b"});
  EXPECT_EQ(labels.code, 1);
  ExpectContains(labels.err, "label");
}

TEST_F(ScoreTest, OptionsReachTheVerifier) {
  const std::string file = Write("a.jsonl", Row("1", "<think>x</think><answer>1</answer>"));
  EXPECT_EQ(Retort({"score", file, "--verifier", "format", "--json"}).json()["right"], 1);
  const Outcome outcome = Retort({"score", file, "--option", "no_such_option=1"});
  EXPECT_EQ(outcome.code, 1);
  ExpectContains(outcome.err, "no_such_option");
}

TEST_F(ScoreTest, ExtractionIsAnOption) {
  const std::string file = Write("a.jsonl", Row("1", "it must be 1 in the end"));
  EXPECT_EQ(Retort({"score", file, "--json"}).json()["right"], 1);
  const Outcome outcome = Retort({"score", file, "--option", "extraction=announced", "--json"});
  EXPECT_EQ(outcome.json()["right"], 0);
}

TEST_F(ScoreTest, CompareListsWhatWasJudgedOtherwise) {
  const std::string file =
      Write("a.jsonl", Row("1", "it must be 1 in the end") + Row("2", "#### 2") +
                           Row("3", "#### 4") + Row("4", "so #### 4"));
  const std::string earlier = folder_ / "earlier", out = folder_ / "out";
  ASSERT_EQ(
      Retort({"score", file, "--option", "extraction=announced", "--out", earlier, "--limit", "3"})
          .code,
      0);
  const Outcome outcome = Retort({"score", file, "--compare", earlier, "--out", out, "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json compare = outcome.json()["compare"];
  EXPECT_EQ(compare["rows"], 3);
  EXPECT_EQ(compare["agreeing"], 2);
  EXPECT_EQ(compare["changes"], Json({{"wrong", {{"right", 1}}}}));
  EXPECT_EQ(compare["only_here"], 1);
  EXPECT_EQ(compare["only_there"], 0);
  ASSERT_EQ(compare["disagreements"].size(), 1u);
  EXPECT_EQ(compare["disagreements"][0]["row"], 1);
  EXPECT_EQ(compare["disagreements"][0]["before"], "wrong");
  EXPECT_EQ(compare["disagreements"][0]["verdict"], "right");
  EXPECT_EQ(Rows(out).at(0)["before"], "wrong");
  EXPECT_FALSE(Rows(out).at(3).contains("before"));

  const Outcome table = Retort({"score", file, "--compare", earlier});
  ExpectContains(table.out, "only here");
  ExpectContains(table.out, "last-number");
  EXPECT_FALSE(Retort({"score", file, "--json"}).json().contains("compare"));
}

TEST_F(ScoreTest, CompareMatchesResponsesAndSkipsBadLines) {
  const std::string file = Write("a.jsonl", std::string("{\n") +
                                                R"({"answer": 5, "response": ["#### 5", "#### 6"]})"
                                                "\n" +
                                                Row("1", "#### 1"));
  const std::string earlier = Write("earlier", R"({"row": 1, "error": "bad"})"
                                               "\n"
                                               R"({"row": 2, "response": 1, "verdict": "right"})"
                                               "\n"
                                               R"({"row": 9, "verdict": "right"})"
                                               "\n");
  const Json compare = Retort({"score", file, "--compare", earlier, "--json"}).json()["compare"];
  EXPECT_EQ(compare["rows"], 1);
  EXPECT_EQ(compare["changes"], Json({{"right", {{"wrong", 1}}}}));
  EXPECT_EQ(compare["only_here"], 2);
  EXPECT_EQ(compare["only_there"], 1);
}

TEST_F(ScoreTest, CompareRefusesWhatIsNoVerdict) {
  const std::string file = Write("a.jsonl", Row("1", "#### 1"));
  const Outcome rows = Retort({"score", file, "--compare", file});
  EXPECT_EQ(rows.code, 1);
  ExpectContains(rows.err, "a.jsonl:1");
  ExpectContains(rows.err, "--out");
  const Outcome order = Retort({"score", file, "--compare",
                                Write("earlier", R"({"row": 2, "verdict": "right"})"
                                                 "\n"
                                                 R"({"row": 1, "verdict": "right"})"
                                                 "\n"
                                                 R"({"row": 1, "verdict": "right"})"
                                                 "\n")});
  EXPECT_EQ(order.code, 1);
  ExpectContains(order.err, "order");
}

TEST_F(ScoreTest, ExplainShowsEveryStep) {
  const Outcome outcome = Retort({"score", "--explain", "--gold", "$\\frac{2}{4}$",
                                  "--response-text", "so it is $\\boxed{0.5}$."});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part :
       {"$\\frac{2}{4}$  (whole)", "0.5  (boxed)", "verdict     right", "/boxed", "reads as"}) {
    ExpectContains(outcome.out, part);
  }
  const std::vector<std::string> pair{
      "score", "--explain", "--gold", "4", "--response-text", "I say 4 and nothing else", "--json"};
  EXPECT_EQ(Retort(pair).json()["answer"]["rule"], "last-number");
  EXPECT_EQ(Retort(pair).json()["verdict"], "right");
  std::vector<std::string> announced = pair;
  announced.insert(announced.end(), {"--option", "extraction=announced"});
  EXPECT_TRUE(Retort(announced).json()["answer"].is_null());
  EXPECT_EQ(Retort(announced).json()["reason"], "no-answer");
  std::vector<std::string> format = pair;
  format.insert(format.end(), {"--verifier", "format"});
  EXPECT_EQ(Retort(format).json()["reason"], "no-think");
}

TEST_F(ScoreTest, ProbePaysNoCheat) {
  const Outcome outcome =
      Retort({"score", "--probe", "--option", "extraction=announced", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_EQ(outcome.json()["paid"], 0);
  EXPECT_GE(outcome.json()["forms"].size(), 5u);
  EXPECT_GE(outcome.json()["probes"].size(), 40u);
  const Outcome gold =
      Retort({"score", "--probe", "--gold", "\\frac{3}{7}", "--option", "extraction=announced"});
  EXPECT_EQ(gold.code, 0) << gold.out;
  ExpectContains(gold.out, "0 of ");
  EXPECT_EQ(gold.out.find("PAID"), std::string::npos);
}

TEST_F(ScoreTest, ProbeTellsWhatIsPaid) {
  // Reading what others wrote is no reason to pay for a number that is only mentioned.
  const Outcome any = Retort({"score", "--probe"});
  EXPECT_EQ(any.code, 0) << any.out;
  ExpectContains(any.out, "mentioned, not answered");
  EXPECT_EQ(any.out.find("PAID"), std::string::npos);
  // A format is no answer.
  ExpectContains(Retort({"score", "--probe", "--verifier", "format"}).out, "PAID");
  const Outcome format = Retort({"score", "--probe", "--verifier", "format", "--json"});
  EXPECT_EQ(format.code, 1);
  EXPECT_GT(format.json()["paid"], 5);
  // Both together: every judge has to agree.
  const Outcome panel = Retort({"score", "--probe", "--json", "--panel",
                                R"([{"verifier": "math", "options": {"extraction": "answer_tag"}},
                  {"verifier": "format", "weight": 0.1}])"});
  EXPECT_EQ(panel.code, 0) << panel.out;
  EXPECT_EQ(panel.json()["paid"], 0);
  // A judge that pays nothing has not been tried.
  const Outcome none = Retort({"score", "--probe", "--verifier", "countdown"});
  EXPECT_EQ(none.code, 1);
  ExpectContains(none.out, "No form");
}

TEST_F(ScoreTest, FlagsThatDoNotGoTogether) {
  const std::string file = Write("a.jsonl", Row("1", "#### 1"));
  for (const std::vector<std::string>& flags : std::vector<std::vector<std::string>>{
           {},
           {file, "--probe"},
           {file, "--gold", "1"},
           {file, "--response-text", "1"},
           {file, "--panel", "[]"},
           {"--explain", "--gold", "1"},
           {"--explain", "--response-text", "1"},
           {"--explain", "--probe", "--gold", "1", "--response-text", "1"}}) {
    std::vector<std::string> all{"score"};
    all.insert(all.end(), flags.begin(), flags.end());
    EXPECT_EQ(Retort(all).code, 2) << Join(all, " ");
  }
}

TEST_F(ScoreTest, CtrlCLeavesNothingBehind) {
  // A pipe that stays open keeps the program waiting for more rows.
  const std::string fifo = folder_ / "rows.jsonl";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const std::string out = folder_ / "out";
  const pid_t pid = Start({"score", fifo, "--out", out});
  std::signal(SIGPIPE, SIG_IGN);  // it may be gone before the last row
  {
    std::ofstream rows(fifo);  // opens once the program has opened its end: the handler is set
    ASSERT_EQ(kill(pid, SIGINT), 0);
    for (int i = 0; i < 1000; ++i) rows << Row("1", "#### 1");
  }
  const Outcome outcome = Wait(pid);
  EXPECT_EQ(outcome.code, 130);
  ExpectContains(outcome.err, "interrupted");
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(ScoreTest, PublishedModelSolutionsAgreeWithTheirLabels) {
  const auto data = std::filesystem::path(RETORT_SOURCE_DIR) /
                    "../shared/data/gsm8k_example_model_solutions.jsonl";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "the data is not at hand";
  const Outcome outcome =
      Retort({"score", data.string(), "--answer", "ground_truth", "--response",
              "6b_finetuning.solution,6b_verification.solution,175b_finetuning.solution,"
              "175b_verification.solution",
              "--label",
              "6b_finetuning.is_correct,6b_verification.is_correct,175b_finetuning.is_correct,"
              "175b_verification.is_correct",
              "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["rows"], 1319);
  EXPECT_EQ(outcome.json()["responses"], 5276);
  EXPECT_GE(outcome.json()["agreement"].get<double>(), 0.995);
}

}  // namespace
}  // namespace retort::cli::score_test
