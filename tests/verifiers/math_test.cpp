// Verdicts of "math" by class of answer. The response boxes the answer unless a case says
// otherwise.

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/strings.h"
#include "verifiers/math/internal/parse.h"
#include "verifiers/registry.h"
#include "verifiers/text/extract.h"

namespace retort::verifiers::math_test {
namespace {

Verdict Judge(const std::string& gold, const std::string& text,
              const Json& options = Json::object()) {
  Problem problem;
  problem.answer = gold;
  return MakeVerifier("math", options, "test")->Judge({.text = text, .problem = problem});
}

Verdict JudgeBoxed(const std::string& gold, const std::string& answer,
                   const Json& options = Json::object()) {
  return Judge(gold, "so \\boxed{" + answer + "}.", options);
}

struct Case {
  const char* gold;
  const char* answer;
  bool right;
};

void Check(std::initializer_list<Case> cases) {
  for (const auto& [gold, answer, right] : cases) {
    const Verdict verdict = JudgeBoxed(gold, answer);
    EXPECT_EQ(verdict.status, right ? VerdictStatus::kRight : VerdictStatus::kWrong)
        << gold << " | " << answer << " | " << verdict.reason;
    EXPECT_EQ(verdict.score, right ? 1 : 0);
    const std::string word = verdict.reason.substr(0, verdict.reason.find('/'));
    EXPECT_TRUE(right ? word == "equal" || word == "agrees" : word == "different")
        << gold << " | " << answer << " | " << verdict.reason;
    EXPECT_TRUE(verdict.reason.ends_with("/boxed")) << verdict.reason;
  }
}

TEST(Math, Integers) {
  Check({{"18", "18", true},
         {"18", "19", false},
         {"18", "+18", true},
         {"18", "-18", false},
         {"-18", "-18", true},
         {"-18", "- 18", true},
         {"-18", "\u221218", true},
         {"0", "-0", true},
         {"7", "007", true},
         {"70", "7", false},
         {"18", " 18. ", true},
         {"18", "(18)", true},
         {"18", "{18}", true},
         {"18", "1 8", false},
         {"18", "--18", false},
         {"18", "\uFF11\uFF18", true},
         {"18", "eighteen", true},
         {"123456789012345678901234567890", "123456789012345678901234567890", true},
         {"123456789012345678901234567890", "123456789012345678901234567891", false},
         {"9007199254740993", "9007199254740992", false}});
}

// Letters that the reader of formulas does not know are a wrong answer, or the right text.
TEST(Math, OtherScripts) {
  Check({{"37", "不知道", false},
         {"37", "é", false},
         {"37", "\xad", false},
         {"不知道", "不知道", true},
         {"北京", "上海", false}});
}

TEST(Math, Decimals) {
  Check({{"0.5", ".5", true},
         {"0.5", "0.50", true},
         {"0.5", "1/2", true},
         {"18", "18.0", true},
         {"18", "18.00", true},
         {"18", "18.01", false},
         {"18", "17.999999999999999999", true},  // six places count
         {"18", "17.99999", false},
         {"0.1", "0.10000000000000000555", true},
         {"0.1", "0.10001", false},
         {"-0.25", "-1/4", true},
         {".0000672", "0.0000672", true},
         {"0.333", "1/3", false},
         {"1.5", "1.5.0", false}});
}

TEST(Math, Fractions) {
  Check({{"1/2", "2/4", true},
         {"1/2", "\\frac{1}{2}", true},
         {"1/2", "\\dfrac{1}{2}", true},
         {"1/2", "\\tfrac12", true},
         {"1/2", "\\cfrac 1 2", true},
         {"1/2", "\\frac1{2}", true},
         {"1/2", "\\frac{1}2", true},
         {"1/2", "\\frac{ 1 }{ 2 }", true},
         {"1/2", "\\left(\\frac{1}{2}\\right)", true},
         {"-1/2", "-\\frac{1}{2}", true},
         {"-1/2", "\\frac{-1}{2}", true},
         {"-1/2", "\\frac{1}{-2}", true},
         {"1/2", "\\frac{-1}{-2}", true},
         {"1/2", "1 / 2", true},
         {"1/2", "1/3", false},
         {"1/2", "2/1", false},
         {"1/2", "12", false},
         {"3", "\\frac{6}{2}", true},
         {"3/4", "\\frac{1.5}{2}", true},
         {"1/3", "0.3333", false},
         {"1/10000000000000000000000", "1/10000000000000000000001", false},
         {"1/2", "1/2/1", true}});
}

TEST(Math, MixedNumbers) {
  Check({{"9/5", "1\\frac{4}{5}", true},
         {"9/5", "1 \\frac{4}{5}", true},
         {"9/5", "1 4/5", true},
         {"-9/5", "-1 4/5", true},
         {"1.8", "1 4/5", true},
         {"137 \\frac{1}{2}", "137.5", true},
         {"14/5", "1 4/5", false},
         {"1/5", "-1 4/5", false},
         {"4/5", "1\\frac{4}{5}", false},
         {"1 1/2", "1.5 1/2", false}});
}

TEST(Math, ThousandsSeparators) {
  Check({{"7425000", "7,425,000", true},
         {"7,425,000", "7425000", true},
         {"10{,}080", "10080", true},
         {"10,\\!080", "10080", true},
         {"11,\\! 111,\\! 111,\\! 100", "11111111100", true},
         {"10080", "10\\,080", true},
         {"1,000.99", "1000.99", true},
         {"32349", "32, 349", false},
         {"1234", "12,34", false},
         {"12345", "1,2345", false},
         {"56", "5\\,6", false}});
}

TEST(Math, Percent) {
  Check({{"28%", "28\\%", true},
         {"28\\%", "28 percent", true},
         {"28%", "28 pct", true},
         {"28%", "0.28", true},
         {"0.28", "28%", true},
         {"28%", "$28$ %", true},
         {"28", "28%", false},
         {"28%", "28", false},
         {"12.5%", "1/8", true}});
  EXPECT_EQ(JudgeBoxed("28", "28\\%", Json{{"percent_as_number", true}}).score, 1);
  EXPECT_EQ(JudgeBoxed("28%", "28", Json{{"percent_as_number", true}}).score, 1);
  EXPECT_EQ(JudgeBoxed("28%", "0.28", Json{{"percent_as_number", true}}).score, 1);
  EXPECT_EQ(JudgeBoxed("28%", "2800", Json{{"percent_as_number", true}}).score, 0);
  EXPECT_EQ(JudgeBoxed("2800", "28", Json{{"percent_as_number", true}}).score, 0);
}

TEST(Math, CurrencyAndUnits) {
  Check({{"18", "$18", true},
         {"18", "\\$18", true},
         {"18", "\\$18.00", true},
         {"18", "18\\$", true},
         {"18", "\u20ac18", true},
         {"-5", "-$5", true},
         {"18", "18 dollars", true},
         {"18", "$18 per day", true},
         {"18", "18 dollars every day at the farmers' market", true},
         {"18", "18\\text{ cm}", true},
         {"18", "18 \\mbox{ inches}^2", true},
         {"15\\mbox{ cm}^2", "15", true},
         {"18", "18\\text{ cm}^{2}", true},
         {"18", "18cm", true},
         {"18", "18 m", true},
         {"60", "60 miles/hour", true},
         {"90^\\circ", "90", true},
         {"90", "90^{\\circ}", true},
         {"90", "90\u00b0", true},
         {"5.4 \\text{ cents}", "5.4", true},
         {"1800000", "1.8 million", true},
         {"2000", "$2 thousand dollars", true},
         {"18", "1.8 million", false},
         {"5", "5x", false},
         {"5", "5 x", false},
         {"5", "5\\pi", false},
         {"5", "5 pi", false},
         {"5", "5 dozen", false},
         {"5", "5 squared", false},
         {"5", "5 hundred", false},
         {"5", "5i", false},
         {"5", "5^2", false},
         {"5", "2**5", false},
         {"25", "2**5", false},
         {"52", "52_8", false},
         {"18", "**18**", true},
         {"18", "**18** dollars", true},
         {"18", "`18`", true},
         {"18", "\\mathbf{18}", true},
         {"18", "\\text{18}", true}});
}

TEST(Math, HedgesAreWrong) {
  Check({{"4", "4 or 5", false},
         {"5", "4 or 5", false},
         {"4", "4, 5", false},
         {"4", "4 and not 5", false},
         {"4", "4 or maybe five", false},
         {"4", "4 is wrong", false},
         {"5", "4=5", false},
         {"4", "4;5", false}});
  EXPECT_EQ(Judge("4", "\\boxed{4} or \\boxed{5}").reason, "different/number/boxed");
  EXPECT_EQ(Judge("5", "\\boxed{4} or \\boxed{5}").reason, "different/number/boxed");
  EXPECT_EQ(Judge("5", "\\boxed{4}, \\boxed{5}").reason, "different/number/boxed");
  EXPECT_EQ(Judge("5", "The answer is 4 or 5.").reason, "different/number/phrase");
  EXPECT_EQ(Judge("5", "The answer is not 5.").reason, "different/number/phrase");
  // The same value boxed twice in different ways is no hedge.
  EXPECT_EQ(Judge("9/5", "\\boxed{1\\frac{4}{5}} or \\boxed{1.8}").reason, "equal/number/boxed");
}

TEST(Math, Lists) {
  Check({{"1, 2, 3", "1, 2, 3", true},
         {"1, 2, 3", "1,2,3", true},
         {"1, 2, 3", "[1, 2, 3]", true},
         {"[1, 2, 3]", "1, 2, 3", true},
         {"1, 2, 3", "1, 2 and 3", true},
         {"1, 2, 3", "1, 2, and 3", true},
         {"1; 2; 3", "1, 2, 3", true},
         {"1, 2, 3", "1, 2.0, 6/2", true},
         {"1, 2, 3", "1, 3, 2", true},  // without brackets in no order
         {"(1, 2, 3)", "(1, 3, 2)", false},
         {"1, 2, 3", "1, 2", false},
         {"1, 2", "1, 2, 3", false},
         {"1, 2, 3", "1, 2, 4", false},
         {"1, 2, 3", "1,, 2, 3", false},
         {"1,234, 5", "1234, 5", true},
         {"100,200,3", "100, 200, 3", true},
         {"(3,4]", "(3,4]", true},
         {"(3,4]", "[3,4]", false},
         {"(3,4)", "\\left( 3, 4 \\right)", true},
         {"\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\dfrac{\\pi}{2})", true},
         {"((1,2),(3,4))", "((1,2),(3,4))", true},
         {"(1,2),(3,4)", "(1,2), (3,4)", true},
         {"(1,2),(3,4)", "(1,2), (4,3)", false},
         {"1, 2", "12", false}});
  EXPECT_EQ(Judge("1, -2", "\\boxed{1} and \\boxed{-2}").reason, "equal/list/boxed");
}

TEST(Math, Text) {
  Check({{"\\text{Evelyn}", "evelyn", true},
         {"east", "\\textbf{East}.", true},
         {"p - q", "p-q", true},
         {"(a+5)(b+2)", "(a+5)(b+2)", true},
         {"(a+5)(b+2)", "(+5)(b+2)", false},
         {"3\\sqrt{13}", "3\\sqrt13", false},
         {"1 2 3", "1  2 3", true},
         {"1 2 3", "12 3", false},
         {"3\\sqrt{13}", "3 \\sqrt{13}", true},
         {"\\sqrt{2}", "\\sqrt 2", true},
         {"x^{2}", "x^2", true},
         {"\\frac{\\sqrt{3}}{3}", "\\dfrac{\\sqrt3}3", true},
         {"\\text{(C)}", "C", true},
         {"C", "(C)", true},
         {"C", "D", false},
         {"2\\pi", "2\u03c0", true},
         {"52_8", "52_8", true},
         {"52_8", "52", false},
         {"x \\le 5", "x \\leq 5", true},
         {"\\text{no}", "yes", false},
         {"p - q", "5", false}});
}

TEST(Math, NamedValues) {
  EXPECT_EQ(JudgeBoxed("5", "x = 5").score, 1);
  EXPECT_EQ(JudgeBoxed("x=5", "5").score, 1);
  EXPECT_EQ(JudgeBoxed("x=5", "x = 5.0").score, 1);
  EXPECT_EQ(JudgeBoxed("x=5", "y=5").score, 0);
  EXPECT_EQ(JudgeBoxed("y = 2x + 3", "2x+3").score, 1);
  // What an equation says of something else is its right side.
  EXPECT_EQ(JudgeBoxed("11a+c", "7 = 11a+c").score, 1);
  EXPECT_EQ(JudgeBoxed("7 = 11a+c", "11a+c").score, 0);
  EXPECT_EQ(JudgeBoxed("a + 3z = 0", "0").score, 0);
  EXPECT_EQ(JudgeBoxed("AB=4, CD=5", "4, 5").score, 1);
  EXPECT_EQ(JudgeBoxed("(p,q)=(3,2)", "(3,2)").score, 1);
}

TEST(Math, GoldMayBeAWorkedSolution) {
  EXPECT_EQ(Judge("9 * 2 = <<9*2=18>>18\n#### 18", "A: 18").reason, "equal/number/phrase");
  EXPECT_EQ(Judge("She makes 18.\nA: 18", "#### 18").reason, "equal/number/hashes");
  EXPECT_EQ(Judge("Thus $\\boxed{18}$ is it.", "<answer>18</answer>").reason,
            "equal/number/answer-tag");
}

TEST(Math, ABadGoldAnswerIsUnjudgedABadResponseWrong) {
  for (const char* gold : {"", "  ", "$$", "."}) {
    EXPECT_EQ(JudgeBoxed(gold, "4").status, VerdictStatus::kUnjudged) << gold;
    EXPECT_EQ(JudgeBoxed(gold, "4").reason, "bad-gold");
  }
  const std::string longest(5'000, '7');
  const std::string larger(kMaxAnswerBytes + 1, '7');
  EXPECT_EQ(JudgeBoxed(longest, longest).reason, "equal/number/boxed");
  EXPECT_EQ(JudgeBoxed("1/" + longest, "1/" + longest).reason, "equal/number/boxed");
  EXPECT_EQ(JudgeBoxed("4", larger).reason, "too-large");
  EXPECT_EQ(JudgeBoxed("4", "1, " + larger).reason, "too-large");
  EXPECT_EQ(JudgeBoxed("4", larger).status, VerdictStatus::kWrong);
  EXPECT_EQ(JudgeBoxed(larger, "4").reason, "bad-gold");
  EXPECT_EQ(JudgeBoxed(larger, "4").status, VerdictStatus::kUnjudged);
  EXPECT_EQ(Judge("4", "I do not know what it may be.").reason, "no-answer");
  EXPECT_EQ(Judge("4", "I do not know what it may be.").status, VerdictStatus::kWrong);
}

// A response that has no value, or none within the budget, must not choose to be unjudged.
TEST(Math, AResponseWithoutAValueIsWrong) {
  const std::string nought = "(\\sin^2 1+\\cos^2 1-1)";
  for (const std::string& response :
       std::vector<std::string>{"\\log 0",
                                "\\ln(1-1)",
                                "x/0",
                                "\\{4, \\log 0\\}",
                                "(\\log 0, 1)",
                                "x=\\log 0",
                                "[\\log 0, 1]",
                                "9^{9^{9^9}}",
                                "\\log\\log\\log e",
                                "\\pm\\log 0",
                                "\\frac{\\log 0}{\\log 0}",
                                "\\begin{pmatrix}1&\\log 0\\end{pmatrix}",
                                "\\tan(10^{10^{10}})",
                                "10^{500}\\sin x=10^{500}\\sin x",
                                "10^{1000}\\sin x=10^{1000}\\sin x",
                                "10^{5000}\\sin x=10^{5000}\\sin x",
                                "\\ln(2+10^{100}(\\sin^2 x+\\cos^2 x-1))",
                                "i\\ln(2+10^{100}(\\sin^2 x+\\cos^2 x-1))",
                                "\\infty = 2",
                                "x = -\\infty",
                                "\\sum_{k=1}^{n} 9^{9^{9^k}}",
                                "y \\pmod{\\infty}",
                                "\\log 0 \\pmod 7",
                                "\\frac{1}{" + nought + "}",
                                "4+10^{1223}" + nought,
                                "4+10^{1230}" + nought,
                                "4+10^{2000}" + nought}) {
    for (const char* gold :
         {"4", "\\sqrt{2}", "x^2+1", "\\{1, 2\\}", "(1, 2)", "[1, 2]", "y = 2x", "x < 3",
          "\\begin{pmatrix}1&2\\end{pmatrix}", "3:4", "blue", "\\infty", "\\frac{n(n+1)}{2}"}) {
      const Verdict verdict = JudgeBoxed(gold, response);
      EXPECT_EQ(verdict.status, VerdictStatus::kWrong)
          << gold << " | " << response << " | " << verdict.reason;
    }
  }
  EXPECT_EQ(JudgeBoxed("4", "\\log 0").reason, "no-value");
  EXPECT_EQ(JudgeBoxed("4", "\\log 0").score, 0);
  // What the gold answer lacks is not the response's fault, and what both have in the same words is
  // the same.
  EXPECT_EQ(JudgeBoxed("\\log 0", "4").reason, "too-complex");
  EXPECT_EQ(JudgeBoxed("\\log 0", "4").status, VerdictStatus::kUnjudged);
  EXPECT_EQ(JudgeBoxed("\\log 0", "\\ln 0").status, VerdictStatus::kUnjudged);
  EXPECT_EQ(JudgeBoxed("\\log 0", "\\log 0").score, 1);
}

// That a gold answer is dear to compute excuses no response without a value.
TEST(Math, ADearGoldAnswerExcusesNoResponse) {
  std::string sines = "\\sin(x)";
  for (int i = 2; i < 60; ++i) sines += "+\\sin(x^{" + std::to_string(i) + "})";
  struct Case {
    std::string gold;
    std::vector<std::string> responses;
  };
  const std::vector<std::string> undefined{"\\log 0",      "\\frac{0}{0}",
                                           "0^{0}",        "\\infty-\\infty",
                                           "9^{9^{9^9}}",  "\\arcsin(\\sin(10^{50}))",
                                           "x=\\log 0",    "\\{\\log 0\\}",
                                           "(\\log 0, 1)", "1, \\log 0"};
  std::vector<Case> cases{
      {"\\{n!, 5\\}", {"\\{n!, \\log 0\\}", "\\{\\log 0, 5\\}", "\\{n!+\\log 0, 5\\}"}},
      {"(n!, 5)", {"(\\log 0, n!)", "(n!, \\frac{0}{0})", "(n!+\\log 0, 5)"}},
      {"n!, \\binom{n}{k}", {"n!, \\log 0", "\\binom{n}{k}, 0^0"}},
      {"x = n!", {"x = \\log 0", "x = n!+\\log 0"}},
      {"x < 3", {"x < \\log 0", "x < 3+\\log 0"}}};
  for (const std::string& gold :
       {std::string("n!"), std::string("(n+1)!-1"), std::string("n!!"),
        std::string("\\binom{n}{k}"), std::string("\\sqrt[n]{n!}"),
        std::string("\\sum_{k=0}^n \\binom{n}{k}"), std::string("\\frac{1}{n+1}\\binom{2n}{n}"),
        std::string("\\frac{(2n)!}{n!(n+1)!}"), std::string("\\frac{n!}{a!b!c!(n-a-b-c)!}"),
        std::string("(1/2)!+(1/3)!+(1/5)!"), sines}) {
    cases.push_back({gold, undefined});
    for (const char* lacking : {"\\log 0", "\\frac{0}{0}", "\\frac{1}{n!-n!}", "(n-n-1)!",
                                "\\log(n!-n(n-1)!)", "(n+10^{5000}\\sin x-10^{5000}\\sin x)!"}) {
      cases.back().responses.push_back(gold + "+" + lacking);
    }
  }
  for (const auto& [gold, responses] : cases) {
    EXPECT_EQ(JudgeBoxed(gold, gold).score, 1) << gold;
    EXPECT_EQ(JudgeBoxed(gold, "7").status, VerdictStatus::kWrong) << gold;
    for (const std::string& response : responses) {
      const Verdict verdict = JudgeBoxed(gold, response);
      EXPECT_EQ(verdict.status, VerdictStatus::kWrong)
          << gold << " | " << response << " | " << verdict.reason;
    }
  }
  // Each end has a value: to order them takes more than there is, or tells nothing.
  for (const char* nought : {"+(2^{50000}-2^{50000})-(2^{50000}-2^{50000})",
                             "+(3^{20000}-3^{20000})-(3^{20000}-3^{20000})"}) {
    for (const char* response : {"x < 3%", "x \\ge 3%", "x \\ne 3%", "1 < x < 3%", "[1, 3%]",
                                 "x < 3% \\text{ or } x > 5", "(-\\infty, 3%) \\cup (5, \\infty)",
                                 "2x+y = 3%", "x^2+y < 3%", "\\{1, 3%\\}", "x = 3%"}) {
      const std::string gold = ReplaceAll(response, "%", "");
      const Verdict verdict = JudgeBoxed(gold, ReplaceAll(response, "%", nought));
      EXPECT_NE(verdict.status, VerdictStatus::kUnjudged) << response << nought;
    }
  }
  // What has values is compared, or left open: it is as hard as the gold answer.
  EXPECT_EQ(JudgeBoxed("n!", "\\frac{(n+1)!}{n+1}").score, 1);
  EXPECT_EQ(JudgeBoxed("n!", "\\frac{2n!}{2}").score, 1);
}

TEST(Math, OptionsMatter) {
  EXPECT_EQ(Judge("4", "it is 4").reason, "equal/number/last-number");
  EXPECT_EQ(Judge("4", "it is 4", Json{{"extraction", "announced"}}).reason, "no-answer");
  EXPECT_EQ(JudgeBoxed("1/3", "0.33").score, 0);
  EXPECT_EQ(JudgeBoxed("1/3", "0.33", Json{{"decimals", 2}}).score, 1);
  EXPECT_EQ(JudgeBoxed("x \\in [1,2]", "1 \\le x \\le 2").score, 1);
  EXPECT_EQ(JudgeBoxed("x \\in [1,2]", "1 \\le x \\le 2", Json{{"relation_for_set", false}}).score,
            0);
  Problem power;
  power.prompt = "What is $2^{10}$?";
  power.answer = "1024";
  const auto echo = [&](const std::string& text, bool on) {
    return MakeVerifier("math", Json{{"echo", on}}, "test")
        ->Judge({.text = text, .problem = power})
        .reason;
  };
  EXPECT_EQ(echo("\\boxed{2^{10}}", false), "equal/number/boxed");
  EXPECT_EQ(echo("\\boxed{2^{10}}", true), "echo/number/boxed");
  EXPECT_EQ(echo("\\boxed{1024}", true), "equal/number/boxed");
  EXPECT_EQ(echo("\\boxed{4^5}", true), "equal/number/boxed");
  power.prompt = "Let $x+y = 1024$. What is $x+y$?";
  EXPECT_EQ(echo("\\boxed{x+y = 1024}", true), "echo/number/boxed");
  EXPECT_EQ(JudgeBoxed("2x", "2y").score, 0);
  EXPECT_EQ(JudgeBoxed("2x", "2y", Json{{"rename_variables", true}}).score, 1);
  EXPECT_EQ(Judge("4", "A: 4", Json{{"extraction", "boxed"}}).reason, "no-answer");
  EXPECT_EQ(Judge("4", "<answer>4</answer>", Json{{"extraction", "answer_tag"}}).score, 1);
  const Json literal{{"literal_fractions", true}};
  EXPECT_EQ(JudgeBoxed("4", "12/3").reason, "equal/number/boxed");
  EXPECT_EQ(JudgeBoxed("4", "12/3", literal).reason, "unreduced/number/boxed");
  EXPECT_EQ(JudgeBoxed("4", "12/3", literal).status, VerdictStatus::kWrong);
  EXPECT_EQ(JudgeBoxed("1/2", "2/4", literal).score, 0);
  EXPECT_EQ(JudgeBoxed("1/2", "\\frac12", literal).score, 1);
  EXPECT_EQ(JudgeBoxed("0.5", "1/2", literal).score, 1);
  EXPECT_EQ(JudgeBoxed("4", "4.0", literal).score, 1);
}

// a/b = (k·a)/(k·b), and a one in the last place makes the difference, at every size.
TEST(Math, ScaledFractionsAreEqualAndNeighboursAreNot) {
  RandomStream random({.seed = 2, .purpose = "fraction-test"});
  for (int i = 0; i < 200; ++i) {
    const int64_t a = random.Between(1, 1'000'000), b = random.Between(1, 1'000'000);
    const int64_t k = random.Between(1, 1'000'000);
    const std::string gold = std::to_string(a) + "/" + std::to_string(b);
    const std::string scaled = std::to_string(k * a) + "/" + std::to_string(k * b);
    const std::string near = std::to_string(k * a + 1) + "/" + std::to_string(k * b);
    EXPECT_EQ(JudgeBoxed(gold, scaled).score, 1) << gold << " " << scaled;
    EXPECT_EQ(JudgeBoxed(gold, near).score, 0) << gold << " " << near;
  }
}

}  // namespace
}  // namespace retort::verifiers::math_test
