#include "verifiers/score_columns.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "verifiers/registry.h"
#include "verifiers/score.h"

namespace retort::verifiers::score_columns_test {
namespace {

using Texts = std::vector<std::string>;

Texts Responses(const char* json) {
  return ResponseTexts({{"c", ParseJson(json, "j")}}, "c", "f:1");
}
std::string ResponseError(const char* json) {
  return ErrorOf([&] { Responses(json); });
}
bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ScoreColumns, PathsReachIntoObjectsAndLists) {
  const Json row = ParseJson(R"({"a": [{"b": "zero"}, {"b": "one"}], "a.0.b": "whole", "x.y":
    {"z": 1}, "x": {"y": {"w": 2}}, "list": [7, 8, 9], "o": {"0": "key"}})",
                             "j");
  EXPECT_EQ(*FindColumn(row, "a.1.b"), "one");
  EXPECT_EQ(*FindColumn(row, "a.-1.b"), "one");
  EXPECT_EQ(*FindColumn(row, "a.0.b"), "whole");
  EXPECT_EQ(*FindColumn(row, "a.-2.b"), "zero");
  EXPECT_EQ(*FindColumn(row, "x.y.z"), 1);
  EXPECT_EQ(*FindColumn(row, "x.y.w"), 2);
  EXPECT_EQ(*FindColumn(row, "list.2"), 9);
  EXPECT_EQ(*FindColumn(row, "o.0"), "key");
  for (const char* absent : {"list.3", "list.-4", "list.", "list.1x", "a.b", "o.0.1", "", "list.+1",
                             "list.99999999999999999999"}) {
    EXPECT_EQ(FindColumn(row, absent), nullptr) << absent;
  }
  EXPECT_TRUE(Has(ErrorOf([&] { Column(row, "list.3", "f:1"); }), "a list of 3 entries"));
  EXPECT_EQ(Column(row, "none|a.1.b|list", "f:1"), "one");
}

TEST(ScoreColumns, AMessageListsABoundedNumberOfNames) {
  Json row = Json::object();
  for (int i = 0; i < 10000; ++i) row[StrCat(i, std::string(1000, 'x'))] = i;
  for (const char* names : {"answer", "answer|solution", "deep.answer"}) {
    const std::string said = ErrorOf([&] {
                               Column({{"deep", row}}, names, "f:1");
                             }) +
                             ErrorOf([&] { Column(row, names, "f:1"); });
    EXPECT_NE(said.find("Present: "), std::string::npos);
    EXPECT_NE(said.find("(9980 more)"), std::string::npos);
    EXPECT_LT(said.size(), 4000u);
  }
}

TEST(ScoreColumns, ResponsesAreScalarsOrListsOfThem) {
  EXPECT_EQ(Responses(R"("text")"), Texts{"text"});
  EXPECT_EQ(Responses("18"), Texts{"18"});
  EXPECT_EQ(Responses("true"), Texts{"true"});
  EXPECT_EQ(Responses("null"), Texts{""});
  EXPECT_EQ(Responses(R"(["a", 1.5, false, null])"), (Texts{"a", "1.5", "false", ""}));
  EXPECT_EQ(Responses("[]"), Texts{});
  for (const char* bad : {R"({"a": 1})", R"([["a"]])", R"([{"role": "user"}])"}) {
    EXPECT_TRUE(Has(ResponseError(bad), "f:1: column 'c' is ")) << bad;
  }
}

TEST(ScoreColumns, AConversationMeansItsLastAssistantTurn) {
  EXPECT_EQ(Responses(R"([{"role":"user","content":"q"},{"role":"assistant","content":"one"},
                          {"role":"assistant","content":"two"},{"role":"tool","content":"t"}])"),
            Texts{"two"});
  EXPECT_EQ(Responses(R"([{"role":"assistant","content":[{"type":"text","text":"a"},
                          {"type":"image_url","image_url":{}},{"type":"text","text":"b"}]}])"),
            Texts{"ab"});
  EXPECT_EQ(Responses(R"([{"role":"assistant","content":null,"tool_calls":[]}])"), Texts{""});
  EXPECT_EQ(Responses(R"([[{"role":"assistant","content":"a"}],
                          [{"role":"assistant","content":"b"}]])"),
            (Texts{"a", "b"}));
  EXPECT_EQ(Responses(R"({"role":"assistant","content":"single"})"), Texts{"single"});
  EXPECT_TRUE(Has(ResponseError(R"([{"role":"user","content":"q"}])"), "role 'assistant'"));
}

// As OpenAI's batches write them: what was never answered is not answered wrongly.
TEST(ScoreColumns, AFailedRequestHasNoAnswer) {
  const char* refused = R"({"status_code":400,"body":{"error":{"message":"too long"}}})";
  EXPECT_TRUE(Has(ResponseError(refused), "f:1: the request failed (too long)"));
  EXPECT_TRUE(Has(ResponseError(R"({"response":null,"error":{"code":"x"}})"), "failed ({\"code"));
  const Json expired = ParseJson(R"({"c": null, "error": {"code": "batch_expired"}})", "j");
  EXPECT_TRUE(Has(ErrorOf([&] { ResponseTexts(expired, "c", "f:1"); }), "batch_expired"));
  EXPECT_EQ(ResponseTexts({{"c", nullptr}, {"error", nullptr}}, "c", "f:1"), Texts{""});
}

TEST(ScoreColumns, AnOpenAiCompletionMeansItsChoices) {
  const std::string choices =
      R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"a"}},
          {"index":1,"message":{"role":"assistant","content":null}},{"text":"c"}]})";
  const Texts expected{"a", "", "c"};
  EXPECT_EQ(Responses(choices.c_str()), expected);
  EXPECT_EQ(Responses(("{\"status_code\":200,\"body\":" + choices + "}").c_str()), expected);
  EXPECT_EQ(Responses(("{\"response\":{\"body\":" + choices + "},\"error\":null}").c_str()),
            expected);
  EXPECT_EQ(Responses(R"([{"message":{"content":"a"}},{"message":{"content":"b"}}])"),
            (Texts{"a", "b"}));
}

TEST(ScoreColumns, LabelsComeInSeveralSpellings) {
  const auto labels = [](const char* json) { return Labels(ParseJson(json, "j"), "c", "f:1"); };
  EXPECT_EQ(labels(R"([true, 1, 1.0, "true", "True", " YES ", "1"])"),
            std::vector<std::optional<bool>>(7, true));
  EXPECT_EQ(labels(R"([false, 0, "false", "No", "0"])"),
            std::vector<std::optional<bool>>(5, false));
  EXPECT_EQ(labels(R"([null, ""])"), std::vector<std::optional<bool>>(2));
  EXPECT_EQ(labels("1"), std::vector<std::optional<bool>>{true});
  for (const char* bad : {"2", "0.5", "\"maybe\"", "{}"}) {
    EXPECT_TRUE(Has(ErrorOf([&] { labels(bad); }), "f:1: column 'c' is ")) << bad;
  }
}

TEST(ScoreColumns, GoldsAreScalarsOrListsOfWhichAnyWillDo) {
  const auto golds = [](const char* json) { return AnswerTexts(ParseJson(json, "j"), "c", "f:1"); };
  EXPECT_EQ(golds("18"), Texts{"18"});
  EXPECT_EQ(golds("true"), Texts{"true"});
  EXPECT_EQ(golds(R"(["1", 2, false])"), (Texts{"1", "2", "false"}));
  for (const char* bad : {"null", "[]", "{}", "[[1]]"}) {
    EXPECT_TRUE(Has(ErrorOf([&] { golds(bad); }), "text or a number")) << bad;
  }
}

TEST(ScoreColumns, NumbersCompareAsTheirTextOrNotAtAll) {
  const auto gold = [](const char* json) {
    return AnswerTexts(ParseJson(json, "j"), "c", "f:1").at(0);
  };
  EXPECT_EQ(gold("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(gold("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(gold("0.1"), "0.1");
  EXPECT_EQ(gold("6.02e23"), "6.02e+23");
  EXPECT_EQ(gold("\"12345678901234567890123\""), "12345678901234567890123");
  EXPECT_EQ(gold("12345678901234567890123"), "12345678901234567890123");
  EXPECT_EQ(gold("-12345678901234567890123"), "-12345678901234567890123");
  EXPECT_TRUE(Has(ErrorOf([&] { gold("12345678901234567.25"); }), "write it as text"));
}

TEST(ScoreColumns, AnyOfSeveralGoldsMakesAResponseRight) {
  const auto math = MakeVerifier("math", Json::object(), "t");
  const auto status = [&](const char* golds, const char* text) {
    const Json row{{"answer", ParseJson(golds, "g")}, {"response", text}};
    return ScoreRow(row, 1, "f:1", {}, *math).at(0).verdict.status;
  };
  EXPECT_EQ(status("[1, 2]", "A: 2"), VerdictStatus::kRight);
  EXPECT_EQ(status("[1, 2]", "A: 3"), VerdictStatus::kWrong);
  EXPECT_EQ(status(R"(["", 2])", "A: 2"), VerdictStatus::kRight);
  EXPECT_EQ(status(R"([2, ""])", "A: 3"), VerdictStatus::kUnjudged);
  EXPECT_EQ(status("true", "The answer is True"), VerdictStatus::kRight);
  EXPECT_EQ(status("true", "The answer is false"), VerdictStatus::kWrong);
}

TEST(ScoreColumns, KeptAndGroupingColumnsMayBeAbsent) {
  ScoreOptions options;
  options.keep = {"id", "meta.split", "none"};
  options.by = {"id", "none", "nothing"};
  const ScoreTask task = ReadScoreTask({{"answer", 1},
                                        {"response", "1"},
                                        {"id", 7},
                                        {"meta", {{"split", "a"}}},
                                        {"nothing", nullptr}},
                                       "f:1", options);
  EXPECT_EQ(task.kept.dump(), R"({"id":7,"meta.split":"a","none":null})");
  EXPECT_EQ(task.groups, (Texts{"7", "(none)", "(none)"}));
}

NamedVerdict Named(VerdictStatus status) {
  return {"v", {.status = status, .score = 1, .reason = "r", .extracted = "e"}};
}

TEST(ScoreJudges, SeveralVerdictsAreWrongThenUnjudgedThenRight) {
  using enum VerdictStatus;
  const auto joint = [](std::vector<NamedVerdict> verdicts) {
    return JoinVerdicts(std::move(verdicts), 0.75).verdict;
  };
  EXPECT_EQ(joint({Named(kRight), Named(kRight)}).status, kRight);
  EXPECT_EQ(joint({Named(kRight), Named(kRight)}).score, 0.75);
  EXPECT_EQ(joint({Named(kRight), Named(kUnjudged)}).status, kUnjudged);
  EXPECT_EQ(joint({Named(kUnjudged), Named(kWrong), Named(kRight)}).status, kWrong);
  EXPECT_EQ(joint({Named(kRight), Named(kWrong)}).reason, "v: r; v: r");
  EXPECT_EQ(joint({Named(kRight)}).reason, "r");
}

TEST(ScoreJudges, WhatIsWrittenIsReadBack) {
  ScoredResponse scored{.row = 3, .response = 2, .verdict = Named(VerdictStatus::kWrong).verdict};
  scored.judges = {Named(VerdictStatus::kWrong), Named(VerdictStatus::kUnjudged)};
  const Json json = ToJson(scored, true);
  EXPECT_EQ(ToJson(ScoredFromJson(json, "f:1"), true), json);
  EXPECT_TRUE(Has(ErrorOf([] { ScoredFromJson(Json{{"row", 1}}, "f:1"); }), "f:1: no verdict"));
}

TEST(ScoreGroups, NumbersStandInTheirOrderAndGroupsAreBounded) {
  ScoreGroups groups;
  const ScoredResponse right{.verdict = Named(VerdictStatus::kRight).verdict};
  for (const char* value : {"b", "10", "9", "a", "2"}) groups.Add(value, right);
  Texts names;
  for (const auto& [name, counts] : groups.Sorted()) names.push_back(name);
  EXPECT_EQ(names, (Texts{"2", "9", "10", "a", "b"}));
  for (int i = 0; i < 2000; ++i) groups.Add(std::to_string(i), right);
  const auto sorted = groups.Sorted();
  ASSERT_EQ(sorted.size(), 1001u);
  EXPECT_EQ(sorted.back().first, "(other)");
  int64_t total = 0;
  for (const auto& [name, counts] : sorted) total += counts.right;
  EXPECT_EQ(total, 2005);
}

}  // namespace
}  // namespace retort::verifiers::score_columns_test
