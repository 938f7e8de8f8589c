#include <gtest/gtest.h>

#include "base/random.h"
#include "base/strings.h"
#include "verifiers/registry.h"
#include "verifiers/simple/internal/expression.h"

namespace retort::verifiers::countdown_test {
namespace {

std::string Reason(const std::string& answer, const Json& options = Json::object()) {
  Problem problem;
  problem.extra = Json{{"numbers", {3, 5, 5, 8}}, {"target", 24}};
  const Verdict verdict =
      MakeVerifier("countdown", options, "test")->Judge({.text = answer, .problem = problem});
  const bool right = verdict.reason.starts_with("equal/");
  EXPECT_EQ(verdict.status == VerdictStatus::kRight, right) << answer;
  EXPECT_EQ(verdict.score, right ? 1 : 0);
  return verdict.reason;
}

std::string Tagged(const std::string& expression) {
  return Reason("<answer>" + expression + "</answer>");
}

TEST(Countdown, AcceptsWhatMakesTheTarget) {
  for (const char* expression :
       {"3*8", "8*3", "3 \u00d7 8", "$3 \\times 8$", "\\boxed{3\\cdot8}", "(5-5)+3*8", "-(-3)*8",
        "[8]*(3)", "8*3 = 24", "8*3*5/5", "5/5*8*3", "8/(5/5)*3", "8*\\left(3\\right)"}) {
    EXPECT_EQ(Tagged(expression), "equal/answer-tag") << expression;
  }
}

TEST(Countdown, NamesTheFault) {
  EXPECT_EQ(Tagged("3+8"), "different/answer-tag");
  EXPECT_EQ(Tagged("24"), "other-numbers");
  EXPECT_EQ(Tagged("3*8+5-5+3-3"), "other-numbers");  // 3 three times
  EXPECT_EQ(Tagged("8*3 = 25"), "different/answer-tag");
  EXPECT_EQ(Tagged("8+3 = 24"), "different/answer-tag");
  EXPECT_EQ(Tagged("8*3 = 24 = 24"), "malformed");
  EXPECT_EQ(Tagged("8/(5-5)*3"), "division-by-zero");
  EXPECT_EQ(Tagged("9999*(5-5)/(5-5)"), "other-numbers");
  for (const char* expression :
       {"8**3", "8*", "(8*3", "8*3)", "8 3", "8^3", "eight*3", "()", "8*3!", "8*3.0",
        "99999999999999999999", "3*8 or 5*5", "__import__"}) {
    EXPECT_EQ(Tagged(expression), "malformed") << expression;
  }
  EXPECT_EQ(Reason("no idea"), "no-answer");
}

TEST(Countdown, ExtractionIsAnOption) {
  EXPECT_EQ(Reason("\\boxed{3*8}"), "equal/boxed");
  EXPECT_EQ(Reason("\\boxed{3*8}", Json{{"extraction", "answer_tag"}}), "no-answer");
  EXPECT_EQ(Reason("The answer is 3*8."), "equal/phrase");
}

TEST(Countdown, UsingEveryNumberIsAnOption) {
  EXPECT_EQ(Reason("A: 3*8"), "equal/phrase");
  EXPECT_EQ(Reason("A: 3*8", Json{{"use_all", true}}), "unused-numbers");
  EXPECT_EQ(Reason("A: 3*8+5-5", Json{{"use_all", true}}), "equal/phrase");
}

TEST(Countdown, WhatIsTooLargeIsWrong) {
  Problem problem;
  problem.extra = {{"numbers", {9223372036854775807, 3, 5}}, {"target", 8}};
  const Verdict verdict =
      MakeVerifier("countdown", Json::object(), "test")
          ->Judge({.text = "<answer>9223372036854775807*3*5</answer>", .problem = problem});
  EXPECT_EQ(verdict.status, VerdictStatus::kWrong);
  EXPECT_EQ(verdict.reason, "too-large");
}

TEST(Countdown, AProblemWithoutNumbersIsUnjudged) {
  const Problem problem;
  const Verdict verdict = MakeVerifier("countdown", Json::object(), "test")
                              ->Judge({.text = "<answer>1</answer>", .problem = problem});
  EXPECT_EQ(verdict.status, VerdictStatus::kUnjudged);
  EXPECT_EQ(verdict.reason, "bad-gold");
}

TEST(Expression, PrecedenceAndExactDivision) {
  EXPECT_EQ(EvaluateExpression("2+3*4-6/2").value, (Fraction{11, 1}));
  EXPECT_EQ(EvaluateExpression("1/3+1/6").value, (Fraction{1, 2}));
  EXPECT_EQ(EvaluateExpression("1-2-3").value, (Fraction{-4, 1}));
  EXPECT_EQ(EvaluateExpression("12/3/2").value, (Fraction{2, 1}));
  EXPECT_EQ(EvaluateExpression("1/(-3)").value, (Fraction{-1, 3}));
  EXPECT_EQ(EvaluateExpression("8/(3-8/3)").value, (Fraction{24, 1}));
}

TEST(Expression, OverflowAndDepthAreReported) {
  EXPECT_EQ(EvaluateExpression("9223372036854775807*3").status, ExpressionStatus::kTooLarge);
  EXPECT_EQ(EvaluateExpression("9223372036854775807+1").status, ExpressionStatus::kTooLarge);
  EXPECT_EQ(EvaluateExpression("1/9223372036854775807/9").status, ExpressionStatus::kTooLarge);
  const std::string open(63, '('), close(63, ')');
  EXPECT_EQ(EvaluateExpression(open + "1" + close).value, (Fraction{1, 1}));
  EXPECT_EQ(EvaluateExpression("((" + open + "1" + close + "))").status,
            ExpressionStatus::kMalformed);
  EXPECT_EQ(EvaluateExpression(StrCat(std::string(1000, '-'), 1)).status,
            ExpressionStatus::kMalformed);
}

// Random trees: the value computed while the text is built is the value read back.
TEST(Expression, ReadsBackRandomTrees) {
  RandomStream random({.seed = 1, .purpose = "countdown-test"});
  for (int i = 0; i < 300; ++i) {
    std::string text = std::to_string(random.Between(1, 20));
    int64_t value = std::stoll(text);
    for (int step = 0; step < 5; ++step) {
      const int64_t next = random.Between(1, 20);
      switch (random.Below(3)) {
        case 0:
          text = "(" + text + ") + " + std::to_string(next);
          value += next;
          break;
        case 1:
          text = std::to_string(next) + "-(" + text + ")";
          value = next - value;
          break;
        default:
          text = "(" + text + ")*" + std::to_string(next);
          value *= next;
      }
    }
    EXPECT_EQ(EvaluateExpression(text).value, (Fraction{value, 1})) << text;
  }
}

}  // namespace
}  // namespace retort::verifiers::countdown_test
