// What every registered verifier promises (verifiers/text/verifier.h). A new row of the table is
// held to this without a change here.

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "base/options.h"
#include "base/strings.h"
#include "verifiers/registry.h"
#include "verifiers/text/verifier.h"

namespace retort::verifiers::contract_test {
namespace {

std::string Repeat(std::string_view part, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += part;
  return out;
}

std::vector<std::string> HostileTexts() {
  const std::string nul("\0\0<answer>\0</answer>\0", 21);
  const std::string bad_utf8 =
      "<answer>\xFF\xFE\xC0\x80\xED\xA0\x80\xF5</answer> \\boxed{\xE2\x88}";
  const std::string open = Repeat("{", 1'000'000);
  const std::string nested = Repeat("{", 100'000) + "4" + Repeat("}", 100'000);
  const std::string parens = Repeat("(", 100'000) + "4" + Repeat(")", 100'000);
  const std::string digits = Repeat("7", 1'000'000);
  std::vector<std::string> texts{"",
                                 " \n\t",
                                 nul,
                                 bad_utf8,
                                 open,
                                 "\\boxed{" + open,
                                 "\\boxed" + nested,
                                 "<answer>" + parens + "</answer>",
                                 "\\boxed{" + digits + "}",
                                 "#### " + digits,
                                 "A: " + digits + "/" + digits,
                                 Repeat("<think>", 100'000),
                                 Repeat("<answer>", 100'000),
                                 "<think>4",
                                 "<think></think><answer>4",
                                 "</think></answer><answer>",
                                 "</answer>4<answer>",
                                 "\\boxed{4",
                                 "\\boxed",
                                 "\\fbox{}",
                                 "####",
                                 "A:",
                                 "The answer is",
                                 "answer is:\n\n\n",
                                 Repeat("\\boxed{", 140'000),
                                 Repeat("\\boxed{4} ", 100'000),
                                 Repeat("answer is ", 100'000),
                                 Repeat("A:\n", 300'000),
                                 "\\boxed{" + Repeat("-", 9'000) + "4}",
                                 "\\boxed{" + Repeat("(", 4'000) + "4" + Repeat(")", 4'000) + "}",
                                 "\\boxed{" + Repeat("1,", 4'999) + "1}",
                                 "\\boxed{" + Repeat("x=", 4'000) + "1}",
                                 "\\boxed{" + Repeat("\\frac{", 1'500) + "}",
                                 "\\boxed{1/0}",
                                 "\\boxed{\\log 0}",
                                 "\\boxed{\xE4\xBA\x8C}",
                                 "\\boxed{9^{9^{9^9}}}",
                                 "9223372036854775807*3*5",
                                 "\\boxed{\\frac{1}{0}}",
                                 "\\boxed{0/0 = 1}",
                                 "\\boxed{\\}",
                                 "\\",
                                 "\\boxed{9223372036854775808*3}",
                                 "\\boxed{" + Repeat("7*", 200) + "7}",
                                 "\\boxed{\\text{4}"};
  // What is bounded for one answer must hold inside a tag too.
  const size_t count = texts.size();
  for (size_t i = 0; i < count; ++i) texts.push_back("<answer>" + texts[i] + "</answer>");
  return texts;
}

Problem AnyProblem() {
  Problem problem;
  problem.prompt = "Make 26 from 3, 5, 7. The answer is 26. \\boxed{26}";
  problem.answer = "26";
  problem.extra = Json{{"numbers", {3, 5, 7}},
                       {"target", 26},
                       {"direction", "input"},
                       {"program", "def main(a): return a*2"},
                       {"output", 26}};
  return problem;
}

std::string Show(const Verdict& verdict) {
  return EnumName(verdict.status) + " " + FormatNumber(verdict.score) + " " + verdict.reason + " " +
         verdict.extracted;
}

class ContractTest : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Verifier> Make() const {
    return MakeVerifier(GetParam(), Json::object(), "test");
  }
};

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const VerifierEntry& entry : Verifiers()) names.push_back(entry.name);
  return names;
}

TEST_P(ContractTest, DefaultsReadBack) {
  for (const VerifierEntry& entry : Verifiers()) {
    if (entry.name != GetParam()) continue;
    EXPECT_FALSE(entry.help.empty());
    EXPECT_TRUE(entry.defaults().is_object());
    EXPECT_NE(entry.make(entry.defaults(), "test"), nullptr);
    EXPECT_NE(entry.make(Json::object(), "test"), nullptr);
  }
}

TEST_P(ContractTest, UnknownOptionNamesTheNearest) {
  for (const VerifierEntry& entry : Verifiers()) {
    if (entry.name != GetParam()) continue;
    const std::string known = entry.defaults().items().begin().key();
    try {
      MakeVerifier(entry.name, Json{{known + "x", true}}, "recipe.json: panel[0]");
      FAIL() << "an unknown option was accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("recipe.json: panel[0]"), std::string::npos);
      EXPECT_NE(std::string(error.what()).find("'" + known + "'"), std::string::npos);
    }
    EXPECT_THROW(MakeVerifier(entry.name, Json{{known, Json::array({nullptr})}}, "test"), Error);
  }
}

TEST_P(ContractTest, HostileTextsAreJudgedWithAReasonAndTheSameWayTwice) {
  const auto verifier = Make();
  const Problem problem = AnyProblem();
  const bool judges = verifier->CannotJudge(problem).empty();
  for (const std::string& text : HostileTexts()) {
    SCOPED_TRACE(text.substr(0, 60));
    const Verdict verdict = verifier->Judge({.text = text, .problem = problem});
    EXPECT_FALSE(verdict.reason.empty());
    // No response chooses to be unjudged: that would pay more than to be wrong.
    EXPECT_TRUE(!judges || verdict.status != VerdictStatus::kUnjudged) << verdict.reason;
    EXPECT_TRUE(IsUtf8(verdict.extracted));
    EXPECT_LE(verdict.extracted.size(), 40'000u);
    EXPECT_EQ(Show(verdict), Show(verifier->Judge({.text = text, .problem = problem})));
  }
}

TEST_P(ContractTest, HostileProblemsDoNotThrow) {
  const auto verifier = Make();
  std::vector<Problem> problems(6, AnyProblem());
  problems[0].extra = nullptr;
  problems[1].extra = Json{{"numbers", "3"}, {"target", 26}};
  problems[2].extra = Json{{"numbers", {3, nullptr}}, {"target", 26}};
  problems[3].extra = Json{{"numbers", Json::array()}, {"target", "26"}};
  problems[4].answer = Repeat("{", 100'000);
  problems[5].answer = "\xFF\\boxed{";
  for (const Problem& problem : problems) {
    const std::string text = "<think>t</think><answer>3*7+5</answer>";
    EXPECT_FALSE(verifier->Judge({.text = text, .problem = problem}).reason.empty());
  }
}

TEST_P(ContractTest, WhatCannotBeJudgedIsUnjudgedWhateverIsSaid) {
  const auto verifier = Make();
  std::vector<Problem> problems(7, AnyProblem());
  problems[1].answer.clear();
  problems[2].extra = nullptr;
  problems[3].extra = Json{{"numbers", "3"}, {"direction", "neither"}, {"tests", 3}};
  problems[4].answer = Repeat("{", 100'000);
  problems[5].extra["target"] = "26";
  problems[6].extra["tests"] = {"assert f(1) == 2"};
  problems[6].extra["entry_point"] = "f";
  int judged = 0;
  for (const Problem& problem : problems) {
    const std::string why = verifier->CannotJudge(problem);
    const std::string text = "<think>t</think><answer>3*7+5</answer>";
    const Verdict verdict = verifier->Judge({.text = text, .problem = problem});
    if (why.empty()) {
      ++judged;
      EXPECT_NE(verdict.reason, "bad-gold");
      EXPECT_FALSE(verdict.reason.starts_with("no-tests")) << verdict.reason;
      EXPECT_FALSE(verdict.reason.starts_with("bad-t")) << verdict.reason;  // tests, task
    } else {
      EXPECT_EQ(verdict.status, VerdictStatus::kUnjudged) << why;
      EXPECT_TRUE(IsUtf8(why));
      EXPECT_LT(why.size(), 1000u);
    }
  }
  EXPECT_TRUE(judged > 0 || GetParam() == "code");  // which may have no sandbox here
}

TEST_P(ContractTest, FourThreadsAgree) {
  const auto verifier = Make();
  const Problem problem = AnyProblem();
  std::vector<std::string> texts = HostileTexts();
  std::erase_if(texts, [](const std::string& text) { return text.size() > 50'000; });
  std::vector<std::vector<std::string>> shown(4);
  std::vector<std::thread> threads;
  for (auto& mine : shown) {
    threads.emplace_back([&] {
      for (const std::string& text : texts) {
        mine.push_back(Show(verifier->Judge({.text = text, .problem = problem})));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& other : shown) EXPECT_EQ(other, shown[0]);
}

TEST_P(ContractTest, ThePromptIsNeverSearched) {
  const auto verifier = Make();
  const Problem problem = AnyProblem();
  Problem silent = problem;
  silent.prompt = "";
  for (const std::string text : {"", "no idea", "<think>x</think><answer>26</answer>", "A: 7"}) {
    EXPECT_EQ(Show(verifier->Judge({.text = text, .problem = problem})),
              Show(verifier->Judge({.text = text, .problem = silent})));
  }
  EXPECT_NE(verifier->Judge({.text = "no idea", .problem = problem}).status, VerdictStatus::kRight);
}

INSTANTIATE_TEST_SUITE_P(All, ContractTest, testing::ValuesIn(Names()),
                         [](const auto& info) { return info.param; });

TEST(Registry, IsAlphabeticalAndUnknownNamesGetTheNearest) {
  const std::vector<std::string> names = Names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  try {
    MakeVerifier("maths", Json::object(), "recipe.json");
    FAIL() << "an unknown verifier was made";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("Did you mean 'math'?"), std::string::npos);
  }
}

}  // namespace
}  // namespace retort::verifiers::contract_test
