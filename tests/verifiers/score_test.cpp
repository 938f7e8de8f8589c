#include "verifiers/score.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/options.h"
#include "verifiers/registry.h"

namespace retort::verifiers::score_test {
namespace {

std::vector<ScoredResponse> Score(const Json& row, const ScoreOptions& options,
                                  const std::string& verifier = "math") {
  return ScoreRow(row, 7, "file.jsonl:7", options, *MakeVerifier(verifier, Json::object(), "test"));
}

std::string ErrorOf(const Json& row, const ScoreOptions& options) {
  try {
    Score(row, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Score, OneResponseGivesTheDocumentedObject) {
  const auto scored = Score(Json{{"answer", "18"}, {"response", "\\boxed{18.0}"}}, {});
  ASSERT_EQ(scored.size(), 1u);
  EXPECT_EQ(ToJson(scored[0], false).dump(),
            R"({"row":7,"verdict":"right","score":1.0,"reason":"equal/number/boxed",)"
            R"("extracted":"18.0","normal_form":"18","gold_normal_form":"18"})");
  EXPECT_EQ(ToJson(scored[0], true)["response"], 0);
}

TEST(Score, UnjudgedHasNoScore) {
  const auto scored = Score(Json{{"answer", ""}, {"response", "A: 1"}}, {});
  EXPECT_EQ(ToJson(scored[0], false)["verdict"], "unjudged");
  EXPECT_TRUE(ToJson(scored[0], false)["score"].is_null());
}

TEST(Score, ColumnsListsAndPaths) {
  const Json row{{"gold", 18},
                 {"a.b", "A: 17"},
                 {"a", {{"b", "not this one: the whole key wins"}, {"c", "A: 18"}}},
                 {"many", {"A: 18", "A: 19", ""}},
                 {"ok", {true, true, false}},
                 {"no", false}};
  ScoreOptions options;
  options.answer = "gold";
  options.response = {"a.b", "a.c", "many"};
  options.label = {"no", "no", "ok"};
  const auto scored = Score(row, options);
  ASSERT_EQ(scored.size(), 5u);
  ScoreSummary summary;
  summary.rows = 1;
  for (size_t i = 0; i < scored.size(); ++i) {
    EXPECT_EQ(scored[i].response, static_cast<int64_t>(i));
    summary.Add(scored[i]);
  }
  EXPECT_EQ(scored[0].verdict.extracted, "17");
  EXPECT_EQ(scored[4].verdict.reason, "no-answer");
  // Right: a.c and many[0]. Agreeing: a.b, many[0], many[2].
  Json json = summary.ToJson();
  EXPECT_GT(json["slowest"]["seconds"].get<double>(), 0);
  EXPECT_GE(json["judging_seconds"], json["slowest"]["seconds"]);
  json.erase("slowest");
  json.erase("judging_seconds");
  EXPECT_EQ(json.dump(),
            R"({"rows":1,"responses":5,"right":2,"wrong":3,"unjudged":0,"unjudged_share":0.0,)"
            R"("accuracy":0.4,"agreement":0.6})");
}

TEST(Score, FirstOfSeveralColumnsAndNoAnswer) {
  ScoreOptions options;
  options.response = {"response|program"};
  const Json row{{"answer", 1}, {"program", "A: 1"}};
  EXPECT_EQ(Score(row, options)[0].verdict.extracted, "1");
  EXPECT_EQ(Score(Json{{"answer", 1}, {"program", "A: 1"}, {"response", "A: 2"}}, options)[0]
                .verdict.extracted,
            "2");
  EXPECT_TRUE(Contains(ErrorOf(Json{{"answer", 1}}, options), "'response', 'program'"));
  options.answer = "";
  EXPECT_EQ(Score(row, options)[0].verdict.reason, "bad-gold");
}

TEST(Score, UnjudgedCountsAsFalse) {
  ScoreSummary summary;
  const Verdict unjudged{VerdictStatus::kUnjudged, 0, "bad-gold", ""};
  summary.Add({.row = 1, .verdict = unjudged, .label = false, .seconds = 0.25});
  summary.Add({.row = 2, .response = 3, .verdict = unjudged, .label = true, .seconds = 0.5});
  summary.Add({.row = 3, .verdict = unjudged, .label = {}, .seconds = 0.125});
  EXPECT_EQ(summary.ToJson().dump(),
            R"({"rows":0,"responses":3,"right":0,"wrong":0,"unjudged":3,"unjudged_share":1.0,)"
            R"("accuracy":null,"agreement":0.5,)"
            R"("slowest":{"row":2,"response":3,"seconds":0.5},"judging_seconds":0.875})");
  EXPECT_TRUE(ScoreSummary{}.ToJson()["agreement"].is_null());
}

TEST(Score, OtherColumnsReachTheVerifier) {
  const Json row{{"answer", ""}, {"response", "A: 3*8"}, {"numbers", {3, 8}}, {"target", 24}};
  EXPECT_EQ(Score(row, {}, "countdown")[0].verdict.status, VerdictStatus::kRight);
}

TEST(Score, MistakesNameThePlaceAndTheNearestColumn) {
  const Json row{{"answer", "1"},
                 {"response", "A: 1"},
                 {"maybe", "perhaps"},
                 {"nested", {{"solution", "A: 1"}}}};
  ScoreOptions options;
  options.response = {"responses"};
  EXPECT_TRUE(Contains(ErrorOf(row, options), "file.jsonl:7: no column 'responses'"));
  EXPECT_TRUE(Contains(ErrorOf(row, options), "Did you mean 'response'?"));
  options.response = {"nested.solutoin"};
  EXPECT_TRUE(Contains(ErrorOf(row, options), "Did you mean 'solution'?"));
  options.response = {"response.solution"};
  EXPECT_TRUE(Contains(ErrorOf(row, options), "no column"));
  options.response = {"nested"};
  EXPECT_TRUE(Contains(ErrorOf(row, options), "column 'nested' is object"));
  options.response = {"response"};
  options.label = {"maybe"};
  EXPECT_TRUE(Contains(ErrorOf(row, options), "expected true or false"));
  options.label = {"a", "b"};
  EXPECT_TRUE(Contains(ErrorOf(row, options), "got 2 columns for 1"));
  options = {};
  options.answer = "nested";
  EXPECT_TRUE(Contains(ErrorOf(row, options), "text or a number"));
  EXPECT_TRUE(Contains(ErrorOf(Json::array(), {}), "expected an object"));
  options = {};
  options.label = {"ok"};
  EXPECT_TRUE(Contains(
      ErrorOf(Json{{"answer", "1"}, {"response", {"A: 1", "A: 2"}}, {"ok", {true}}}, options),
      "1 labels for 2 responses"));
}

TEST(Score, OptionsReadFromJson) {
  ScoreOptions options;
  ReadOptions(Json{{"answer", "g"}, {"response", {"a", "b"}}, {"label", {"c", "d"}}}, "t", options);
  EXPECT_EQ(options.answer, "g");
  EXPECT_EQ(options.response, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.label, (std::vector<std::string>{"c", "d"}));
}

}  // namespace
}  // namespace retort::verifiers::score_test
